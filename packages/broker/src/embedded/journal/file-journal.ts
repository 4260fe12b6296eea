import { crc32 } from "node:zlib";
import { BrokerError } from "../../domain/broker-error.ts";
import type { DurationMs } from "../../domain/time.ts";
import type { Alarm } from "../../runtime/clock.ts";
import type { DiskFile } from "../../runtime/disk.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { ByteWriter, UnreadableBytes } from "./binary.ts";
import { asRefusal, type DataDirectory, noSpaceLeft, openDataDirectory, refusing } from "./data-directory.ts";
import type { Fact, Position } from "./fact.ts";
import { readFrame, writeFrame } from "./frame.ts";
import type { Journal, Recorded, SegmentSpan } from "./journal.ts";
import { type GroupBytes, RecentGroups } from "./recent-groups.ts";
import { type Recovered, recover, type Segment } from "./recovery.ts";
import {
  encodeGroupHeader,
  encodeSegmentHeader,
  GROUP_HEADER_BYTES,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentName,
} from "./segment.ts";
import { SegmentReader } from "./segment-reader.ts";
import { DiskSpace, type Space } from "./space.ts";

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

  #segments: Segment[] = [];
  readonly #recent: RecentGroups;
  readonly #reader: SegmentReader;
  #sequence = 0;
  /** Checksum of the newest group. */
  #previous = 0;
  /** Everything before it is in a file. */
  #written: Position = 0;
  /** Everything before it survives a power cut. */
  #syncedTo: Position = 0;

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
    this.#recent = new RecentGroups(this.#options.cacheBytes * 0.75);
    this.#reader = new SegmentReader(this.#options.cacheBytes * 0.25);
    this.#space = new DiskSpace(runtime, this.#options, (cause) => this.#fail(cause));
    this.failed = new Promise((resolve) => {
      this.#tellFailure = resolve;
    });
  }

  get segments(): readonly SegmentSpan[] {
    return this.#segments.map((segment) => ({
      number: segment.header.number,
      from: segment.header.base,
      to: this.#endOf(segment),
    }));
  }

  // Not built yet: until then nothing is kept and nothing forgotten.
  readonly replaysFrom = 0;

  async snapshot(): Promise<undefined> {}

  pin(_position: Position): () => void {
    return () => {};
  }

  async keepSnapshot(_position: Position, state: AsyncIterable<Uint8Array>): Promise<void> {
    await state[Symbol.asyncIterator]().return?.();
  }

  async forget(_position: Position): Promise<void> {}

  async scrub(_segment: number): Promise<void> {}

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
        const { file } = await this.#createSegment({
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

  async *replay(): AsyncGenerator<readonly Recorded[], void> {
    if (!this.#directory || this.#gathering) throw new Error("A journal is replayed once, after it was opened.");
    const { directory } = this.#options;
    try {
      this.#goOnFrom(yield* recover(this.#runtime, directory, this.#directory.segments));
    } catch (error) {
      throw await asRefusal(this.#runtime.disk, directory, error);
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
      const segment = this.#segments.findLast(({ header }) => header.base <= position);
      if (!segment || position >= this.#written) throw new RangeError(`Nothing stands at ${position}.`);
      return await this.#reader.read(segment, position, this.#endOf(segment));
    } catch (cause) {
      if (cause instanceof RangeError) throw cause;
      if (this.#closed !== undefined) throw new BrokerError("stopping", "The broker is stopping.", { cause });
      // DUR-1, DUR-2: a fact that rotted is never delivered, and what else rotted nobody knows. The next start names it.
      throw this.#fail(cause);
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
    await Promise.allSettled(this.#segments.map(({ file }) => file.close()));
    await this.#directory?.lock.release();
  }

  #goOnFrom({ segments, end, sequence, previous, quiet }: Recovered): void {
    this.#segments = [...segments];
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
    const newest = this.#segments.at(-1);
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

  #endOf(segment: Segment): Position {
    return this.#segments[segment.header.number]?.header.base ?? this.#written;
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
    const segment = this.#segments.at(-1) as Segment;
    const bytes = this.#seal(group, segment.header.seed);
    const size = group.position - segment.header.base;
    await this.#space.write(
      { bytes: bytes.length, promised: bytes.length - GROUP_HEADER_BYTES },
      () => segment.file.append(bytes),
      () => segment.file.truncate(size),
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
    await this.#segments.at(-1)?.file.sync();
    this.#syncedTo = written;
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
      number: this.#segments.length + 1,
      base: position - SEGMENT_HEADER_BYTES,
      sequence: this.#sequence,
      previous: this.#previous,
      seed: this.#seed(),
    };
    this.#segments.push(await this.#createSegment(header));
    this.#written = position;
    this.#syncedTo = position;
  }

  async #createSegment(header: SegmentHeader): Promise<Segment> {
    const { disk } = this.#runtime;
    const { directory } = this.#options;
    const path = `${directory}/${segmentName(header.number)}`;
    const write = async (): Promise<DiskFile> => {
      const file = await disk.open(path, "create");
      try {
        await file.append(encodeSegmentHeader(header));
        return file;
      } catch (error) {
        await file.close();
        throw error;
      }
    };
    const size = { bytes: SEGMENT_HEADER_BYTES, promised: 0 };
    const file = await this.#space.write(size, write, () => disk.remove(path));
    await file.sync();
    await disk.syncDirectory(directory);
    return { header, file };
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

/** One promise for all who wait for a group; made only when somebody does, so that no rejection is without an owner. */
class Deferred {
  #promise: Promise<void> | undefined;
  #resolve: () => void = () => {};
  #reject: (reason: Error) => void = () => {};

  get promise(): Promise<void> {
    this.#promise ??= new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    return this.#promise;
  }

  resolve(): void {
    this.#resolve();
  }

  reject(reason: Error): void {
    this.#reject(reason);
  }
}
