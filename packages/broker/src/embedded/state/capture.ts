import { KIB } from "../../domain/size.ts";
import type { EpochMs } from "../../domain/time.ts";
import { ByteWriter } from "../journal/binary.ts";
import type { AppliedFact, FactKind, Id, Offset, WallClockStepped } from "../journal/fact.ts";
import type { Captured } from "./capture-mark.ts";
import type { DelayedMessage, DelayedMessages } from "./delayed-messages.ts";
import type { HalfMessage } from "./half-messages.ts";
import type { QueueCapture } from "./message-queue.ts";
import { type KeptUse, type PieceName, type Pieces, writePiece } from "./snapshot-pieces.ts";
import type { Outstanding, QueueProgress, Subscription } from "./subscription.ts";
import type { GroupState, TopicState } from "./topic-state.ts";

/** What a capture sees of the ledger. */
interface CapturedLedger {
  readonly newestAt: EpochMs;
  readonly wallClockStep: Omit<WallClockStepped, "kind"> | undefined;
  readonly nextId: Id;
  readonly delayed: DelayedMessages;
  topics(): Iterable<TopicState>;
  groups(): Iterable<GroupState>;
  topicById(id: Id): TopicState | undefined;
  groupById(id: Id): GroupState | undefined;
}

interface CaptureOptions {
  readonly number: number;
  readonly sliceBytes: number;
  /** What goes along. */
  readonly uses: Iterable<KeptUse>;
}

type Place = { readonly topic: Id; readonly group: Id; readonly queue: number };

/** A slice is cut once it has so many bytes; the columns of one chunk of a message queue still go into the rest of 256 KiB. */
export const SLICE_BYTES = 96 * KIB;
const MAX_RANGES = 4_096;

/**
 * The ledger as it stood at one moment, as bytes, while it goes on changing: before a fact changes an entry, the entry is
 * written as it was. So a snapshot needs no standstill, and costs nothing that nobody changes (decision 9).
 */
export class Capture {
  readonly #number: number;
  readonly #sliceBytes: number;
  readonly #ledger: CapturedLedger;
  readonly #uses: Iterable<KeptUse>;
  /** Whoever began later; their places are made by looking at them, and tell nothing. */
  readonly #late = new Set<Subscription>();
  readonly #full: Uint8Array[] = [];
  #writer = new ByteWriter(2 * SLICE_BYTES);
  /** Has its own copies, and so need not be written before a change. */
  readonly #copies: Iterator<unknown>[] = [];
  /** What is met is there since after this capture began. */
  #isLate = false;

  /** `number` is one that no capture of this ledger had. */
  constructor({ number, sliceBytes, uses }: CaptureOptions, ledger: CapturedLedger) {
    this.#number = number;
    this.#sliceBytes = sliceBytes;
    this.#uses = uses;
    this.#ledger = ledger;
    const { newestAt, wallClockStep, nextId } = ledger;
    this.#write("ledger", { newestAt, wallClockStep, lastId: nextId - 1 });
  }

  /** To be called before each fact is applied. */
  before(fact: AppliedFact): void {
    this.#see(fact);
  }

  /** To be called after each fact was applied: what it brought is not part of this. */
  after(fact: AppliedFact): void {
    this.#isLate = true;
    this.#see(fact);
    this.#isLate = false;
  }

