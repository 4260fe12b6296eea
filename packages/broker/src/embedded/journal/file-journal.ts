import { crc32 } from "node:zlib";
import { BrokerError } from "../../domain/broker-error.ts";
import type { DurationMs } from "../../domain/time.ts";
import type { Alarm } from "../../runtime/clock.ts";
import type { DiskFile } from "../../runtime/disk.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { ByteWriter, UnreadableBytes } from "./binary.ts";
import { DamagedJournal } from "./damaged-journal.ts";
import {
  asRefusal,
  type DataDirectory,
  isSystemError,
  noSpaceLeft,
  openDataDirectory,
  refusing,
} from "./data-directory.ts";
import { Deferred } from "./deferred.ts";
import type { Fact, Position } from "./fact.ts";
import { readFrame, writeFrame } from "./frame.ts";
import type { Journal, Recorded, SegmentSpan } from "./journal.ts";
import { type GroupBytes, RecentGroups } from "./recent-groups.ts";
import { type Recovered, recover } from "./recovery.ts";
import { findGroupBefore, scrubSegment } from "./scrub-segment.ts";
import {
  decodeGroupHeader,
  encodeGroupHeader,
  GROUP_HEADER_BYTES,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentName,
} from "./segment.ts";
import { SegmentFiles, type StoredSegment } from "./segment-files.ts";
import { SegmentReader } from "./segment-reader.ts";
import { type GroupReference, type SnapshotHeader, snapshotName } from "./snapshot-file.ts";
import { Snapshots } from "./snapshots.ts";
import { DiskSpace, isWantOfSpace, type Space } from "./space.ts";

const MIB = 1_024 * 1_024;

export interface FileJournalOptions {
  readonly directory: string;
  /** Of this stagemq; kept in the directory, for the one that cannot read it. */
  readonly version: string;
  readonly clock?: "system" | "simulated";
  /** `relaxed` answers before the disk has it and syncs every 100 ms (PUB-1). */
  readonly durability?: "sync" | "relaxed";
  /** A segment that has grown to this is left. */
  readonly segmentBytes?: number;
  readonly cacheBytes?: number;
  readonly quietAfter?: DurationMs;
  readonly relaxedSyncAfter?: DurationMs;
  /** DUR-3; unless given, the space is not watched. */
  readonly reserveBytes?: number;
  readonly minFreeBytes?: number;
}

/**
 * Facts in files. What is appended gathers in one frame group while the group before it is written and synced: one write
 * and one sync are under way at a time, so everything before a group is on disk when that group is written.
 */
export class FileJournal implements Journal {
  readonly failed: Promise<Error>;
  readonly #runtime: Runtime;
  readonly #options: Required<FileJournalOptions>;
  #tellFailure: (cause: Error) => void = () => {};
  #failure: BrokerError | undefined;
  readonly #space: DiskSpace;
  #directory: DataDirectory | undefined;
  #closed: Promise<void> | undefined;

  readonly #segments: SegmentFiles;
  readonly #snapshots: Snapshots;
  /** What the replay goes on from. */
  #from: SnapshotHeader | undefined;
  /** Keeping and forgetting, one after the other. */
  #chores: Promise<unknown> = Promise.resolve();
  readonly #recent: RecentGroups;
  readonly #reader: SegmentReader;
  #sequence = 0;
  /** Checksum of the newest group. */
  #previous = 0;
  /** Everything before it is in a file. */
  #written: Position = 0;
  /** Everything before it survives a power cut. */
  #syncedTo: Position = 0;
  #awaitingSync: { readonly end: Position; readonly settled: Deferred }[] = [];

  /** Undefined until the replay has come to its end. */
  #gathering: Gathering | undefined;
  /** Being written and synced. */
  #flight: Flight | undefined;
  readonly #frames = new ByteWriter(64 * 1_024);
  #flushing: Promise<void> | undefined;

