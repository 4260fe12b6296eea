import { MIB } from "../../domain/size.ts";
import { DAY } from "../../domain/time.ts";
import type { Disk, DiskFile } from "../../runtime/disk.ts";
import { UnreadableBytes } from "../journal/binary.ts";
import { describeBytes } from "../journal/damaged-journal.ts";
import { IDENTITY } from "../journal/data-directory.ts";
import type { Fact, Position } from "../journal/fact.ts";
import { decodeFact } from "../journal/fact-codec.ts";
import { endOfFrame, FRAME_HEADER_BYTES } from "../journal/frame.ts";
import { type ChainLink, GroupReader, type ReadGroup } from "../journal/group-reader.ts";
import {
  decodeSegmentHeader,
  GROUP_HEADER_BYTES,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentName,
} from "../journal/segment.ts";
import { type FoundSegment, readHead } from "../journal/segment-survey.ts";
import {
  checkSnapshot,
  readSnapshot,
  readSnapshotHeader,
  type SnapshotHeader,
  snapshotName,
} from "../journal/snapshot-file.ts";
import { findGroupOf } from "../journal/snapshot-group.ts";
import { Ledger } from "../state/ledger.ts";
import { NO_TAG } from "../state/tag-set.ts";
import { countLosses, type Filled } from "./count-losses.ts";
import type { Damage, Range } from "./damage.ts";
import { findData } from "./data-files.ts";
import { findAlive } from "./find-alive.ts";
import type { Findings, FoundSnapshot } from "./findings.ts";
import { isFiller, recoverHeader } from "./mend-segment.ts";
import { NOBODY_WATCHES, type Progress } from "./progress.ts";
import { searchBehind } from "./search-behind.ts";

/** Reads a data directory from end to end as a start and a scrub would, and goes on behind what is damaged. Changes nothing. */

/** A head and the group behind it. */
const MAX_HEAD_BYTES = 64 * MIB;
/** What is counted does not depend on them. */
export const LEDGER_SETTINGS = { maxRetries: 288, onExhausted: "dead-letter", checkFor: DAY } as const;

/** The snapshots and segments may be those of a running broker; then what it writes meanwhile is not in the findings. */
export async function inspectData(
  disk: Disk,
  { directory, version }: { readonly directory: string; readonly version: string },
  progress: Progress = NOBODY_WATCHES,
): Promise<Findings> {
  const files = await findData(disk, directory, version);
  const sizes = await Promise.all(
    files.names.filter((name) => name !== IDENTITY).map((name) => disk.stat(`${directory}/${name}`)),
  );
  const bytes = sizes.reduce((sum, size) => sum + size.bytes, 0);
  progress.begin(bytes);
  const inspection = new DataInspection(disk, directory, progress);
  if (files.identity === undefined) inspection.damages.push({ sort: "identity" });
  await inspection.readSnapshots(files.snapshots);
  await inspection.readSegments(files.segments);
  return { directory, identity: files.identity, bytes, ...(await inspection.conclude()) };
}

/** Where the chain of groups has been followed to. */
interface Expected {
  readonly number: number;
  readonly base: Position;
  /** Undefined behind bytes that cannot be read. */
  readonly link: ChainLink | undefined;
}

const BEGINNING: Expected = { number: 1, base: 0, link: { sequence: 0, previous: 0 } };

/** Bytes up to the end of a segment that cannot be read: the next one knows what was there. */
type OpenEnd = Range & { readonly header: SegmentHeader; readonly link: ChainLink };

class DataInspection {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #progress: Progress;
  readonly damages: Damage[] = [];
  readonly #segments: FoundSegment[] = [];
  readonly #snapshots: FoundSnapshot[] = [];
  /** Sound by themselves, newest first. */
  #candidates: SnapshotHeader[] = [];
  #base: SnapshotHeader | undefined;
  #canStart = true;
  #ledger = new Ledger(LEDGER_SETTINGS, () => NO_TAG);
  /** Something is missing that the next facts build on. */
  #isFrozen = false;
  #facts = 0;
  #expected: Expected | undefined;
  #openEnd: OpenEnd | undefined;
  #run:
    | {
        readonly first: number;
        last: number;
        readonly base: Position | undefined;
        readonly link: ChainLink | undefined;
      }
    | undefined;
  #tear: Findings["tear"];
  readonly #gone: Range[] = [];
  /** By earlier repairs. */
  readonly #filled: Filled[] = [];
  readonly #behind = { messages: 0, topics: new Set<number>() };

