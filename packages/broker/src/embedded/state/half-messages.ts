import type { DurationMs, EpochMs } from "../../domain/time.ts";
import type { HalfMessageOffered, HalfMessageStored, Id, Position, WhyGivenBack } from "../journal/fact.ts";
import type { Captured } from "./capture-mark.ts";
import { type Awaited, DueQueue, isSooner } from "./due-queue.ts";
import { type HalfEvent, type HalfState, nextHalfState } from "./half-state.ts";
import { IndexedHeap, NOT_IN_HEAP } from "./indexed-heap.ts";
import type { TagHash } from "./tag-set.ts";

/** A half message: stored, invisible until its transaction ends. Its newest handle ends, and it is offered, at `until`. */
export interface HalfMessage extends Awaited, Captured {
  readonly id: Id;
  readonly topic: Id;
  readonly messageId: string;
  position: Position;
  readonly bodyBytes: number;
  readonly tag: TagHash;
  readonly publishedAt: EpochMs;
  readonly deliverAt: EpochMs | undefined;
  state: HalfState;
  /** How often its producer was asked. */
  checks: number;
  /** Drawn for each handle; only the newest one counts. */
  number: number;
  firstCheckedAt: EpochMs | undefined;
  giveBacks: number;
  /** What to return to when the newest offer is given back. Absent once it was, and before the first. */
  before: Before | undefined;
  /** By the wall clock, once it is (RET-1). */
  abandonedOn: EpochMs | undefined;
  /** Its place among those that will be abandoned, or forgotten. */
  readonly end: End;
}

/** What there is to know of a half message; the rest follows from it. */
export type KeptHalfMessage = Omit<HalfMessage, "end" | "capturedIn" | keyof Awaited> & { readonly until: EpochMs };

interface Before {
  readonly state: HalfState;
  readonly until: EpochMs;
  readonly firstCheckedAt: EpochMs | undefined;
}

interface End extends Awaited {
  readonly id: Id;
}

/** A number that none is drawn as. */
const NO_HANDLE = -1;

/** The half messages of one topic. Changed by the ledger alone. */
export class HalfMessages {
  readonly topic: Id;
  /** TX-3: how long after its first check a half message is asked about. */
  readonly #checkFor: DurationMs;
  readonly #byId = new Map<Id, HalfMessage>();
  /** Without an outcome, by their next check. */
  readonly open = new DueQueue<HalfMessage>();
  /** Asked about at least once, by the instant at which they are abandoned (TX-6). */
  readonly #toAbandon = new DueQueue<End>();
  /** With an outcome, until their newest handle has run out (TX-5). */
  readonly #ended = new IndexedHeap<HalfMessage>(isSooner);
  abandonedCount = 0;
  /** Of the bodies of all without an outcome, abandoned ones too. */
  bodyBytes = 0;

  constructor(topic: Id, checkFor: DurationMs) {
    this.topic = topic;
    this.#checkFor = checkFor;
  }

