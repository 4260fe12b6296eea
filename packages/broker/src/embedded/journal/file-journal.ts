import { BrokerError } from "../../domain/broker-error.ts";
import { grouped } from "../../domain/grouped.ts";
import { MIB } from "../../domain/size.ts";
import type { DurationMs } from "../../domain/time.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { UnreadableBytes } from "./binary.ts";
import { DamagedJournal } from "./damaged-journal.ts";
import {
  asRefusal,
  type DataDirectory,
  isSystemError,
  noSpaceLeft,
  openDataDirectory,
  refusing,
} from "./data-directory.ts";
import type { Fact, Position } from "./fact.ts";
import { readFrame } from "./frame.ts";
import { GroupWriter } from "./group-writer.ts";
import type { Journal, Recorded, SegmentSpan } from "./journal.ts";
import { recover } from "./recovery.ts";
import { findGroupBefore, scrubSegment } from "./scrub-segment.ts";
import { decodeGroupHeader, SEGMENT_HEADER_BYTES, segmentName } from "./segment.ts";
import { SegmentFiles, type StoredSegment } from "./segment-files.ts";
import { SegmentReader } from "./segment-reader.ts";
import { type GroupReference, type SnapshotHeader, snapshotName } from "./snapshot-file.ts";
import { Snapshots } from "./snapshots.ts";
import { DiskSpace, isWantOfSpace, type Space } from "./space.ts";

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