  /** All of it. Other work may be done between two slices; each takes a few milliseconds. */
  *slices(): Generator<Uint8Array> {
    for (const _ of this.#everything()) if (this.#full.length > 0) yield* this.#full.splice(0);
    this.#cut();
    yield* this.#full.splice(0);
  }

  *#everything(): Generator<unknown> {
    for (const group of this.#ledger.groups()) yield this.#keepGroup(group);
    for (const topic of this.#ledger.topics()) yield* this.#wholeTopic(topic);
    for (const delayed of this.#ledger.delayed.all()) yield this.#keepDelayed(delayed);
    for (let copy = this.#copies.pop(); copy !== undefined; copy = this.#copies.pop()) {
      while (!copy.next().done) yield;
    }
    for (const use of this.#uses) yield this.#write("use", use);
  }

  *#wholeTopic(topic: TopicState): Generator<unknown> {
    yield this.#keepTopic(topic);
    for (const half of topic.half.all()) yield this.#keepHalf(half);
    for (const subscription of topic.subscriptions.values()) yield* this.#wholeSubscription(subscription);
  }

  *#wholeSubscription(subscription: Subscription): Generator<unknown> {
    yield this.#keepSubscription(subscription);
    for (const [queue, place] of subscription.places()) {
      yield this.#keepPlace(subscription, queue, place);
      for (const outstanding of place.outstanding.values()) yield this.#keepOutstanding(outstanding);
    }
  }

  #see(fact: AppliedFact): void {
    (this.#concerned[fact.kind] as (fact: AppliedFact) => void)(fact);
  }

  /** Every entry that a fact of this kind may change, add or remove. */
  readonly #concerned: { readonly [Kind in FactKind]: (fact: Extract<AppliedFact, { kind: Kind }>) => void } = {
    "topic-created": (fact) => this.#topic(fact.topic),
    "topic-changed": (fact) => this.#topic(fact.topic),
    "group-created": (fact) => this.#group(fact.group),
    "group-changed": (fact) => this.#group(fact.group),
    "message-stored": (fact) => this.#topic(fact.topic),
    "delayed-message-stored": (fact) => this.#delayed(fact.id),
    "delayed-message-released": (fact) => {
      this.#delayed(fact.id);
      this.#topic(fact.topic);
    },
    "half-message-stored": (fact) => this.#half(fact),
    "half-message-offered": (fact) => this.#half(fact),
    "half-offer-given-back": (fact) => this.#half(fact),
    "transaction-ended": (fact) => {
      this.#half(fact);
      this.#forgotten(fact);
      this.#delayed(fact.id);
      this.#topic(fact.topic);
    },
    "transaction-abandoned": (fact) => {
      this.#half(fact);
      this.#forgotten(fact);
    },
    "subscription-started": (fact) => {
      this.#subscription(fact);
      this.#group(fact.group);
    },
    "messages-delivered": (fact) => {
      this.#place(fact);
      for (const { offset } of fact.deliveries) this.#outstanding(fact, offset);
    },
    "deliveries-acknowledged": (fact) => {
      this.#place(fact);
      for (const offset of fact.offsets) this.#outstanding(fact, offset);
    },
    "deliveries-given-back": (fact) => {
      this.#place(fact);
      for (const offset of fact.offsets) this.#outstanding(fact, offset);
    },
    "messages-passed-over": (fact) => {
      this.#subscription(fact);
      this.#place(fact);
      for (const [from, to] of fact.ranges) this.#outstandingIn(fact, from, to);
    },
    "message-dead-lettered": (fact) => {
      this.#subscription(fact);
      this.#place(fact);
      this.#outstanding(fact, fact.offset);
      this.#topic(fact.deadLetterTopic);
    },
    "messages-dropped": (fact) => {
      this.#topic(fact.topic);
      for (const group of this.#ledger.topicById(fact.topic)?.subscriptions.keys() ?? []) {
        const of = { topic: fact.topic, group, queue: fact.queue };
        this.#subscription(of);
        this.#place(of);
        this.#outstandingIn(of, fact.from, fact.upTo);
      }
    },
    "half-message-dropped": (fact) => this.#half(fact),
    "topic-forgotten": (fact) => {
      const topic = this.#ledger.topicById(fact.topic);
      if (topic !== undefined) for (const _ of this.#wholeTopic(topic));
    },
    "group-forgotten": (fact) => {
      this.#group(fact.group);
      for (const { subscriptions } of this.#ledger.topics()) {
        const subscription = subscriptions.get(fact.group);
        if (subscription !== undefined) for (const _ of this.#wholeSubscription(subscription));
      }
    },
    "wall-clock-stepped": () => {
      for (const topic of this.#ledger.topics()) this.#keepTopic(topic);
    },
    "message-copied-forward": (fact) => {
      this.#topic(fact.topic);
      if (fact.delayed !== undefined) this.#delayed(fact.delayed);
      if (fact.half !== undefined) this.#half({ topic: fact.topic, id: fact.half });
    },
  };

  #topic(id: Id): void {
    const topic = this.#ledger.topicById(id);
    if (topic !== undefined) this.#keepTopic(topic);
  }

  #group(id: Id): void {
    const group = this.#ledger.groupById(id);
    if (group !== undefined) this.#keepGroup(group);
  }

  #half({ topic, id }: { readonly topic: Id; readonly id: Id }): void {
    const half = this.#ledger.topicById(topic)?.half.get(id);
    if (half !== undefined) this.#keepHalf(half);
  }

  #forgotten({ topic, at }: { readonly topic: Id; readonly at: EpochMs }): void {
    for (const half of this.#ledger.topicById(topic)?.half.forgottenAt(at) ?? []) this.#keepHalf(half);
  }

  #delayed(id: Id): void {
    const delayed = this.#ledger.delayed.get(id);
    if (delayed !== undefined) this.#keepDelayed(delayed);
  }