  #quietAlarm: Alarm | undefined;
  #quietDue = false;
  /** The newest group is a quiet header: there is nothing to cover. */
  #quiet = true;
  #syncAlarm: Alarm | undefined;
  #syncDue = false;

  constructor(runtime: Runtime, options: FileJournalOptions) {
    this.#runtime = runtime;
    this.#options = {
      clock: "system",
      durability: "sync",
      segmentBytes: 128 * MIB,
      cacheBytes: 16 * MIB,
      quietAfter: 50,
      relaxedSyncAfter: 100,
      reserveBytes: 0,
      minFreeBytes: 0,
      ...options,
    };
    this.#segments = new SegmentFiles(runtime.disk, options.directory);
    this.#snapshots = new Snapshots(runtime.disk, runtime.log, options.directory);
    this.#recent = new RecentGroups(this.#options.cacheBytes * 0.75);
    this.#reader = new SegmentReader(this.#options.cacheBytes * 0.25);
    this.#space = new DiskSpace(runtime, this.#options, (cause) => this.#fail(cause));
    this.failed = new Promise((resolve) => {
      this.#tellFailure = resolve;
    });
  }

  get space(): Space {
    return this.#space;
  }

  get secret(): Uint8Array {
    if (!this.#directory) throw new Error("The journal is not open.");
    return this.#directory.secret;
  }

  /** Everything before it survives a power cut. */
  get syncedTo(): Position {
    return this.#syncedTo;
  }

  async open(): Promise<void> {
    const { disk } = this.#runtime;
    const { directory } = this.#options;
    const opened = await openDataDirectory(this.#runtime, this.#options);
    this.#directory = opened;
    try {
      await refusing(disk, directory, async () => {
        await this.#space.open();
        if (!opened.sign) return;
        // Where nothing is yet, nobody waits for it to be consumed.
        if (this.#space.room !== "plenty") throw noSpaceLeft(directory, this.#space.describeWant());
        const file = await this.#createSegment({
          number: 1,
          base: 0,
          sequence: 0,
          previous: 0,
          seed: this.#seed(),
        });
        await file.close();
        await opened.sign();
        this.#directory = { ...opened, segments: [1] };
      });
    } catch (error) {
      await opened.lock.release();
      throw error;
    }
  }

  async snapshot(): Promise<AsyncIterable<Uint8Array> | undefined> {
    const { segments, snapshots } = this.#found;
    const { directory } = this.#options;
    this.#from = await refusing(this.#runtime.disk, directory, () => this.#snapshots.findNewest(snapshots));
    if (this.#from) return this.#stateOf(this.#from);
    if (snapshots.length > 0 && segments[0] !== 1) {
      const names = snapshots.map(snapshotName).join(" and ");
      throw new DamagedJournal(directory, `${names}, and segment 1 is missing`);
    }
    return undefined;
  }

  async *replay(): AsyncGenerator<readonly Recorded[], void> {
    const source = { ...this.#found, directory: this.#options.directory, from: this.#from };
    try {
      this.#goOnFrom(yield* recover(this.#runtime, source));
      await this.#snapshots.removeUnfinished();
    } catch (error) {
      throw await asRefusal(this.#runtime.disk, source.directory, error);
    }
  }

  append(facts: readonly Fact[]): Position[] {
    const group = this.#gatheringGroup();
    const frames = this.#frames;
    const start = frames.at;
    const positions = new Array<Position>(facts.length);
    try {
      for (let index = 0; index < facts.length; index++) {
        positions[index] = group.position + frames.at;
        writeFrame(frames, facts[index] as Fact);
      }
    } catch (error) {
      frames.at = start; // together or not at all
      throw error;
    }
    this.#space.promise(frames.at - start);
    this.#flush();
    return positions;
  }

  synced(position: Position): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (position < (this.#options.durability === "sync" ? this.#syncedTo : this.#written)) return SYNCED;
    if (this.#flight && position < this.#flight.end) return this.#flight.settled.promise;
    const group = this.#gathering;
    if (group && position < group.position + this.#frames.at) return group.settled.promise;
    return Promise.reject(new RangeError(`Nothing was appended at ${position}.`));
  }

  async read(position: Position): Promise<Fact> {
    if (this.#failure) throw this.#failure;
    try {
      const recent = this.#recentGroup(position);
      if (recent) return readFrame(recent.bytes, position - recent.position);
      const segment = this.#segments.at(position);
      if (!segment || position >= this.#written) throw new RangeError(`Nothing stands at ${position}.`);
      return await this.#readFrom(segment, position);
    } catch (cause) {
      if (cause instanceof RangeError) throw cause;
      // DUR-1, DUR-2: a fact that rotted is never delivered, and what else rotted nobody knows. The next start names it.
      throw this.#closed === undefined ? this.#fail(cause) : stopping(cause);
    }
  }

  get segments(): readonly SegmentSpan[] {
    return this.#segments.spans(this.#written);
  }

  get replaysFrom(): Position {
    return this.#snapshots.older?.position ?? 0;
  }

  pin(position: Position): () => void {
    return this.#segments.at(position)?.pin() ?? (() => {});
  }

  async keepSnapshot(position: Position, state: AsyncIterable<Uint8Array>): Promise<void> {
    const slices = state[Symbol.asyncIterator]();
    try {
      await this.#inTurn(async () => {
        // D2: what a power cut may still undo is in no snapshot.
        const end = this.#endOfFactsBefore(position);
        await this.#syncedUpTo(end);
        const group = await this.#groupBefore(end);
        if (group) await this.#snapshots.keep({ position: end, group }, this.#whileServing(slices));
      });
    } finally {
      await slices.return?.();
    }
  }

  async forget(position: Position): Promise<void> {
    await this.#inTurn(async () => {
      const { older } = this.#snapshots;
      if (!older) return;
      const upTo = Math.min(position, older.position);
      const doomed = this.segments.filter(({ number, to }) => number < older.group.segment && to <= upTo);
      // From here on a start may need it: better to know now that it does not hold.
      if (doomed.length === 0 || !(await this.#snapshots.isSound(older))) return;
      for (const { number } of doomed) {
        const segment = this.#segments.numbered(number);
        if (segment && !(await this.#segments.remove(segment))) throw stopping();
      }
    });
  }

  async scrub(number: number): Promise<void> {
    if (this.#failure) throw this.#failure;
    const segment = this.#segments.numbered(number);
    if (!segment) throw new RangeError(`There is no segment ${number}.`);
    const { header } = segment;
    const unpin = segment.pin();
    try {
      const bytes = this.#segments.endOf(segment, this.#written) - header.base;
      await scrubSegment({ header, file: segment, bytes, next: this.#segments.numbered(number + 1)?.header });
    } catch (cause) {
      throw this.#closed === undefined ? this.#fail(this.#namingFile(number, cause)) : stopping(cause);
    } finally {
      unpin();
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#quietAlarm?.cancel();
    this.#syncAlarm?.cancel();
    if (this.#gathering && !this.#failure) {
      this.#quietDue = true;
      this.#flush();
    }
    await this.#flushing;
    await this.#space.close();
    await this.#segments.close();
    await this.#chores;
    await this.#directory?.lock.release();
  }

  /** What the directory held when it was opened, until it is replayed. */
  get #found(): DataDirectory {
    if (!this.#directory || this.#gathering) throw new Error("A journal is replayed once, after it was opened.");
    return this.#directory;
  }

  async *#stateOf(snapshot: SnapshotHeader): AsyncGenerator<Uint8Array, void> {
    const { directory } = this.#options;
    try {
      yield* this.#snapshots.read(snapshot);
    } catch (error) {
      if (!(error instanceof UnreadableBytes)) throw await asRefusal(this.#runtime.disk, directory, error);
      throw new DamagedJournal(directory, `${snapshotName(snapshot.position)}, ${error.message}`, { cause: error });
    }
  }

  #goOnFrom({ headers, growing, end, sequence, previous, quiet }: Recovered): void {
    this.#segments.take(headers, growing);
    this.#sequence = sequence;
    this.#previous = previous;
    this.#written = end;
    this.#syncedTo = end;
    this.#quiet = quiet;
    this.#gather(end);
    this.#awaitQuiet();
    this.#space.serve();
  }

  #gatheringGroup(): Gathering {
    if (this.#failure) throw this.#failure;
    if (this.#closed !== undefined) throw new BrokerError("stopping", "The broker is stopping; nothing was stored.");
    if (!this.#gathering) throw new Error("Nothing is appended before the replay has come to its end.");
    return this.#gathering;
  }

  /** Begins a group at `end`. Its header's place is kept free, so that the positions of its frames are known at once. */
  #gather(end: Position): void {
    const { newest } = this.#segments;
    const isFull = !newest || end - newest.header.base >= this.#options.segmentBytes;
    this.#frames.at = GROUP_HEADER_BYTES;
    this.#gathering = {
      position: isFull ? end + SEGMENT_HEADER_BYTES : end,
      opensSegment: isFull,
      settled: new Deferred(),
    };
  }

  #recentGroup(position: Position): GroupBytes | undefined {
    const group = this.#gathering;
    if (group && position >= group.position && position < group.position + this.#frames.at) {
      return { position: group.position, bytes: this.#frames.buffer.subarray(0, this.#frames.at) };
    }
    const flight = this.#flight;
    if (flight && position >= flight.position && position < flight.end) return flight;
    return this.#recent.find(position);
  }

  async #readFrom(segment: StoredSegment, position: Position): Promise<Fact> {
    const unpin = segment.pin();
    try {
      return await this.#reader.read(segment, position, this.#segments.endOf(segment, this.#written));
    } finally {
      unpin();
    }
  }

  /** Where the newest group ends that has a fact before `position`; `position` itself where that is in the middle of it. */
  #endOfFactsBefore(position: Position): Position {
    const { position: gatheringAt } = this.#gatheringGroup();
    if (position <= gatheringAt) return Math.min(position, this.#flight?.end ?? this.#written);
    if (position <= gatheringAt + this.#frames.at && this.#frames.at > GROUP_HEADER_BYTES) return position;
    throw new RangeError(`Nothing was appended before ${position}.`);
  }

  /** Resolves when everything before `end` survives a power cut, also where callers do not wait for that. */
  #syncedUpTo(end: Position): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (end <= this.#syncedTo) return SYNCED;
    const settled = new Deferred();
    this.#awaitingSync.push({ end, settled });
    return settled.promise;
  }

  /** The group with the newest fact before `end`, which is synced; undefined where there is none. */
  async #groupBefore(end: Position): Promise<GroupReference | undefined> {
    const segment = this.#segments.at(end - SEGMENT_HEADER_BYTES - 1);
    if (!segment) return undefined;
    const { number, base, seed } = segment.header;
    const recent = this.#recentGroup(end - 1);
    const header = recent && decodeGroupHeader(recent.bytes, 0, { seed, position: recent.position });
    if (recent && header) return { segment: number, offset: recent.position - base, ...header };
    const bytes = this.#segments.endOf(segment, this.#written) - base;
    return await findGroupBefore({ header: segment.header, file: segment, bytes }, end - base);
  }

  async *#whileServing(slices: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      if (this.#failure) throw this.#failure;
      if (this.#closed !== undefined) throw stopping();
      const next = await slices.next();
      if (next.done) return;
      yield next.value;
    }
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#chores.then(async () => {
      if (this.#failure) throw this.#failure;
      if (this.#closed !== undefined) throw stopping();
      try {
        await work();
      } catch (error) {
        // Without space for a snapshot the journal goes on as it did; otherwise the disk has failed (DUR-2).
        throw isFailureOfDisk(error) && !isWantOfSpace(error) ? this.#fail(error) : error;
      }
    });
    this.#chores = done.catch(() => undefined);
    await done;
  }

  #namingFile(segment: number, cause: unknown): unknown {
    if (!(cause instanceof UnreadableBytes)) return cause;
    return new UnreadableBytes(`${this.#options.directory}/${segmentName(segment)}: ${cause.message}`);
  }

  /** Sees to it that what was gathered, or is due, gets to the disk. */
  #flush(): void {
    this.#flushing ??= this.#writeAll();
  }

  /** Never rejects: a failure is the journal's end, and told there. */
  async #writeAll(): Promise<void> {
    try {
      await undefined; // what else is appended in this turn comes along
      // Asked without an await: what is appended after the last look must find nobody at work, and begin anew.
      while (!this.#failure && this.#hasWork) await this.#workOnce();
    } catch (cause) {
      this.#fail(cause);
    } finally {
      this.#flushing = undefined;
    }
    if (!this.#failure && this.#closed === undefined) this.#awaitQuiet();
  }

  get #hasWork(): boolean {
    return this.#syncDue || this.#quietDue || this.#frames.at > GROUP_HEADER_BYTES;
  }

  async #workOnce(): Promise<void> {
    if (this.#syncDue) {
      this.#syncDue = false;
      await this.#syncNewest();
      return;
    }
    if (this.#frames.at > GROUP_HEADER_BYTES) {
      await this.#writeGroup();
      if (this.#options.durability === "sync") await this.#syncNewest();
      else this.#awaitRelaxedSync();
    } else {
      this.#quietDue = false;
      if (this.#quiet) return;
      await this.#syncNewest(); // the quiet header says that all before it is synced
      await this.#writeGroup();
      await this.#syncNewest();
    }
    this.#land();
  }

  async #writeGroup(): Promise<void> {
    const group = this.#gathering as Gathering;
    if (group.opensSegment) await this.#openNextSegment(group);
    const { growing, newest } = this.#segments;
    const { seed, base } = (newest as StoredSegment).header;
    const bytes = this.#seal(group, seed);
    const size = group.position - base;
    await this.#space.write(
      { bytes: bytes.length, promised: bytes.length - GROUP_HEADER_BYTES },
      () => growing.append(bytes),
      () => growing.truncate(size),
    );
    this.#written = group.position + bytes.length;
  }

  /** Ends the gathering group and begins the next. */
  #seal(group: Gathering, seed: number): Buffer {
    const bytes = Buffer.from(this.#frames.buffer.subarray(0, this.#frames.at));
    const end = group.position + bytes.length;
    this.#quiet = bytes.length === GROUP_HEADER_BYTES;
    this.#previous = encodeGroupHeader(
      bytes,
      { seed, position: group.position },
      {
        length: bytes.length - GROUP_HEADER_BYTES,
        frames: crc32(bytes.subarray(GROUP_HEADER_BYTES)),
        sequence: this.#sequence,
        syncedTo: this.#syncedTo,
        previous: this.#previous,
      },
    );
    this.#sequence += 1;
    this.#flight = { position: group.position, end, bytes, settled: group.settled };
    if (this.#frames.buffer.length > MIB) this.#frames.buffer = Buffer.allocUnsafe(64 * 1_024);
    this.#gather(end);
    return bytes;
  }

  async #syncNewest(): Promise<void> {
    const written = this.#written;
    if (written === this.#syncedTo) return;
    await this.#segments.growing.sync();
    this.#markSynced(written);
  }

  #markSynced(position: Position): void {
    this.#syncedTo = position;
    for (const { settled } of this.#awaitingSync.filter(({ end }) => end <= position)) settled.resolve();
    this.#awaitingSync = this.#awaitingSync.filter(({ end }) => end > position);
  }

  #land(): void {
    const flight = this.#flight as Flight;
    this.#flight = undefined;
    this.#recent.add(flight);
    flight.settled.resolve();
  }

  /** a segment is left only when all of it is on disk, and its successor's header and name are too before a group is in it. */
  async #openNextSegment({ position }: Gathering): Promise<void> {
    await this.#syncNewest();
    const header: SegmentHeader = {
      number: (this.#segments.newest?.header.number ?? 0) + 1,
      base: position - SEGMENT_HEADER_BYTES,
      sequence: this.#sequence,
      previous: this.#previous,
      seed: this.#seed(),
    };
    this.#segments.add(header, await this.#createSegment(header));
    this.#written = position;
    this.#markSynced(position);
  }

  async #createSegment(header: SegmentHeader): Promise<DiskFile> {
    const { disk } = this.#runtime;
    const { directory } = this.#options;
    const size = { bytes: SEGMENT_HEADER_BYTES, promised: 0 };
    const undo = () => disk.remove(`${directory}/${segmentName(header.number)}`);
    const file = await this.#space.write(size, () => this.#segments.create(header), undo);
    await file.sync();
    await disk.syncDirectory(directory);
    return file;
  }

  #seed(): number {
    return Buffer.from(this.#runtime.random.bytes(4)).readUInt32LE();
  }

  /** DUR-1: once nothing is appended any more, a quiet header covers the last group. */
  #awaitQuiet(): void {
    if (this.#quiet || this.#quietAlarm) return;
    const { clock } = this.#runtime;
    const sequence = this.#sequence;
    this.#quietAlarm = clock.alarm(clock.now() + this.#options.quietAfter, () => {
      this.#quietAlarm = undefined;
      if (this.#failure || this.#closed !== undefined) return;
      if (sequence === this.#sequence) this.#quietDue = true;
      if (this.#quietDue) this.#flush();
      else this.#awaitQuiet();
    });
  }

  #awaitRelaxedSync(): void {
    if (this.#syncAlarm || this.#closed !== undefined) return;
    const { clock } = this.#runtime;
    this.#syncAlarm = clock.alarm(clock.now() + this.#options.relaxedSyncAfter, () => {
      this.#syncAlarm = undefined;
      if (this.#failure || this.#closed !== undefined) return;
      this.#syncDue = true;
      this.#flush();
    });
  }

  /** DUR-2: after the first failure nobody knows what the disk has; nothing is confirmed and nothing written any more. */
  #fail(cause: unknown): BrokerError {
    if (this.#failure) return this.#failure;
    const error = cause instanceof Error ? cause : new Error(String(cause));
    const what = error instanceof UnreadableBytes ? "Stored data is damaged" : "The disk failed";
    this.#failure = new BrokerError("storage-failed", `${what} (${error.message}). The broker stops.`, {
      cause: error,
    });
    this.#quietAlarm?.cancel();
    this.#syncAlarm?.cancel();
    this.#flight?.settled.reject(this.#failure);
    this.#gathering?.settled.reject(this.#failure);
    for (const { settled } of this.#awaitingSync) settled.reject(this.#failure);
    this.#runtime.log.write("error", "journal.failed", { reason: error.message });
    this.#tellFailure(error);
    return this.#failure;
  }
}

const SYNCED = Promise.resolve();

/** The group that takes what is appended now. */
interface Gathering {
  /** Of its header. */
  readonly position: Position;
  readonly opensSegment: boolean;
  readonly settled: Deferred;
}

interface Flight extends GroupBytes {
  readonly end: Position;
  readonly settled: Deferred;
}

function stopping(cause?: unknown): BrokerError {
  return new BrokerError("stopping", "The broker is stopping.", { cause });
}

/** Also what it gives back may be wrong. */
function isFailureOfDisk(error: unknown): boolean {
  return error instanceof UnreadableBytes || (isSystemError(error) && !(error instanceof BrokerError));
}
