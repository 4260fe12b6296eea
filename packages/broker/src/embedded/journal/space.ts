import { BrokerError } from "../../domain/broker-error.ts";
import { KIB, MIB } from "../../domain/size.ts";
import type { DurationMs, EpochMs } from "../../domain/time.ts";
import type { Alarm } from "../../runtime/clock.ts";
import type { DiskFile } from "../../runtime/disk.ts";
import type { LogFields, LogLevel } from "../../runtime/log.ts";
import type { Runtime } from "../../runtime/runtime.ts";

/** How much may still be stored (DUR-3). Knows bytes, never facts. */

/** Space for everything; for what consumers need, from the reserve; for nothing. */
export type Room = "plenty" | "scarce" | "none";

/** What whoever commits facts asks first: once a fact is in the ledger its write must not fail for want of space. */
export interface Space {
  readonly room: Room;
  /** Refuses (`storage-full`) what there is no room for: messages need plenty, what becomes of them only some. */
  check(use: "publishing" | "consuming"): void;
  /** Whether there is room for a few facts so that more can be deleted: also where there is room for nothing else. */
  readonly mayDrop: boolean;
  /** How many bytes may be written at a time so that more can be deleted: of what is scarce little, and never the last. */
  readonly forCopying: number;
  /** Calls back whenever there is room again where there was none. Never from within an append. */
  onRelief(listener: () => void): void;
}

/** Where nothing is on a disk. */
export const ENDLESS_SPACE: Space = {
  room: "plenty",
  check: () => {},
  mayDrop: true,
  forCopying: Number.POSITIVE_INFINITY,
  onRelief: () => {},
};

/** Bytes that are really allocated, and given back when nothing else is left. */
export const RESERVE_NAME = "stagemq-reserve";

/** The reserve is given back and filled up again in so many pieces; below one of them there is room for nothing. */
const PIECES = 16;
/** Of the reserve: so much is copied at a time, and so much is left to whoever acknowledges (DUR-3). */
const COPIED_PART = 1 / 4;
/** For what a file system keeps beside the bytes. */
const MARGIN_BYTES = 64 * KIB;
/** More than any file system compresses at a time. */
const NOISE_BYTES = 256 * KIB;
const LOOK_AGAIN_AFTER: DurationMs = 500;

export interface SpaceOptions {
  readonly directory: string;
  /** With 0 the space is not watched. */
  readonly reserveBytes: number;
  /** Below so much beside the reserve publishes are refused. */
  readonly minFreeBytes: number;
}

const SAYINGS: Readonly<Record<Room, (minFree: string) => [LogLevel, event: string, sentence: string]>> = {
  plenty: () => ["info", "disk.space-again", "There is space again: publishing goes on."],
  scarce: (minFree) => [
    "warn",
    "disk.full",
    `Disk full: publishes are refused until ${minFree} are free; consuming goes on.`,
  ],
  none: () => [
    "error",
    "disk.reserve-used-up",
    "Disk full, and the reserve is used up: nothing is delivered or acknowledged until there is space again.",
  ],
};

/** The space under a data directory, as it was half a second ago or less, minus what has been written since. */
export class DiskSpace implements Space {
  readonly #runtime: Runtime;
  readonly #options: SpaceOptions;
  readonly #onFailure: (cause: unknown) => void;
  readonly #listeners: (() => void)[] = [];
  #room: Room = "plenty";
  /** Free on the disk; the reserve does not count. */
  #free = Number.POSITIVE_INFINITY;
  #lookedAt: EpochMs = Number.NEGATIVE_INFINITY;
  /** Written since the look that is under way began: it may have seen that or not. */
  #writtenMeanwhile = 0;
  /** Committed, and not written yet. */
  #promised = 0;
  #reserve: DiskFile | undefined;
  #held = 0;
  #isServing = false;
  #isClosed = false;
  #isLooking = false;
  #alarm: Alarm | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** `onFailure` hears of a disk that fails otherwise than for want of space (DUR-2). */
  constructor(runtime: Runtime, options: SpaceOptions, onFailure: (cause: unknown) => void) {
    this.#runtime = runtime;
    this.#options = options;
    this.#onFailure = onFailure;
  }

  get room(): Room {
    return this.#room;
  }

