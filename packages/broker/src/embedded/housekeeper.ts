import { BrokerError } from "../domain/broker-error.ts";
import { MIB } from "../domain/size.ts";
import type { DurationMs, EpochMs } from "../domain/time.ts";
import type { Alarm, Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { copyForward, NoRoom } from "./copy-forward.ts";
import type { Fact, Position } from "./journal/fact.ts";
import type { Journal } from "./journal/journal.ts";
import type { LastUses } from "./last-uses.ts";
import { queuedBytes, waitingBytes } from "./living-bytes.ts";
import type { MessageReader } from "./message-reader.ts";
import type { OpenedLedger } from "./open-ledger.ts";
import type { Ledger } from "./state/ledger.ts";
import { livingBefore } from "./state/living.ts";

export interface HousekeepingSettings {
  /** A snapshot is taken when the journal has grown by so much, or by twice the last snapshot if that is more … */
  readonly snapshotAfterBytes: number;
  /** … but not by more than so much. */
  readonly snapshotAfterAtMostBytes: number;
  /** A clean stop takes one when the journal has grown by so much … */
  readonly snapshotAtStopAfterBytes: number;
  /** … and the snapshot is no larger than so much: a stop is quick. */
  readonly snapshotAtStopUpToBytes: number;
  /** How often old segments are looked at: which may go, and whether one of them still holds what was written. */
  readonly roundEvery: DurationMs;
  /** The next look is this soon after messages were dropped: the space is wanted. */
  readonly roundAfterDrop: DurationMs;
}

const DEFAULTS: HousekeepingSettings = {
  snapshotAfterBytes: 64 * MIB,
  snapshotAfterAtMostBytes: 256 * MIB,
  snapshotAtStopAfterBytes: 8 * MIB,
  snapshotAtStopUpToBytes: 32 * MIB,
  roundEvery: 60_000,
  roundAfterDrop: 1_000,
};

/** What of a run of segments messages in queues may take for it to be emptied and deleted: they are dropped before long. */
const QUEUED_SHARE = 0.25;
/** What all that lives there may take: copying costs no more than it frees, and never goes in circles. */
const LIVING_SHARE = 0.5;
/** About what a message takes in a snapshot. */
const KEPT_BYTES = 36;
/** That go at a time, unless only more of them are worth a copy. */
const MAX_SEGMENTS = 16;

export interface HousekeeperParts {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  readonly messages: MessageReader;
  readonly uses: LastUses;
  readonly commit: (facts: readonly Fact[]) => Position;
  readonly settings?: Partial<HousekeepingSettings> | undefined;
}

/**
 * Keeps the journal from growing for ever: takes snapshots, copies forward what lives in old segments, has them deleted, has
 * one after the other scrubbed. One thing at a time, with turns of the loop in between; gone wrong, it is tried again later.
 */
export class Housekeeper {
  readonly #parts: HousekeeperParts;
  readonly #settings: HousekeepingSettings;
  readonly #ledger: Ledger;
  #end: Position;
  #snapshotAt: Position;
  #snapshotBytes: number;
  /** No snapshot is taken before the journal has grown to this. */
  #nextSnapshotAt: Position = 0;
  #nextLookAt: Position = 0;
  #lastScrubbed = 0;
  #scrubAt: EpochMs = Number.NEGATIVE_INFINITY;
  #round: Alarm | undefined;
  #roundAt: EpochMs = Number.POSITIVE_INFINITY;
  /** Up to where the journal was when nothing was worth tidying. */
  #tidyUpTo: Position = -1;
  /** Once, until there is plenty again. */
  #hasSaidNoRoom = false;
  #work: Promise<void> | undefined;
  #isStopping = false;

  constructor(parts: HousekeeperParts, { ledger, end, snapshotAt, snapshotBytes }: OpenedLedger) {
    this.#parts = parts;
    this.#settings = { ...DEFAULTS, ...parts.settings };
    this.#ledger = ledger;
    this.#end = end;
    this.#snapshotAt = snapshotAt;
    this.#snapshotBytes = snapshotBytes;
    this.#planSnapshot();
    this.#look();
  }

  /** To be called after every commit, with the position of its newest fact. */
  note(newest: Position, facts: readonly Fact[]): void {
    this.#end = newest + 1;
    if (this.#end >= this.#nextLookAt) this.#look();
    for (const { kind } of facts) if (kind === "messages-dropped") this.#planRound(this.#settings.roundAfterDrop);
  }

  /** Ends what it is doing. The next start replays less for a snapshot now; it is taken if that does not take long. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#round?.cancel();
    await this.#work;
    const { snapshotAtStopAfterBytes, snapshotAtStopUpToBytes } = this.#settings;
    const isWorthIt = this.#end - this.#snapshotAt >= snapshotAtStopAfterBytes && this.#end > this.#snapshotAt;
    if (!isWorthIt || !this.#mayTakeSnapshot || this.#expectedBytes() > snapshotAtStopUpToBytes) return;
    await this.#trying("snapshot", () => this.#takeSnapshot((slices) => slices));
  }

  /** Sets on foot what is due by the size of the journal. */
  #look(): void {
    if (this.#isStopping) return;
    this.#nextLookAt = this.#end + this.#settings.snapshotAfterBytes / 16;
    if (this.#end < this.#nextSnapshotAt) this.#nextLookAt = Math.min(this.#nextLookAt, this.#nextSnapshotAt);
    else if (this.#mayTakeSnapshot) this.#start("snapshot", () => this.#takeSnapshot(this.#inTurns));
    this.#planRound(this.#settings.roundEvery);
  }

  /** Puts the next round forward to then at least. With one segment alone there is nothing to do. */
  #planRound(after: DurationMs): void {
    const { clock, journal } = this.#parts;
    const at = clock.now() + after;
    if (at >= this.#roundAt || journal.segments.length < 2 || this.#isStopping) return;
    this.#round?.cancel();
    this.#roundAt = at;
    this.#round = clock.alarm(at, () => {
      this.#roundAt = Number.POSITIVE_INFINITY;
      this.#start("round", () => this.#makeRound());
      this.#look();
    });
  }

  async #makeRound(): Promise<void> {
    while (await this.#tidy()) await this.#turn();
    const { clock } = this.#parts;
    if (clock.now() < this.#scrubAt) return;
    this.#scrubAt = clock.now() + this.#settings.roundEvery;
    await this.#scrub();
  }

  #planSnapshot(): void {
    const { snapshotAfterBytes, snapshotAfterAtMostBytes } = this.#settings;
    const growth = Math.min(snapshotAfterAtMostBytes, Math.max(snapshotAfterBytes, 2 * this.#snapshotBytes));
    this.#nextSnapshotAt = this.#snapshotAt + growth;
  }

  /** Never two at once: what is due while something else is under way is found due again later. */
  #start(name: string, task: () => Promise<void>): void {
    if (this.#work !== undefined || this.#isStopping) return;
    this.#work = this.#trying(name, task).finally(() => {
      this.#work = undefined;
    });
  }

  async #trying(name: string, task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      if (error instanceof StoppedEarly) return;
      // DUR-2: the journal has failed, or it is closed; it says so itself.
      if (error instanceof BrokerError) return;
      if (error instanceof NoRoom) return this.#sayNoRoom();
      const sentence = `housekeeping (${name}) did not come to its end and is tried again later: ${String(error)}`;
      this.#parts.log.write("error", "housekeeping.failed", { sentence, task: name, reason: String(error) });
    }
  }

  async #takeSnapshot(pace: (slices: Iterable<Uint8Array>) => Iterable<Uint8Array> | AsyncIterable<Uint8Array>) {
    const position = this.#endOfJournal();
    // Where this fails it is tried again when the journal has grown on.
    this.#nextSnapshotAt = position + this.#settings.snapshotAfterBytes / 4;
    const { clock, journal, uses } = this.#parts;
    const { slices, end } = this.#ledger.capture({ uses: uses.known(this.#ledger, clock) });
    const { space } = journal;
    const mayTake = space.forCopying;
    let bytes = 0;
    async function* counted(): AsyncGenerator<Uint8Array> {
      for await (const slice of pace(slices)) {
        bytes += slice.length;
        if (bytes > mayTake || slice.length > space.forCopying) throw new NoRoom();
        yield slice;
      }
    }
    try {
      await this.#parts.journal.keepSnapshot(position, counted());
    } finally {
      end();
    }
    this.#snapshotAt = position;
    this.#snapshotBytes = bytes;
    this.#planSnapshot();
    this.#parts.log.write("debug", "snapshot.kept", { position, bytes });
  }

  /** Also quiet headers count: so there are two snapshots to be had of a journal that grows no more. */
  #endOfJournal(): Position {
    return Math.max(this.#end, this.#parts.journal.extent.to);
  }

  /** Empties and deletes the oldest segments, where little of them is in use any more (RET-1). False: nothing went. */
  async #tidy(): Promise<boolean> {
    const { journal } = this.#parts;
    if (!this.#isScarce) this.#hasSaidNoRoom = false;
    // DUR-3: what costs nothing goes first.
    else if (await this.#forget(await this.#deadUpTo(), 0)) return true;
    // What waits costs nothing while nothing changes.
    if (!this.#isScarce && this.#tidyUpTo === this.#end) return false;
    const before = await this.#mostlyDeadUpTo();
    if (before === undefined) return false;
    const { messages, commit } = this.#parts;
    const copying = { ledger: this.#ledger, journal, messages, commit, turn: () => this.#turn() };
    const count = await copyForward(copying, before);
    // Decision 8: both snapshots must be past what goes.
    const needsSnapshot = journal.replaysFrom < before && this.#endOfJournal() > this.#snapshotAt;
    if (needsSnapshot) await this.#takeSnapshot(this.#inTurns);
    return await this.#forget(before, count);
  }

  async #forget(before: Position, copiedForward: number): Promise<boolean> {
    const { journal, log } = this.#parts;
    const { from } = journal.extent;
    await journal.forget(before);
    const freedBytes = journal.extent.from - from;
    if (freedBytes > 0) log.write("info", "journal.shortened", { freedBytes, copiedForward });
    return freedBytes > 0;
  }

  /** The end of the oldest segments in which nothing lives, and which no start needs. */
  async #deadUpTo(): Promise<Position> {
    const { journal } = this.#parts;
    let end = 0;
    for (const { to } of journal.segments.slice(0, -1)) {
      if (to > journal.replaysFrom || !livingBefore(this.#ledger, to).next().done) break;
      end = to;
      await this.#turn();
    }
    return end;
  }

  /** The end of the oldest segments that are worth being emptied. What waits for weeks keeps them only until enough behind it is dead. */
  async #mostlyDeadUpTo(): Promise<Position | undefined> {
    const { journal } = this.#parts;
    const { replaysFrom, space } = journal;
    const newest = this.#end;
    const snapshotBytes = this.#expectedBytes();
    const old = journal.segments.slice(0, -1);
    const start = old[0]?.from ?? 0;
    const waitingIn = await waitingBytes(this.#ledger, old, () => this.#turn());
    let waiting = 0;
    let end: Position | undefined;
    let isWorthIt = false;
    for (const [index, { to }] of old.entries()) {
      if (end !== undefined && index >= MAX_SEGMENTS) break;
      const mayBeQueued = (to - start) * QUEUED_SHARE;
      const queued = await queuedBytes(this.#ledger, to, mayBeQueued, () => this.#turn());
      if (queued > mayBeQueued) break;
      waiting += waitingIn[index] ?? 0;
      if (queued + waiting > (to - start) * LIVING_SHARE) continue;
      isWorthIt = true;
      if (queued + waiting + (to > replaysFrom ? snapshotBytes : 0) <= space.forCopying) end = to;
    }
    if (!isWorthIt) this.#tidyUpTo = newest;
    else if (end === undefined) this.#sayNoRoom();
    return end;
  }

  /** DUR-3: what space is left on a full disk is for those who wait, and for snapshots only where it brings more back. */
  get #mayTakeSnapshot(): boolean {
    return !this.#isScarce && this.#expectedBytes() <= this.#parts.journal.space.forCopying;
  }

  #sayNoRoom(): void {
    if (this.#hasSaidNoRoom) return;
    this.#hasSaidNoRoom = true;
    const sentence =
      "Old data stays on the disk: to delete it, what is still needed of it must be stored again, and there is no space for that. It goes by itself once there is.";
    this.#parts.log.write("warn", "housekeeping.no-room", { sentence });
  }

  get #isScarce(): boolean {
    return this.#parts.journal.space.room !== "plenty";
  }

  /** One old segment a round, in turn. */
  async #scrub(): Promise<void> {
    const { journal } = this.#parts;
    const old = journal.segments.slice(0, -1);
    const next = old.find(({ number }) => number > this.#lastScrubbed) ?? old[0];
    if (next === undefined) return;
    this.#lastScrubbed = next.number;
    await journal.scrub(next.number);
  }

  readonly #inTurns = async function* (this: Housekeeper, slices: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for (const slice of slices) {
      yield slice;
      await this.#turn();
    }
  }.bind(this);

  /** Lets everything else go first. */
  async #turn(): Promise<void> {
    const { clock } = this.#parts;
    await new Promise<void>((go) => clock.alarm(clock.now(), go));
    if (this.#isStopping) throw new StoppedEarly();
  }

  #expectedBytes(): number {
    let messages = 0;
    for (const { queues } of this.#ledger.topics()) for (const { count } of queues) messages += count;
    return Math.max(messages * KEPT_BYTES, this.#snapshotBytes);
  }
}

/** The engine stops; what was under way is left. */
class StoppedEarly extends Error {}
