import { grouped } from "../../domain/grouped.ts";
import type { Disk, DiskFile } from "../../runtime/disk.ts";
import type { Log } from "../../runtime/log.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { DamagedJournal, describeBytes } from "./damaged-journal.ts";
import type { Position } from "./fact.ts";
import { decodeAppliedFact } from "./fact-codec.ts";
import { findHeaders } from "./find-headers.ts";
import { endOfFrame, FRAME_HEADER_BYTES } from "./frame.ts";
import { type BadBytes, type ChainLink, GroupReader, type ReadGroup } from "./group-reader.ts";
import type { Recorded } from "./journal.ts";
import { ReplayProgress } from "./replay-progress.ts";
import {
  encodeSegmentHeader,
  GROUP_HEADER_BYTES,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentName,
} from "./segment.ts";
import { type FoundSegment, surveySegments, type UnbegunSegment } from "./segment-survey.ts";
import { type SnapshotHeader, snapshotName } from "./snapshot-file.ts";
import { findGroupOf } from "./snapshot-group.ts";

/** Reads a journal, from its beginning or from a snapshot on, and tells a torn tail, which it cuts, from damage, which it only names (DUR-1). */

const MAX_SLICE = 2_000;

/** What is in the data directory. */
export interface RecoverySource {
  readonly directory: string;
  /** Numbers of the segments, ascending. */
  readonly segments: readonly number[];
  /** Positions of all snapshots, also of those that do not hold. */
  readonly snapshots: readonly Position[];
  /** The one to go on from; undefined: from the beginning. */
  readonly from: SnapshotHeader | undefined;
}

/** Where the journal goes on. */
export interface Recovered {
  readonly headers: readonly SegmentHeader[];
  /** Of the last one, to append to. */
  readonly growing: DiskFile;
  readonly end: Position;
  readonly sequence: number;
  /** Checksum of the last group. */
  readonly previous: number;
  /** The last group is a quiet header. */
  readonly quiet: boolean;
}

/** The chain of groups as far as it was followed. */
interface Chain {
  end: Position;
  link: ChainLink;
  quiet: boolean;
  /** Of the newest segment, what no header says is synced. */
  unsynced: Piece[];
}

/** Bytes of a segment as they were read and checked. */
interface Piece {
  readonly offset: number;
  readonly bytes: Buffer;
}

export async function* recover(
  { disk, log, clock }: Runtime,
  source: RecoverySource,
): AsyncGenerator<readonly Recorded[], Recovered> {
  const { directory, from } = source;
  const first = from?.group.segment ?? 1;
  const { found, unbegun } = await surveySegments(disk, directory, source.segments, first);
  const last = found.at(-1) as FoundSegment;
  const chain = from ? await chainFrom(disk, directory, found, from) : fromTheBeginning();
  const progress = new ReplayProgress(clock, log, { from: chain.end, to: last.header.base + last.bytes });
  let torn: BadBytes | undefined;
  for (const segment of found.filter(({ header }) => header.number >= first)) {
    const file = await disk.open(pathOf(directory, segment.header.number), "read");
    try {
      if (!from || segment.header.number > first) enter(directory, segment.header, chain);
      torn = yield* readGroups(directory, { ...segment, file }, chain, { notBefore: from?.position ?? 0, progress });
      if (torn) await checkTear(source, { ...segment, file, isNewest: segment === last && !unbegun }, torn);
    } finally {
      await file.close();
    }
  }
  checkEnd(source, last, chain.end);
  // Nothing was changed up to here: now it is known to be sound.
  const growing = await openToAppend({ disk, log }, directory, last, { torn, unbegun });
  try {
    await keepForGood(growing, chain.unsynced);
    await disk.syncDirectory(directory);
  } catch (error) {
    await growing.close();
    throw error;
  }
  const { end, link, quiet } = chain;
  return { headers: found.map(({ header }) => header), growing, end, ...link, quiet };
}

function fromTheBeginning(): Chain {
  return { end: 0, link: { sequence: 0, previous: 0 }, quiet: true, unsynced: [] };
}

async function chainFrom(
  disk: Disk,
  directory: string,
  found: readonly FoundSegment[],
  snapshot: SnapshotHeader,
): Promise<Chain> {
  const { position, group } = snapshot;
  const segment = found.find(({ header }) => header.number === group.segment);
  const place = segment && (await findGroupOf(snapshot, segment.header, disk, directory));
  if (place !== undefined) return { ...place, quiet: true, unsynced: [] };
  const where = describeBytes(group.segment, group.offset, group.offset + GROUP_HEADER_BYTES);
  throw new DamagedJournal(directory, `${where}, from which ${snapshotName(position)} goes on`);
}

/** Goes on at the head of a segment. */
function enter(directory: string, header: SegmentHeader, chain: Chain): void {
  const { sequence, previous } = chain.link;
  if (header.base !== chain.end || header.sequence !== sequence || header.previous !== previous) {
    throw new DamagedJournal(directory, describeBytes(header.number, 0, SEGMENT_HEADER_BYTES));
  }
  chain.end += SEGMENT_HEADER_BYTES;
  chain.unsynced = [{ offset: 0, bytes: encodeSegmentHeader(header) }];
}

interface OpenSegment extends FoundSegment {
  readonly file: DiskFile;
}