  constructor(disk: Disk, directory: string, progress: Progress) {
    this.#disk = disk;
    this.#directory = directory;
    this.#progress = progress;
  }

  async readSnapshots(positions: readonly Position[]): Promise<void> {
    for (const position of positions) {
      const path = this.#pathOf(snapshotName(position));
      const { bytes } = await this.#disk.stat(path);
      let why: string | undefined;
      try {
        const header = await readSnapshotHeader(this.#disk, path);
        if (header.position !== position) throw new UnreadableBytes("it is not what its name says");
        await checkSnapshot(this.#disk, path);
        this.#candidates.unshift(header);
      } catch (error) {
        if (!(error instanceof UnreadableBytes)) throw error;
        why = error.message;
        this.damages.push({ sort: "snapshot", position, why });
      }
      this.#progress.add(bytes);
      this.#snapshots.push({ position, bytes, isSound: why === undefined });
    }
  }

  async readSegments(numbers: readonly number[]): Promise<void> {
    await this.#chooseBase(numbers);
    if (numbers[0] === BEGINNING.number) this.#expected = BEGINNING;
    for (const number of numbers) {
      this.#noteMissing(number);
      const file = await this.#disk.open(this.#pathOf(segmentName(number)), "read");
      try {
        await this.#readSegment(number, file, number === numbers.at(-1));
      } finally {
        await file.close();
      }
    }
    this.#noteLostEnd();
  }

  async conclude(): Promise<Omit<Findings, "directory" | "identity" | "bytes">> {
    this.#closeOpenEnd(undefined);
    const ledger = this.#ledger;
    const alive = await findAlive(this.#disk, this.#directory, this.#segments, ledger, this.#gone);
    const topicsBehind = [...this.#behind.topics].map((id) => ledger.topicById(id)?.ref);
    const damages = countLosses({
      damages: this.damages,
      gone: this.#gone,
      filled: this.#filled,
      alive,
      behind: { messages: this.#behind.messages, topics: topicsBehind.filter((ref) => ref !== undefined) },
    });
    return {
      facts: this.#facts,
      segments: this.#segments,
      snapshots: this.#snapshots,
      topics: [...ledger.topics()].map(({ id, ref, queues, half }) => ({
        ref,
        messages: queues.reduce((sum, queue) => sum + queue.count, 0),
        delayed: ledger.delayed.countOf(id),
        half: half.open.size,
      })),
      groups: [...ledger.groups()].length,
      tear: this.#tear,
      damages,
      replaysFrom: this.#base,
      canStart: this.#canStart,
      ledger,
      gone: this.#gone,
    };
  }

  /** The newest snapshot whose group is in the journal (decision 8), or the beginning. */
  async #chooseBase(numbers: readonly number[]): Promise<void> {
    for (const candidate of this.#candidates) {
      if (!(await this.#hasGroupOf(candidate, numbers))) {
        const why = `what it goes on from is missing: ${describeBytes(candidate.group.segment, candidate.group.offset, candidate.group.offset + GROUP_HEADER_BYTES)}`;
        this.damages.push({ sort: "snapshot", position: candidate.position, why });
        continue;
      }
      try {
        const slices = readSnapshot(this.#disk, this.#pathOf(snapshotName(candidate.position)));
        this.#ledger = await Ledger.restore(LEDGER_SETTINGS, () => NO_TAG, slices);
        this.#base = candidate;
        return;
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        this.damages.push({ sort: "snapshot", position: candidate.position, why });
      }
    }
    if (numbers[0] === 1) return;
    // Only a snapshot could stand for what is not there any more.
    this.#canStart = false;
    this.#isFrozen = true;
    this.damages.push({ sort: "missing", segment: 1, needed: true });
  }

  async #hasGroupOf(snapshot: SnapshotHeader, numbers: readonly number[]): Promise<boolean> {
    const number = snapshot.group.segment;
    if (!numbers.includes(number)) return false;
    const { header } = await readHead(this.#disk, this.#directory, number);
    return (
      header?.number === number && (await findGroupOf(snapshot, header, this.#disk, this.#directory)) !== undefined
    );
  }

  #noteMissing(number: number): void {
    if (this.#expected === undefined) return;
    if (this.#expected.number < number) this.#closeOpenEnd(undefined);
    for (let missing = this.#expected.number; missing < number; missing++) {
      if (!this.#isNeededFrom(missing)) {
        this.#addToRun(missing);
        continue;
      }
      this.damages.push({ sort: "missing", segment: missing, needed: true });
      this.#isFrozen = true;
    }
    if (this.#expected.number < number) this.#expected = undefined;
  }

  /** Decision 8: a snapshot gets its name when the journal is on disk up to its position. One that ends before has lost its end. */
  #noteLostEnd(): void {
    const [newest] = this.#candidates;
    const [last, expected] = [this.#segments.at(-1), this.#expected];
    if (newest === undefined || last === undefined || expected?.link === undefined) return;
    if (newest.position <= expected.base) return;
    if (newest.group.segment >= expected.number) this.#noteMissing(newest.group.segment + 1);
    else
      this.#noteBytes(
        last.header,
        { from: last.bytes, to: newest.position - last.header.base },
        expected.link,
        undefined,
      );
  }

  async #readSegment(number: number, file: DiskFile, isNewest: boolean): Promise<void> {
    const bytes = await file.size();
    const expected = this.#expected;
    let header = decodeSegmentHeader(await file.read(0, SEGMENT_HEADER_BYTES));
    if (header === undefined && isNewest && bytes <= SEGMENT_HEADER_BYTES && expected !== undefined) {
      this.#tear = { segment: number, from: 0, to: bytes };
      return;
    }
    if (header?.number !== number || (expected !== undefined && !leadsTo(expected, header))) {
      header = await this.#recoverHead(number, file, bytes, header);
      if (header === undefined) {
        this.#progress.add(bytes);
        return;
      }
    }
    this.#closeRun(header);
    // What was forgotten must be nobody's any more.
    if (this.#segments.length === 0 && number > 1) this.#noteGone(number - 1, { from: 0, to: header.base });
    this.#segments.push({ header, bytes });
    this.#checkEndBefore(header);
    await this.#readGroups(header, file, bytes, isNewest);
  }

  /** A head that does not fit what comes before it: what it must have been, or what it says if it is the end before it that is missing. */
  async #recoverHead(
    number: number,
    file: DiskFile,
    bytes: number,
    header: SegmentHeader | undefined,
  ): Promise<SegmentHeader | undefined> {
    const expected = this.#expected;
    if (header?.number === number && (expected === undefined || header.base > expected.base)) return header;
    const head = await file.read(0, Math.min(bytes, MAX_HEAD_BYTES));
    const recovered = expected?.link && recoverHeader(head, { number, base: expected.base, ...expected.link });
    const needed = this.#isNeededFrom(number);
    if (needed || recovered !== undefined) this.damages.push({ sort: "head", segment: number, needed, recovered });
    if (recovered !== undefined) return recovered;
    this.#closeOpenEnd(undefined);
    if (needed) this.#isFrozen = true;
    else this.#addToRun(number);
    this.#expected = undefined;
    return undefined;
  }

  /** An old segment of which nothing can be read: the next one tells where it ended. */
  #addToRun(number: number): void {
    this.#run ??= { first: number, last: number, base: this.#expected?.base, link: this.#expected?.link };
    this.#run.last = number;
  }

  #closeRun({ base: to, sequence, previous }: SegmentHeader): void {
    if (this.#run === undefined) return;
    const { first, last, base, link } = this.#run;
    this.#run = undefined;
    this.damages.push({ sort: "unreadable", run: { first, last, base, link, to, next: { sequence, previous } } });
    if (base !== undefined) this.#gone.push({ from: base, to });
  }

  /** What the segment before this one has lost of its end, by its being shorter or by bytes that cannot be read. */
  #checkEndBefore(header: SegmentHeader): void {
    const before = this.#segments.at(-2);
    const expected = this.#expected;
    if (before === undefined || expected === undefined) return;
    if (expected.link !== undefined && header.base > expected.base) {
      this.#openEnd = { header: before.header, from: before.bytes, to: before.bytes, link: expected.link };
    }
    this.#closeOpenEnd(header);
  }

  #closeOpenEnd(behind: SegmentHeader | undefined): void {
    if (this.#openEnd === undefined) return;
    const { header, from, to, link } = this.#openEnd;
    this.#openEnd = undefined;
    const next = behind && { sequence: behind.sequence, previous: behind.previous };
    this.#noteBytes(header, { from, to: behind === undefined ? to : behind.base - header.base }, link, next);
  }

  async #readGroups(header: SegmentHeader, file: DiskFile, bytes: number, isNewest: boolean): Promise<void> {
    const number = header.number + 1;
    let link: ChainLink = { sequence: header.sequence, previous: header.previous };
    this.#progress.add(Math.min(bytes, SEGMENT_HEADER_BYTES));
    for (let from = SEGMENT_HEADER_BYTES; from < bytes; ) {
      const reader = new GroupReader({ header, file }, { from, to: bytes, link });
      const bad = await this.#readWhileSound(header, reader);
      link = reader.link;
      if (bad === undefined) break;
      const { next, isConfirmed } = await searchBehind({ header, file, bytes }, bad.offset);
      if (isNewest && !isConfirmed && !this.#isKnownToBeSynced(header, bad.offset)) {
        this.#tear = { segment: header.number, from: bad.offset, to: bytes };
        this.#progress.add(bytes - bad.offset);
        this.#expected = { number, base: header.base + bad.offset, link };
        return;
      }
      this.#progress.add((next?.offset ?? bytes) - bad.offset);
      if (next === undefined) {
        this.#openEnd = { header, from: bad.offset, to: bytes, link };
        this.#expected = { number, base: header.base + bytes, link: undefined };
        return;
      }
      this.#noteBytes(header, { from: bad.offset, to: next.offset }, link, next.link);
      link = next.link;
      from = next.offset;
    }
    this.#expected = { number, base: header.base + bytes, link };
  }

  async #readWhileSound(header: SegmentHeader, reader: GroupReader): Promise<{ readonly offset: number } | undefined> {
    while (!reader.isAtEnd) {
      const group = reader.next();
      if (group === undefined) await reader.load();
      else if (group.sort === "bad") return group;
      else {
        this.#readFacts(header, group);
        this.#progress.add(group.end - group.offset);
      }
    }
    return undefined;
  }

  #readFacts({ number, base }: SegmentHeader, { bytes, offset }: ReadGroup): void {
    const notBefore = this.#base?.position ?? 0;
    for (let at = GROUP_HEADER_BYTES; at < bytes.length; ) {
      const end = endOfFrame(bytes, at);
      const position = base + offset + at;
      if (isFiller(bytes, at)) this.#noteFilled(number, { from: offset, to: offset + bytes.length }, base);
      else if (position < notBefore) this.#facts++;
      else this.#apply(decodeFact(bytes, at + FRAME_HEADER_BYTES, end), position);
      at = end;
    }
  }

  #apply(fact: Fact, position: Position): void {
    this.#facts++;
    if (!this.#isFrozen) {
      this.#ledger.apply(fact, position);
    } else if ("messageId" in fact) {
      this.#behind.messages++;
      this.#behind.topics.add(fact.topic);
    }
  }

  #noteGone(segment: number, { from, to }: Range): void {
    this.#gone.push({ from, to });
    this.#filled.push({ segment, base: 0, from, to });
  }

  #noteFilled(segment: number, range: Range, base: Position): void {
    const needed = base + range.to > (this.#base?.position ?? 0);
    if (needed) {
      this.#isFrozen = true;
      this.damages.push({ sort: "filled", segment, ...range, needed });
    } else {
      this.#gone.push({ from: base + range.from, to: base + range.to });
      this.#filled.push({ segment, base, ...range });
    }
  }

  #noteBytes(header: SegmentHeader, range: Range, link: ChainLink, next: ChainLink | undefined): void {
    const needed = header.base + range.to > (this.#base?.position ?? 0);
    this.damages.push({ sort: "bytes", segment: header.number, needed, ...range, header, link, next });
    if (needed) this.#isFrozen = true;
    else this.#gone.push({ from: header.base + range.from, to: header.base + range.to });
  }

  /** What a header behind it, or a snapshot, says was on disk is no tear (DUR-1). */
  #isKnownToBeSynced({ base }: SegmentHeader, offset: number): boolean {
    return this.#candidates.some(({ position }) => position > base + offset);
  }

  #isNeededFrom(segment: number): boolean {
    return this.#base === undefined || segment >= this.#base.group.segment;
  }

  #pathOf(name: string): string {
    return `${this.#directory}/${name}`;
  }
}

function leadsTo({ base, link }: Expected, header: SegmentHeader): boolean {
  if (header.base !== base) return false;
  return link === undefined || (header.sequence === link.sequence && header.previous === link.previous);
}
