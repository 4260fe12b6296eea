import { crc32 } from "node:zlib";
import { BrokerError } from "../../domain/broker-error.ts";
import { KIB, MIB } from "../../domain/size.ts";
import type { DurationMs } from "../../domain/time.ts";
import type { Alarm } from "../../runtime/clock.ts";
import type { DiskFile } from "../../runtime/disk.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { ByteWriter } from "./binary.ts";
import { Deferred } from "./deferred.ts";
import type { Fact, Position } from "./fact.ts";
import { writeFrame } from "./frame.ts";
import { type GroupBytes, RecentGroups } from "./recent-groups.ts";
import type { Recovered } from "./recovery.ts";
import {
  encodeGroupHeader,
  GROUP_HEADER_BYTES,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentName,
} from "./segment.ts";
import type { SegmentFiles, StoredSegment } from "./segment-files.ts";
import type { DiskSpace } from "./space.ts";

export interface GroupWriterOptions {
  readonly directory: string;
  readonly durability: "sync" | "relaxed";
  readonly segmentBytes: number;
  readonly cacheBytes: number;
  readonly quietAfter: DurationMs;
  readonly relaxedSyncAfter: DurationMs;
}

/**
 * Where a journal grows. What is appended gathers in one frame group while the group before it is written and synced: one write
 * and one sync are under way at a time, so everything before a group is on disk when that group is written.
 */
export class GroupWriter {
  readonly #runtime: Runtime;
  readonly #options: GroupWriterOptions;
  readonly #segments: SegmentFiles;
  readonly #space: DiskSpace;
  readonly #onFailure: (cause: unknown) => void;
  #failure: BrokerError | undefined;
  #isStopping = false;

  readonly #recent: RecentGroups;
  #sequence = 0;
  /** Checksum of the newest group. */
  #previous = 0;
  #written: Position = 0;
  #syncedTo: Position = 0;
  #awaitingSync: { readonly end: Position; readonly settled: Deferred }[] = [];

  /** Undefined until the journal is replayed. */
  #gathering: Gathering | undefined;
  /** Being written and synced. */
  #flight: Flight | undefined;
  readonly #frames = new ByteWriter(64 * KIB);
  #flushing: Promise<void> | undefined;

  #quietAlarm: Alarm | undefined;
  #quietDue = false;
  /** The newest group is a quiet header: there is nothing to cover. */
  #quiet = true;
  #syncAlarm: Alarm | undefined;
  #syncDue = false;

  /** `onFailure` hears of the first write or sync that fails; it is to call `fail`. */
  constructor(
    runtime: Runtime,
    options: GroupWriterOptions,
    { segments, space }: { readonly segments: SegmentFiles; readonly space: DiskSpace },
    onFailure: (cause: unknown) => void,
  ) {
    this.#runtime = runtime;
    this.#options = options;
    this.#segments = segments;
    this.#space = space;
    this.#onFailure = onFailure;
    this.#recent = new RecentGroups(options.cacheBytes);
  }

  /** Everything before it is in a file. */
  get written(): Position {
    return this.#written;
  }

  /** Everything before it is in a file, or will be. */
  get appended(): Position {
    const isEmpty = this.#frames.at <= GROUP_HEADER_BYTES;
    if (this.#gathering && !isEmpty) return this.#gathering.position + this.#frames.at;
    return this.#flight?.end ?? this.#written;
  }

  /** Everything before it survives a power cut. */
  get syncedTo(): Position {
    return this.#syncedTo;
  }

  get isReady(): boolean {
    return this.#gathering !== undefined;
  }

  goOnFrom({ end, sequence, previous, quiet }: Recovered): void {
    this.#sequence = sequence;
    this.#previous = previous;
    this.#written = end;
    this.#syncedTo = end;
    this.#quiet = quiet;
    this.#gather(end);
    this.#awaitQuiet();
  }

  /** The first segment of a new journal. */
  async begin(): Promise<void> {
    const file = await this.#createSegment({ number: 1, base: 0, sequence: 0, previous: 0, seed: this.#seed() });
    await file.close();
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

  /** Resolves when everything before `end` survives a power cut, also where callers do not wait for that. */
  syncedUpTo(end: Position): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (end <= this.#syncedTo) return SYNCED;
    const settled = new Deferred();
    this.#awaitingSync.push({ end, settled });
    return settled.promise;
  }

  /** Where the newest group ends that has a fact before `position`; `position` itself where that is in the middle of it. */
  endOfFactsBefore(position: Position): Position {
    const { position: gatheringAt } = this.#gatheringGroup();
    if (position <= gatheringAt) return Math.min(position, this.#flight?.end ?? this.#written);
    if (position <= gatheringAt + this.#frames.at && this.#frames.at > GROUP_HEADER_BYTES) return position;
    throw new RangeError(`Nothing was appended before ${position}.`);
  }

  /** The group at `position`, unless only its file has it. */
  recentGroup(position: Position): GroupBytes | undefined {
    const group = this.#gathering;
    if (group && position >= group.position && position < group.position + this.#frames.at) {
      return { position: group.position, bytes: this.#frames.buffer.subarray(0, this.#frames.at) };
    }
    const flight = this.#flight;
    if (flight && position >= flight.position && position < flight.end) return flight;
    return this.#recent.find(position);
  }

  /** Writes and syncs what was appended, and marks the clean end; takes nothing any more. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#quietAlarm?.cancel();
    this.#syncAlarm?.cancel();
    if (this.#gathering && !this.#failure) {
      this.#quietDue = true;
      this.#flush();
    }
    await this.#flushing;
  }

  /** DUR-2: nothing is confirmed and nothing written any more. */
  fail(failure: BrokerError): void {
    this.#failure = failure;
    this.#quietAlarm?.cancel();
    this.#syncAlarm?.cancel();
    this.#flight?.settled.reject(failure);
    this.#gathering?.settled.reject(failure);
    for (const { settled } of this.#awaitingSync) settled.reject(failure);
  }

  #gatheringGroup(): Gathering {
    if (this.#failure) throw this.#failure;
    if (this.#isStopping) throw new BrokerError("stopping", "The broker is stopping; nothing was stored.");
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

  /** Sees to it that what was gathered, or is due, gets to the disk. */
  #flush(): void {
    this.#flushing ??= this.#writeAll();
  }

  /** Never rejects: a failure is the journal's end, and told there. */
  async #writeAll(): Promise<void> {
    try {
      await this.#runtime.disk.gather(); // what else is appended in this turn comes along
      // Asked without an await: what is appended after the last look must find nobody at work, and begin anew.
      while (!this.#failure && this.#hasWork) await this.#workOnce();
    } catch (cause) {
      this.#onFailure(cause);
    } finally {
      this.#flushing = undefined;
    }
    if (!this.#failure && !this.#isStopping) this.#awaitQuiet();
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
    if (this.#frames.buffer.length > MIB) this.#frames.buffer = Buffer.allocUnsafe(64 * KIB);
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

  /** A segment is left only when all of it is on disk, and its successor's header and name are too before a group is in it. */
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
      if (this.#failure || this.#isStopping) return;
      if (sequence === this.#sequence) this.#quietDue = true;
      if (this.#quietDue) this.#flush();
      else this.#awaitQuiet();
    });
  }

  #awaitRelaxedSync(): void {
    if (this.#syncAlarm || this.#isStopping) return;
    const { clock } = this.#runtime;
    this.#syncAlarm = clock.alarm(clock.now() + this.#options.relaxedSyncAfter, () => {
      this.#syncAlarm = undefined;
      if (this.#failure || this.#isStopping) return;
      this.#syncDue = true;
      this.#flush();
    });
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