/** Reads groups while they hold and moves the chain along; returns the bad bytes it met, or nothing at a clean end. */
async function* readGroups(
  directory: string,
  segment: OpenSegment,
  chain: Chain,
  { notBefore, progress }: { readonly notBefore: Position; readonly progress: ReplayProgress },
): AsyncGenerator<readonly Recorded[], BadBytes | undefined> {
  const { number, base } = segment.header;
  const reader = new GroupReader(segment, { from: chain.end - base, to: segment.bytes, link: chain.link });
  let slice: Recorded[] = [];
  let torn: BadBytes | undefined;
  while (!reader.isAtEnd && !torn) {
    const group = reader.next();
    if (group === undefined) {
      await reader.load();
      continue;
    }
    if (group.sort === "bad") {
      torn = group;
      continue;
    }
    try {
      readFrames(group.bytes, base + group.offset, notBefore, slice);
    } catch (cause) {
      throw new DamagedJournal(directory, describeBytes(number, group.offset, group.end), { cause });
    }
    follow(chain, base, group);
    progress.moveTo(chain.end);
    if (slice.length < MAX_SLICE) continue;
    progress.count(slice.length);
    yield slice;
    slice = [];
  }
  progress.count(slice.length);
  if (slice.length > 0) yield slice;
  return torn;
}

function follow(chain: Chain, base: Position, { header, offset, end, bytes }: ReadGroup): void {
  chain.end = base + end;
  chain.link = { sequence: header.sequence + 1, previous: header.checksum };
  chain.quiet = header.length === 0;
  while (chain.unsynced[0] && base + chain.unsynced[0].offset < header.syncedTo) chain.unsynced.shift();
  chain.unsynced.push({ offset, bytes });
}

/** The group's checksum covers its frames: theirs need not be looked at one by one. */
function readFrames(group: Buffer, position: Position, notBefore: Position, into: Recorded[]): void {
  for (let at = GROUP_HEADER_BYTES; at < group.length; ) {
    const end = endOfFrame(group, at);
    if (position + at >= notBefore) {
      into.push({ fact: decodeAppliedFact(group, at + FRAME_HEADER_BYTES, end), position: position + at });
    }
    at = end;
  }
}

/** Throws if anything says that the bad bytes were on disk once, all of them (DUR-1). */
async function checkTear(
  { directory, snapshots }: RecoverySource,
  segment: OpenSegment & { readonly isNewest: boolean },
  { offset, end }: BadBytes,
): Promise<void> {
  const { number, base } = segment.header;
  // A segment is left, and a snapshot is named, only after all before it was synced.
  const isKnown = !segment.isNewest || snapshots.some((position) => position > base + offset);
  const knownAt = isKnown ? end : await findConfirmation(segment, offset);
  if (knownAt !== undefined) {
    throw new DamagedJournal(directory, describeBytes(number, offset, Math.min(end, knownAt)));
  }
}

/** A journal that ends cleanly before what a snapshot contains has lost it. */
function checkEnd({ directory, snapshots }: RecoverySource, { header }: FoundSegment, end: Position): void {
  const beyond = snapshots.find((position) => position > end);
  if (beyond === undefined) return;
  const where = describeBytes(header.number, end - header.base, beyond - header.base);
  throw new DamagedJournal(directory, `${where}, are missing: ${snapshotName(beyond)} contains them`);
}

/** Takes away what never was confirmed, and opens the newest segment. */
async function openToAppend(
  { disk, log }: Pick<Runtime, "disk" | "log">,
  directory: string,
  { header, bytes }: FoundSegment,
  { torn, unbegun }: { readonly torn: BadBytes | undefined; readonly unbegun: UnbegunSegment | undefined },
): Promise<DiskFile> {
  if (unbegun) {
    await disk.remove(pathOf(directory, unbegun.number));
    sayCut(log, pathOf(directory, unbegun.number), 0, unbegun.bytes);
  }
  const path = pathOf(directory, header.number);
  const file = await disk.open(path, "append");
  if (!torn) return file;
  try {
    await file.truncate(torn.offset);
  } catch (error) {
    await file.close();
    throw error;
  }
  sayCut(log, path, torn.offset, bytes - torn.offset);
  return file;
}

function sayCut(log: Log, file: string, offset: number, bytes: number): void {
  const sentence = `cut ${grouped(bytes)} bytes of a write that was never confirmed`;
  log.write("warn", "journal.cut", { sentence, file, offset, bytes });
}

/**
 * What a killed process left may be in the page cache only; from here on it counts as synced. After a failed sync a
 * second one would succeed without having written anything (DUR-2), so the bytes are written anew: over themselves, as
 * some of them may have been confirmed. The sync also makes the cut last before anything is appended (DUR-1).
 */
async function keepForGood(file: DiskFile, unsynced: readonly Piece[]): Promise<void> {
  const [first] = unsynced;
  if (!first) return;
  await file.overwrite(first.offset, Buffer.concat(unsynced.map(({ bytes }) => bytes)));
  await file.sync();
}

function pathOf(directory: string, segment: number): string {
  return `${directory}/${segmentName(segment)}`;
}

/** The offset of a group header behind bad bytes that says they were synced. */
async function findConfirmation(segment: OpenSegment, bad: number): Promise<number | undefined> {
  for await (const { offset, header } of findHeaders(segment, bad)) {
    if (header.syncedTo > segment.header.base + bad) return offset;
  }
  return undefined;
}