  get nextAt(): EpochMs {
    return Math.min(this.open.nextAt, this.#toAbandon.nextAt);
  }

  /** Whether something is to be abandoned. */
  get needsSweep(): boolean {
    return this.#toAbandon.dueCount > 0;
  }

  /** Whether every transaction has its outcome, and no handle is in time (GRP-1). */
  isOver(now: EpochMs): boolean {
    if (this.open.size > 0 || this.abandonedCount > 0) return false;
    return [...this.#byId.values()].every(({ until }) => until <= now);
  }

  get(id: Id): HalfMessage | undefined {
    return this.#byId.get(id);
  }

  /** With an outcome or without; in no order. It may change meanwhile. */
  all(): Iterable<HalfMessage> {
    return this.#byId.values();
  }

  settle(now: EpochMs): void {
    this.open.settle(now);
    this.#toAbandon.settle(now);
  }

  /** When it will be abandoned, if nothing happens: not before its newest handle has ended (TX-6). */
  abandonAt(half: HalfMessage): EpochMs {
    if (half.firstCheckedAt === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(half.firstCheckedAt + this.#checkFor, half.until);
  }

  /** What is to be abandoned, oldest first, once time is settled. */
  *toAbandon(): Generator<HalfMessage> {
    for (const end of this.#toAbandon.due()) {
      const half = this.#byId.get(end.id);
      if (half !== undefined) yield half;
    }
  }

  store(fact: HalfMessageStored, position: Position, bodyBytes: number, tag: TagHash): void {
    const { id, topic, messageId, publishedAt, deliverAt, number, firstCheckAt: until } = fact;
    const untouched = {
      state: "prepared",
      checks: 0,
      firstCheckedAt: undefined,
      giveBacks: 0,
      before: undefined,
      abandonedOn: undefined,
    } as const;
    this.restore({
      id,
      topic,
      messageId,
      position,
      bodyBytes,
      tag,
      publishedAt,
      deliverAt,
      number,
      until,
      ...untouched,
    });
  }

  /** Adds one as it was kept. */
  restore(kept: KeptHalfMessage): void {
    const half: HalfMessage = {
      ...kept,
      end: { id: kept.id, until: 0, rank: kept.id, isDue: false, heapIndex: NOT_IN_HEAP },
      rank: kept.id,
      heapIndex: NOT_IN_HEAP,
      isDue: false,
      capturedIn: 0,
    };
    this.#byId.set(half.id, half);
    if (half.state === "abandoned") {
      this.abandonedCount += 1;
    } else if (isEnded(half)) {
      this.#ended.add(half);
    } else {
      this.open.add(half);
      this.#placeEnd(half);
    }
    if (!isEnded(half)) this.bodyBytes += half.bodyBytes;
  }

  /** It now stands there. */
  moveTo(id: Id, position: Position): void {
    const half = this.#byId.get(id);
    if (half !== undefined) half.position = position;
  }

  offer(fact: HalfMessageOffered): void {
    const half = this.#byId.get(fact.id);
    if (half === undefined) return;
    this.open.remove(half);
    if (half.before !== undefined) half.giveBacks = 0;
    half.before = { state: half.state, until: half.until, firstCheckedAt: half.firstCheckedAt };
    half.state = nextHalfState(half.state, "offered");
    half.checks = fact.check;
    half.number = fact.number;
    half.firstCheckedAt ??= fact.at;
    half.until = fact.until;
    this.open.add(half);
    this.#placeEnd(half);
  }

  giveBack(id: Id, why: WhyGivenBack): void {
    const half = this.#byId.get(id);
    if (half?.before === undefined || half.state !== "offered") return;
    this.open.remove(half);
    half.state = half.before.state;
    half.until = half.before.until;
    half.firstCheckedAt = half.before.firstCheckedAt;
    half.checks -= 1;
    if (why === "hung-up") half.giveBacks += 1;
    half.before = undefined;
    half.number = NO_HANDLE; // DEL-8: the handle stays used up
    this.open.add(half);
    this.#placeEnd(half);
  }

  /** Committed, rolled back or abandoned. */
  end(half: HalfMessage, event: Exclude<HalfEvent, "offered">, at: EpochMs): void {
    const wasOpen = half.state !== "abandoned";
    if (wasOpen) this.open.remove(half);
    else this.abandonedCount -= 1;
    half.state = nextHalfState(half.state, event);
    this.#leaveEnd(half);
    if (half.state === "abandoned") this.abandonedCount += 1;
    else this.#ended.add(half);
    if (isEnded(half)) this.bodyBytes -= half.bodyBytes;
    this.#forgetEnded(at);
  }

  /** The retention of an abandoned one is over (RET-1). */
  drop(half: HalfMessage): void {
    this.#byId.delete(half.id);
    this.abandonedCount -= 1;
    this.bodyBytes -= half.bodyBytes;
  }

  /** Those that the end of another one at this instant will have forgotten. */
  *forgottenAt(now: EpochMs): Generator<HalfMessage> {
    for (const half of this.#ended.inOrder()) {
      if (half.until > now) return;
      yield half;
    }
  }

  /** A handle that ran out is refused for its time alone, so what it ended may be forgotten. */
  #forgetEnded(now: EpochMs): void {
    for (let half = this.#ended.first; half !== undefined && half.until <= now; half = this.#ended.first) {
      this.#ended.remove(half);
      this.#byId.delete(half.id);
    }
  }

  #placeEnd(half: HalfMessage): void {
    this.#leaveEnd(half);
    half.end.until = this.abandonAt(half);
    if (half.end.until < Number.POSITIVE_INFINITY) this.#toAbandon.add(half.end);
  }

  #leaveEnd(half: HalfMessage): void {
    if (half.end.heapIndex !== NOT_IN_HEAP) this.#toAbandon.remove(half.end);
  }
}

function isEnded({ state }: HalfMessage): boolean {
  return state === "committed" || state === "rolled-back";
}
