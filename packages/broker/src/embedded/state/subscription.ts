import type { EpochMs } from "../../domain/time.ts";
import type { Id, MessagesDelivered, Offset, WhyGivenBack } from "../journal/fact.ts";
import type { Captured } from "./capture-mark.ts";
import { type Awaited, DueQueue, isSooner } from "./due-queue.ts";
import { IndexedHeap, NOT_IN_HEAP } from "./indexed-heap.ts";
import { OffsetRanges } from "./offset-ranges.ts";

/**
 * A message that was delivered to a group and has no end there yet. In flight before `until`, due from then on. One whose
 * only delivery was given back is ready as a new one is; what is known of it stays, so that the old handle is refused.
 */
export interface Outstanding extends Awaited, Captured {
  readonly subscription: Subscription;
  readonly queue: number;
  readonly offset: Offset;
  /** Deliveries so far, those given back not counted: 0 when the only one was given back. */
  attempt: number;
  firstDeliveredAt: EpochMs;
  /** Drawn for each delivery; the newest handle repeats it (DEL-14). */
  number: number;
  /** Delivered by an ordered poll. */
  ordered: boolean;
  /** How often in a row it was given back (DEL-8). */
  giveBacks: number;
  /** What `until` returns to when this delivery is given back; the rest follows from the attempt. Absent once it was. */
  untilBefore: EpochMs | undefined;
}

/** What there is to know of a delivery without an end; the rest follows from it. */
export type KeptOutstanding = Omit<Outstanding, "subscription" | "capturedIn" | keyof Awaited> & {
  readonly until: EpochMs;
};

/** Where a group stands in one message queue. */
export interface QueueProgress extends Captured {
  /** What it has neither been given nor passed over; also what was given back before it counted. */
  readonly ready: OffsetRanges;
  readonly outstanding: Map<Offset, Outstanding>;
  /** Nothing of this queue is in flight at or after this instant. */
  quietFrom: EpochMs;
  /** Nothing that an ordered poll took is in flight at or after this instant. */
  heldUntil: EpochMs;
}

/** What there is to know of it, but for what is outstanding. */
export interface KeptPlace extends Pick<QueueProgress, "quietFrom" | "heldUntil"> {
  readonly queue: number;
  /** The first of its ranges, at least. */
  readonly ready: readonly (readonly [from: Offset, to: Offset])[];
}

const OFFSETS = 2 ** 40;

/** One consumer group on one topic: its progress. Changed by the ledger alone. */
export class Subscription implements Captured {
  readonly topic: Id;
  readonly group: Id;
  readonly #queues: QueueProgress[] = [];
  readonly starts: readonly Offset[];
  /** Whether no delivery is left to a message (DEL-9). */
  readonly #isExhausted: (outstanding: Outstanding) => boolean;
  /** In flight or due again. */
  readonly waiting = new DueQueue<Outstanding>();
  /** Due, without deliveries left, not yet moved to the dead letters. */
  readonly exhausted = new IndexedHeap<Outstanding>(isSooner);
  deadLettered = 0;
  /** DEL-1: what its filters ended. */
  passedOver = 0;
  /** RET-1: what it never got, or got and did not acknowledge, before it was dropped. */
  droppedUnread = 0;
  droppedUnacknowledged = 0;
  capturedIn = 0;

  constructor(topic: Id, group: Id, starts: readonly Offset[], isExhausted: (outstanding: Outstanding) => boolean) {
    this.topic = topic;
    this.group = group;
    this.starts = starts;
    this.#isExhausted = isExhausted;
  }

  get nextAt(): EpochMs {
    return this.waiting.nextAt;
  }

  /** Whether something is to be moved to the dead letters. */
  get needsSweep(): boolean {
    return this.exhausted.size > 0;
  }

  get outstandingCount(): number {
    return this.waiting.size + this.exhausted.size;
  }

  get inFlightCount(): number {
    return this.waiting.size - this.waiting.dueCount;
  }

  /** Where the group stands in a message queue; one that came later is read from its beginning. */
  queue(index: number): QueueProgress {
    let progress = this.#queues[index];
    if (progress === undefined) {
      const ready = new OffsetRanges(this.starts[index] ?? 0);
      progress = { ready, outstanding: new Map(), quietFrom: 0, heldUntil: 0, capturedIn: 0 };
      this.#queues[index] = progress;
    }
    return progress;
  }

  /** The message queues in which the group has a place, by their indexes. */
  *places(): Generator<readonly [index: number, QueueProgress]> {
    for (const [index, progress] of this.#queues.entries()) if (progress !== undefined) yield [index, progress];
  }

  /** Gives the group its place in a message queue as it was kept. */
  restorePlace({ queue, ready, quietFrom, heldUntil }: KeptPlace): void {
    this.#queues[queue] = {
      ready: OffsetRanges.of(ready),
      outstanding: new Map(),
      quietFrom,
      heldUntil,
      capturedIn: 0,
    };
  }