  #subscriptionOf({ topic, group }: Pick<Place, "topic" | "group">): Subscription | undefined {
    return this.#ledger.topicById(topic)?.subscriptions.get(group);
  }

  #subscription(of: Pick<Place, "topic" | "group">): void {
    const subscription = this.#subscriptionOf(of);
    if (subscription !== undefined) this.#keepSubscription(subscription);
  }

  #place(of: Place): void {
    const subscription = this.#subscriptionOf(of);
    if (subscription !== undefined) this.#keepPlace(subscription, of.queue, subscription.queue(of.queue));
  }

  #outstanding(of: Place, offset: Offset): void {
    const outstanding = this.#subscriptionOf(of)?.queue(of.queue).outstanding.get(offset);
    if (outstanding !== undefined) this.#keepOutstanding(outstanding);
  }

  #outstandingIn(of: Place, from: Offset, to: Offset): void {
    const subscription = this.#subscriptionOf(of);
    for (const outstanding of subscription?.outstandingIn(of.queue, from, to) ?? []) this.#keepOutstanding(outstanding);
  }

  #keepTopic(topic: TopicState): void {
    if (!this.#isDue(topic)) return;
    const { id, ref, kind, origin } = topic;
    const queues = topic.queues.map((queue) => queue.capture());
    this.#write("topic", { id, ref, kind, origin, queues });
    for (const [index, queue] of queues.entries()) this.#copies.push(this.#messagesOf(id, index, queue));
  }

  *#messagesOf(topic: Id, queue: number, captured: QueueCapture): Generator<void> {
    for (const slice of captured.slices()) {
      if (this.#writer.at > SLICE_BYTES / 2) this.#cut();
      yield this.#write("messages", { topic, queue, ...slice });
      const { from, datedAt } = slice;
      if (datedAt === undefined) continue;
      if (this.#writer.at > SLICE_BYTES / 2) this.#cut();
      yield this.#write("dates", { topic, queue, from, datedAt });
    }
  }

  #keepGroup(group: GroupState): void {
    if (!this.#isDue(group)) return;
    const { id, ref, settings, origin, declaredStarts } = group;
    this.#write("group", { id, ref, settings, origin, declaredStarts: declaredStarts && [...declaredStarts] });
  }

  #keepSubscription(subscription: Subscription): void {
    if (this.#isLate && subscription.capturedIn !== this.#number) this.#late.add(subscription);
    if (!this.#isDue(subscription)) return;
    this.#topic(subscription.topic);
    this.#write("subscription", subscription);
  }

  #keepPlace(subscription: Subscription, queue: number, place: QueueProgress): void {
    if (this.#late.has(subscription) || !this.#isDue(place)) return;
    this.#keepSubscription(subscription);
    const { topic, group } = subscription;
    const { quietFrom, heldUntil } = place;
    const ranges = place.ready.entries();
    this.#write("place", { topic, group, queue, quietFrom, heldUntil, ready: ranges.splice(0, MAX_RANGES) });
    if (ranges.length > 0) this.#copies.push(this.#rangesOf({ topic, group, queue }, ranges));
  }

  *#rangesOf(place: Place, ranges: readonly (readonly [Offset, Offset])[]): Generator<void> {
    for (let index = 0; index < ranges.length; index += MAX_RANGES) {
      yield this.#write("ranges", { ...place, ready: ranges.slice(index, index + MAX_RANGES) });
    }
  }

  #keepOutstanding(outstanding: Outstanding): void {
    if (!this.#isDue(outstanding)) return;
    const { subscription, queue } = outstanding;
    this.#keepPlace(subscription, queue, subscription.queue(queue));
    const { topic, group } = subscription;
    const { offset, attempt, firstDeliveredAt, until, number, ordered, giveBacks, untilBefore } = outstanding;
    const kept = { offset, attempt, firstDeliveredAt, until, number, ordered, giveBacks, untilBefore };
    this.#write("outstanding", { topic, group, queue, ...kept });
  }

  #keepHalf(half: HalfMessage): void {
    if (!this.#isDue(half)) return;
    this.#topic(half.topic);
    this.#write("half", half);
  }

  #keepDelayed(delayed: DelayedMessage): void {
    if (this.#isDue(delayed)) this.#write("delayed", delayed);
  }

  /** Whether the entry is to be written now; true once. */
  #isDue(entry: Captured): boolean {
    if (entry.capturedIn === this.#number) return false;
    entry.capturedIn = this.#number;
    return !this.#isLate;
  }

  #write<Name extends PieceName>(name: Name, piece: Pieces[Name]): void {
    writePiece(this.#writer, name, piece);
    if (this.#writer.at >= this.#sliceBytes) this.#cut();
  }

  #cut(): void {
    if (this.#writer.at === 0) return;
    this.#full.push(this.#writer.buffer.subarray(0, this.#writer.at));
    this.#writer = new ByteWriter(2 * SLICE_BYTES);
  }
}