/** Facts in files: a directory with segments, of which the last one grows, and with snapshots. */
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
  readonly #writer: GroupWriter;
  readonly #reader: SegmentReader;

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
    this.#space = new DiskSpace(runtime, this.#options, (cause) => this.#fail(cause));
    this.#segments = new SegmentFiles(runtime.disk, options.directory);
    this.#snapshots = new Snapshots(runtime, options.directory, this.#space);
    const { cacheBytes } = this.#options;
    const parts = { segments: this.#segments, space: this.#space };
    const fail = (cause: unknown): void => {
      this.#fail(cause);
    };
    this.#writer = new GroupWriter(runtime, { ...this.#options, cacheBytes: cacheBytes * 0.75 }, parts, fail);
    this.#reader = new SegmentReader(cacheBytes * 0.25);
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
    return this.#writer.syncedTo;
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
        await this.#writer.begin();
        await opened.sign();
        this.#directory = { ...opened, segments: [1] };
      });
    } catch (error) {
      await opened.leave();
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
      const recovered = yield* recover(this.#runtime, source);
      this.#segments.take(recovered.headers, recovered.growing);
      await this.#snapshots.removeUnfinished();
      this.#writer.goOnFrom(recovered);
      this.#space.serve();
    } catch (error) {
      throw await asRefusal(this.#runtime.disk, source.directory, error);
    }
  }

  append(facts: readonly Fact[]): Position[] {
    return this.#writer.append(facts);
  }

  synced(position: Position): Promise<void> {
    return this.#writer.synced(position);
  }

  async read(position: Position): Promise<Fact> {
    const fact = this.readAtOnce(position);
    if (fact) return fact;
    const segment = this.#segments.at(position);
    if (!segment || position >= this.#writer.written) throw new RangeError(`Nothing stands at ${position}.`);
    try {
      return await this.#readFrom(segment, position);
    } catch (cause) {
      throw this.#unreadable(segment, position, cause);
    }
  }

  readAtOnce(position: Position): Fact | undefined {
    if (this.#failure) throw this.#failure;
    const segment = this.#segments.at(position);
    try {
      const recent = this.#writer.recentGroup(position);
      if (recent) return readFrame(recent.bytes, position - recent.position);
      return segment && this.#reader.readAtOnce(segment, position);
    } catch (cause) {
      throw this.#unreadable(segment, position, cause);
    }
  }

  /** DUR-1, DUR-2: a fact that rotted is never delivered, and what else rotted nobody knows. */
  #unreadable(segment: StoredSegment | undefined, position: Position, cause: unknown): unknown {
    if (cause instanceof RangeError) return cause;
    return this.#closed === undefined ? this.#fail(this.#namingPlace(segment, position, cause)) : stopping(cause);
  }

  get extent(): { readonly from: Position; readonly to: Position } {
    return { from: this.#segments.oldest?.header.base ?? 0, to: this.#writer.written };
  }

  get segments(): readonly SegmentSpan[] {
    return this.#segments.spans(this.#writer.written);
  }

  get replaysFrom(): Position {
    return this.#snapshots.older?.position ?? 0;
  }

  pin(...positions: readonly Position[]): () => void {
    const segments = new Set(positions.map((position) => this.#segments.at(position)));
    const unpins = [...segments].map((segment) => segment?.pin());
    return () => {
      for (const unpin of unpins) unpin?.();
    };
  }

  async keepSnapshot(position: Position, state: AsyncIterable<Uint8Array>): Promise<void> {
    const slices = state[Symbol.asyncIterator]();
    try {
      await this.#inTurn(async () => {
        // Decision 8: what a power cut may still undo is in no snapshot.
        const end = this.#writer.endOfFactsBefore(position);
        await this.#writer.syncedUpTo(end);
        const group = await this.#groupBefore(end);
        if (group) await this.#snapshots.keep({ position: end, group }, this.#whileServing(slices));
      });
    } finally {
      await slices.return?.();
    }
  }

  async forget(position: Position): Promise<void> {
    const { appended } = this.#writer;
    await this.#inTurn(async () => {
      const { older } = this.#snapshots;
      if (!older) return;
      const upTo = Math.min(position, older.position);
      const doomed = this.segments.filter(({ number, to }) => number < older.group.segment && to <= upTo);
      // From here on a start may need it: better to know now that it does not hold.
      if (doomed.length === 0 || !(await this.#snapshots.isSound(older))) return;
      // Decision 8: without the copies, or what says that nothing lives there any more, a start would look for it there.
      await this.#writer.syncedUpTo(appended);
      for (const { number } of doomed) {
        const segment = this.#segments.numbered(number);
        if (segment && !(await this.#segments.remove(segment))) throw stopping();
      }
      await this.#space.freed();
    });
  }

  async scrub(number: number): Promise<void> {
    if (this.#failure) throw this.#failure;
    const segment = this.#segments.numbered(number);
    if (!segment) throw new RangeError(`There is no segment ${number}.`);
    const { header } = segment;
    const unpin = segment.pin();
    try {
      const bytes = this.#segments.endOf(segment, this.#writer.written) - header.base;
      await scrubSegment({ header, file: segment, bytes, next: this.#segments.numbered(number + 1)?.header });
    } catch (cause) {
      throw this.#closed === undefined ? this.#fail(this.#namingFile(number, cause)) : stopping(cause);
    } finally {
      unpin();
    }
  }

  damage(what: string): Error {
    return new DamagedJournal(this.#options.directory, what);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#writer.stop();
    this.#segments.stopRemoving();
    await this.#chores;
    await this.#space.close();
    await this.#segments.close();
    await this.#directory?.leave();
  }

  /** What the directory held when it was opened, until it is replayed. */
  get #found(): DataDirectory {
    if (!this.#directory || this.#writer.isReady) throw new Error("A journal is replayed once, after it was opened.");
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

  async #readFrom(segment: StoredSegment, position: Position): Promise<Fact> {
    const unpin = segment.pin();
    try {
      return await this.#reader.read(segment, position, this.#segments.endOf(segment, this.#writer.written));
    } finally {
      unpin();
    }
  }

  /** The group with the newest fact before `end`, which is synced; undefined where there is none. */
  async #groupBefore(end: Position): Promise<GroupReference | undefined> {
    const segment = this.#segments.at(end - SEGMENT_HEADER_BYTES - 1);
    if (!segment) return undefined;
    const { number, base, seed } = segment.header;
    const recent = this.#writer.recentGroup(end - 1);
    const header = recent && decodeGroupHeader(recent.bytes, 0, { seed, position: recent.position });
    if (recent && header) return { segment: number, offset: recent.position - base, ...header };
    const bytes = this.#segments.endOf(segment, this.#writer.written) - base;
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

  /** DUR-1.2: the next start does not read an old segment, and so would not name it. */
  #namingPlace(segment: StoredSegment | undefined, position: Position, cause: unknown): unknown {
    if (segment === undefined || !(cause instanceof UnreadableBytes)) return cause;
    const { number, base } = segment.header;
    const place = `segment ${number}, from byte ${grouped(position - base)} on`;
    return this.#namingFile(number, new UnreadableBytes(`${place}: ${cause.message}`));
  }

  /** DUR-2: after the first failure nobody knows what the disk has; nothing is confirmed and nothing written any more. */
  #fail(cause: unknown): BrokerError {
    if (this.#failure) return this.#failure;
    const error = cause instanceof Error ? cause : new Error(String(cause));
    // Clients need not know where: that is for the log.
    const what = error instanceof UnreadableBytes ? "Stored data is damaged" : `The disk failed (${error.message})`;
    this.#failure = new BrokerError("storage-failed", `${what}. The broker stops.`, { cause: error });
    this.#writer.fail(this.#failure);
    this.#runtime.log.write("error", "journal.failed", { reason: error.message });
    this.#tellFailure(error);
    return this.#failure;
  }
}

function stopping(cause?: unknown): BrokerError {
  return new BrokerError("stopping", "The broker is stopping.", { cause });
}

/** Also what it gives back may be wrong. */
function isFailureOfDisk(error: unknown): boolean {
  return error instanceof UnreadableBytes || (isSystemError(error) && !(error instanceof BrokerError));
}