  /** Adds one as it was kept, behind its queue. */
  restoreOutstanding(kept: KeptOutstanding): void {
    const outstanding = Object.assign(this.#newOutstanding(kept.queue, kept.offset), kept);
    this.queue(kept.queue).outstanding.set(kept.offset, outstanding);
    if (outstanding.attempt > 0) this.waiting.add(outstanding);
  }

  /** Whether nothing is outstanding, and no handle in time (GRP-1). */
  isOver(now: EpochMs): boolean {
    return this.outstandingCount === 0 && this.#queues.every((progress) => progress.quietFrom <= now);
  }

  /** Passes the time: what has come due is due, or exhausted. */
  settle(now: EpochMs): void {
    const spent: Outstanding[] = [];
    this.waiting.settle(now, (outstanding) => {
      if (this.#isExhausted(outstanding)) spent.push(outstanding);
    });
    for (const outstanding of spent) {
      this.waiting.remove(outstanding);
      this.exhausted.add(outstanding);
    }
  }

  /** DEL-13: a setting has changed. The next `settle` tells anew what is due from what is exhausted. */
  unsettle(): void {
    for (const outstanding of [...this.waiting.due(), ...this.exhausted.inOrder()]) {
      this.#leave(outstanding);
      this.waiting.add(outstanding);
    }
  }

  /** ORD-8: whether anything of this message queue is in flight, whoever took it. */
  hasInFlight(queue: number, now: EpochMs): boolean {
    const progress = this.queue(queue);
    if (progress.quietFrom <= now) return false;
    for (const outstanding of progress.outstanding.values()) if (outstanding.until > now) return true;
    return false;
  }

  /** ORD-8: whether an ordered batch of this message queue is in flight. */
  isHeld(queue: number, now: EpochMs): boolean {
    const progress = this.queue(queue);
    if (progress.heldUntil <= now) return false;
    for (const outstanding of progress.outstanding.values()) {
      if (outstanding.ordered && outstanding.until > now) return true;
    }
    return false;
  }

  deliver(fact: MessagesDelivered): void {
    const progress = this.queue(fact.queue);
    for (const { offset, attempt, number } of fact.deliveries) {
      const known = progress.outstanding.get(offset);
      const outstanding = known ?? this.#newOutstanding(fact.queue, offset);
      if (attempt === 1) progress.ready.remove(offset, offset + 1);
      if (known === undefined) {
        progress.outstanding.set(offset, outstanding);
      } else {
        this.#leave(known);
        // DEL-8: only give-backs that follow one another count.
        if (known.untilBefore !== undefined) known.giveBacks = 0;
      }
      outstanding.untilBefore = outstanding.until;
      if (attempt === 1) outstanding.firstDeliveredAt = fact.at;
      outstanding.attempt = attempt;
      outstanding.number = number;
      outstanding.ordered = fact.ordered;
      outstanding.until = fact.until;
      this.waiting.add(outstanding);
    }
    progress.quietFrom = Math.max(progress.quietFrom, fact.until);
    if (fact.ordered) progress.heldUntil = Math.max(progress.heldUntil, fact.until);
  }

  giveBack(queue: number, offset: Offset, why: WhyGivenBack): void {
    const progress = this.queue(queue);
    const outstanding = progress.outstanding.get(offset);
    if (outstanding?.untilBefore === undefined) return;
    this.#leave(outstanding);
    outstanding.attempt -= 1;
    outstanding.until = outstanding.untilBefore;
    if (why === "hung-up") outstanding.giveBacks += 1;
    outstanding.untilBefore = undefined;
    // DEL-8: in its old place, which is among the new ones when it was never delivered before.
    if (outstanding.attempt === 0) progress.ready.add(offset);
    else this.waiting.add(outstanding);
  }

  /** Acknowledged, or moved to the dead letters. */
  end(queue: number, offset: Offset): void {
    const progress = this.queue(queue);
    const outstanding = progress.outstanding.get(offset);
    if (outstanding === undefined) return;
    progress.outstanding.delete(offset);
    this.#leave(outstanding);
  }

  passOver(queue: number, from: Offset, to: Offset): void {
    const progress = this.queue(queue);
    progress.ready.remove(from, to);
    // Only what was given back before its first delivery counted can be there.
    for (const { offset } of this.outstandingIn(queue, from, to)) this.end(queue, offset);
    this.passedOver += to - from;
  }

  /** What stands in `[from, to)`. Walks whichever is shorter: there may be a million, and each poll may ask (RET-1). */
  *outstandingIn(queue: number, from: Offset, to: Offset): Generator<Outstanding> {
    const outstanding = this.#queues[queue]?.outstanding;
    if (outstanding === undefined) return;
    if (to - from <= outstanding.size) {
      for (let offset = from; offset < to; offset++) {
        const known = outstanding.get(offset);
        if (known !== undefined) yield known;
      }
    } else {
      for (const each of outstanding.values()) if (each.offset >= from && each.offset < to) yield each;
    }
  }

  /** These are gone, as good as acknowledged (RET-1); those before them have been for long. */
  drop(queue: number, from: Offset, upTo: Offset): void {
    this.queue(queue).ready.remove(0, upTo);
    for (const { offset } of this.outstandingIn(queue, from, upTo)) this.end(queue, offset);
  }

  #leave(outstanding: Outstanding): void {
    if (outstanding.heapIndex === NOT_IN_HEAP) return;
    if (this.exhausted.has(outstanding)) this.exhausted.remove(outstanding);
    else this.waiting.remove(outstanding);
  }

  #newOutstanding(queue: number, offset: Offset): Outstanding {
    return {
      subscription: this,
      queue,
      offset,
      rank: queue * OFFSETS + offset,
      attempt: 0,
      firstDeliveredAt: 0,
      until: 0,
      number: 0,
      ordered: false,
      giveBacks: 0,
      untilBefore: undefined,
      heapIndex: NOT_IN_HEAP,
      isDue: false,
      capturedIn: 0,
    };
  }
}