  check(use: "publishing" | "consuming"): void {
    if (this.#room === "plenty" || (this.#room === "scarce" && use === "consuming")) return;
    const minFree = describeSize(this.#options.minFreeBytes);
    const sentence =
      this.#room === "none"
        ? "Disk full, and the reserve is used up: nothing is stored until there is space again; then it goes on by itself."
        : `Disk full: ${describeSize(this.#spare)} are free, publishes are refused until ${minFree} are; consuming goes on, publishing resumes by itself.`;
    throw new BrokerError("storage-full", sentence);
  }

  get mayDrop(): boolean {
    return this.#room !== "none" || this.#left >= this.#piece / 2;
  }

  get forCopying(): number {
    if (!this.#isWatched) return Number.POSITIVE_INFINITY;
    const part = this.#options.reserveBytes * COPIED_PART;
    return Math.max(0, this.#spare - this.#options.minFreeBytes, Math.min(part, this.#left - part));
  }

  /** What a directory without any data must have and does not. */
  describeWant(): string {
    const { reserveBytes, minFreeBytes } = this.#options;
    return `${describeSize(this.#free)} are free, ${describeSize(reserveBytes + minFreeBytes)} are needed`;
  }

  onRelief(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Looks what there is; on a full disk makes a little room for the recovery. Says nothing yet. */
  async open(): Promise<void> {
    if (!this.#isWatched) return;
    const { disk } = this.#runtime;
    if ((await disk.list(this.#options.directory)).includes(RESERVE_NAME)) {
      this.#reserve = await disk.open(this.#path, "append");
      this.#held = await this.#reserve.size();
    }
    if (this.#held > this.#options.reserveBytes) {
      await this.#reserve?.truncate(this.#options.reserveBytes);
      this.#held = this.#options.reserveBytes;
    }
    await this.#inTurn(() => this.#look());
    await this.#makeRoomFor(0);
    this.#room = this.#roomNow;
  }

  /** From now on changes are told, and the reserve is filled up where there is space. */
  serve(): void {
    if (!this.#isWatched) return;
    this.#isServing = true;
    if (this.#room !== "plenty") this.#say();
    this.#goOn();
  }

  /** So many bytes were committed. */
  promise(bytes: number): void {
    this.#promised += bytes;
    this.#update();
  }

  /**
   * Writes `bytes`, of which so many were `promised`. What does not fit, because others were quicker, is undone and
   * written again as the reserve is given back; it fails only when the reserve is used up.
   */
  async write<Written>(
    { bytes, promised }: { readonly bytes: number; readonly promised: number },
    write: () => Promise<Written>,
    undo: () => Promise<void>,
  ): Promise<Written> {
    if (this.#runtime.clock.now() - this.#lookedAt >= LOOK_AGAIN_AFTER) this.#goOn();
    for (;;) {
      if (this.#free < bytes + this.#margin) await this.#makeRoomFor(bytes);
      try {
        const written = await write();
        this.#wrote(bytes, promised);
        return written;
      } catch (error) {
        if (!isWantOfSpace(error) || this.#held === 0) throw error;
        await undo();
        this.#free = 0;
      }
    }
  }

  /** Writes what nobody promised: a snapshot. */
  async append(file: DiskFile, bytes: Uint8Array): Promise<void> {
    const size = await file.size();
    await this.write(
      { bytes: bytes.length, promised: 0 },
      () => file.append(bytes),
      () => file.truncate(size),
    );
  }

  /** Files were deleted: counts at once what that has freed. */
  async freed(): Promise<void> {
    if (!this.#isWatched || this.#isClosed) return;
    await this.#inTurn(() => this.#look());
    this.#update();
  }

  #wrote(bytes: number, promised: number): void {
    this.#free -= bytes;
    this.#writtenMeanwhile += bytes;
    this.#promised -= promised;
    this.#update();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#alarm?.cancel();
    await this.#last;
    await this.#reserve?.close();
  }

  get #isWatched(): boolean {
    return this.#options.reserveBytes > 0;
  }

  get #path(): string {
    return `${this.#options.directory}/${RESERVE_NAME}`;
  }

  get #piece(): number {
    return Math.ceil(this.#options.reserveBytes / PIECES);
  }

  get #margin(): number {
    return Math.min(MARGIN_BYTES, this.#piece);
  }

  /** What is there, the reserve too, beside what was promised. */
  get #left(): number {
    return this.#free + this.#held - this.#promised;
  }

  /** What is left beside a whole reserve; below 0 the reserve is at stake. */
  get #spare(): number {
    return this.#left - this.#options.reserveBytes;
  }

  get #roomNow(): Room {
    if (this.#spare >= this.#options.minFreeBytes) return "plenty";
    return this.#left >= this.#piece ? "scarce" : "none";
  }

  #update(): void {
    const room = this.#roomNow;
    const before = this.#room;
    if (room === before) return;
    this.#room = room;
    if (!this.#isServing) return;
    this.#say();
    if (room !== "plenty") this.#lookAgainLater();
    if (before === "none") for (const listener of this.#listeners) listener();
  }

  #say(): void {
    const [level, event, sentence] = SAYINGS[this.#room](describeSize(this.#options.minFreeBytes));
    const fields: LogFields = { sentence, freeBytes: this.#free, reserveBytes: this.#held };
    this.#runtime.log.write(level, event, fields);
  }

  /** Looks, and fills the reserve up; and again later, while anything is wanting. Nobody waits for it. */
  #goOn(): void {
    if (!this.#isWatched || this.#isLooking || this.#isClosed) return;
    this.#isLooking = true;
    this.#lookAndFill().then(
      () => {
        this.#isLooking = false;
        if (this.#room !== "plenty" || this.#held < this.#options.reserveBytes) this.#lookAgainLater();
      },
      (cause: unknown) => this.#onFailure(cause),
    );
  }

  async #lookAndFill(): Promise<void> {
    await this.#inTurn(() => this.#look());
    this.#update();
    // A piece a turn, so that a write that needs one back does not wait for all of them.
    while (!this.#isClosed && (await this.#inTurn(() => this.#fillUp()))) this.#update();
  }

  #lookAgainLater(): void {
    if (this.#alarm || this.#isClosed) return;
    const { clock } = this.#runtime;
    this.#alarm = clock.alarm(clock.now() + LOOK_AGAIN_AFTER, () => {
      this.#alarm = undefined;
      this.#goOn();
    });
  }

  async #look(): Promise<void> {
    const { disk, clock } = this.#runtime;
    this.#writtenMeanwhile = 0;
    const free = await disk.freeBytes(this.#options.directory);
    this.#free = free - this.#writtenMeanwhile;
    this.#lookedAt = clock.now();
  }

  /** Gives back as many pieces as it takes. */
  #makeRoomFor(bytes: number): Promise<void> {
    return this.#inTurn(async () => {
      const wanting = bytes + this.#margin - this.#free;
      const given = Math.min(this.#held, Math.ceil(wanting / this.#piece) * this.#piece);
      if (!(given > 0)) return;
      await this.#reserve?.truncate(this.#held - given);
      this.#held -= given;
      this.#free += given;
    });
  }

  /** Takes one piece, where enough is left for what is written meanwhile; false where that is not so, or nothing is wanting. */
  async #fillUp(): Promise<boolean> {
    const wanting = Math.min(this.#piece, this.#options.reserveBytes - this.#held);
    if (wanting <= 0 || this.#free - this.#promised < wanting + this.#piece + this.#margin) return false;
    try {
      this.#reserve ??= await this.#runtime.disk.open(this.#path, "create");
      // Random, so that no file system makes it smaller. Never synced: it is space that counts, not what stands there.
      const noise = this.#runtime.random.bytes(Math.min(wanting, NOISE_BYTES));
      await this.#reserve.append(Buffer.alloc(wanting, noise));
    } catch (error) {
      if (!isWantOfSpace(error)) throw error;
      const held = (await this.#reserve?.size()) ?? 0;
      this.#free = Math.max(0, this.#free - (held - this.#held));
      this.#held = held;
      return false;
    }
    this.#held += wanting;
    this.#free -= wanting;
    return true;
  }

  /** One at a time: what is free and what is held change together. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}

/** Whether the disk, or somebody's share of it, is full. */
export function isWantOfSpace(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}

/** In whole MiB, or KiB where it is less than one. */
function describeSize(bytes: number): string {
  const [unit, size] = bytes >= MIB ? ["MiB", MIB] : ["KiB", KIB];
  return `${Math.max(0, Math.floor(bytes / Number(size)))} ${unit}`;
}
