import type { GroupSettings } from "../../domain/consumer-group.ts";
import type { Message } from "../../domain/message.ts";
import { type GroupRef, groupOfDeadLetterTopic, type TopicRef } from "../../domain/names.ts";
import type { DurationMs, EpochMs } from "../../domain/time.ts";
import type { Fact, FactKind, Id, Offset, Position, WallClockStepped } from "../journal/fact.ts";
import { Ages } from "./ageing.ts";
import { Agenda } from "./agenda.ts";
import { Capture, SLICE_BYTES } from "./capture.ts";
import { DelayedMessages } from "./delayed-messages.ts";
import { type HalfMessage, HalfMessages } from "./half-messages.ts";
import { MessageQueue, type QueuedMessage } from "./message-queue.ts";
import { type PieceName, type Pieces, readPieces } from "./snapshot-pieces.ts";
import { type Outstanding, Subscription } from "./subscription.ts";
import type { TagHash } from "./tag-set.ts";
import type { GroupState, TopicState } from "./topic-state.ts";

export type { GroupState, TopicState } from "./topic-state.ts";

/** What the ledger must know of the settings, to say what is exhausted and what is abandoned. */
export interface LedgerSettings {
  readonly maxRetries: number;
  readonly onExhausted: "dead-letter" | "block";
  readonly checkFor: DurationMs;
}

/** Whoever has something come due by `now()`. */
export type Timed = Subscription | HalfMessages;

/** The sum of the facts, in memory. `apply` is the only way it changes; everything else here reads. */
export class Ledger {
  readonly #settings: LedgerSettings;
  readonly #hashTag: (tag: string) => TagHash;
  readonly #topics = new Map<Id, TopicState>();
  readonly #topicsByName = new Map<string, TopicState>();
  readonly #groups = new Map<Id, GroupState>();
  readonly #groupsByName = new Map<string, GroupState>();
  readonly delayed = new DelayedMessages();
  readonly agenda = new Agenda<Timed>();
  /** Where the next sweep finds exhausted deliveries and half messages to abandon. */
  readonly toSweep = new Set<Timed>();
  /** What grows too old next (RET-1). */
  readonly ages = new Ages();
  /** The newest step of the wall clock (TIM-2). */
  wallClockStep: Omit<WallClockStepped, "kind"> | undefined;
  /** The newest instant that any fact has seen (TIM-1). */
  newestAt: EpochMs = 0;
  #lastId: Id = 0;
  /** Under way. */
  #capture: Capture | undefined;
  #captures = 0;

  constructor(settings: LedgerSettings, hashTag: (tag: string) => TagHash) {
    this.#settings = settings;
    this.#hashTag = hashTag;
  }

  /** The number that the next topic, group or waiting message gets. */
  get nextId(): Id {
    return this.#lastId + 1;
  }

  topic(ref: TopicRef): TopicState | undefined {
    return this.#topicsByName.get(`${ref.instance}/${ref.topic}`);
  }

  topicById(id: Id): TopicState | undefined {
    return this.#topics.get(id);
  }

  topics(): Iterable<TopicState> {
    return this.#topics.values();
  }

  groups(): Iterable<GroupState> {
    return this.#groups.values();
  }

  group(ref: GroupRef): GroupState | undefined {
    return this.#groupsByName.get(`${ref.instance}/${ref.group}`);
  }

  groupById(id: Id): GroupState | undefined {
    return this.#groups.get(id);
  }

  subscription(topic: Id, group: Id): Subscription | undefined {
    return this.#topics.get(topic)?.subscriptions.get(group);
  }

  half(topic: Id, id: Id): HalfMessage | undefined {
    return this.#topics.get(topic)?.half.get(id);
  }

  /** DEL-9: deliveries that a message may have in this subscription. */
  maxAttempts(topic: Id, group: Id): number {
    if (this.#topics.get(topic)?.isDeadLetterTopic) return Number.POSITIVE_INFINITY; // DLQ-4
    return (this.#groups.get(group)?.settings.maxRetries ?? this.#settings.maxRetries) + 1;
  }

  /** ORD-6: whether a message without retries left comes again for ever. */
  blocksWhenExhausted(group: Id): boolean {
    return (this.#groups.get(group)?.settings.onExhausted ?? this.#settings.onExhausted) === "block";
  }

  isExhausted(outstanding: Outstanding): boolean {
    const { topic, group } = outstanding.subscription;
    return outstanding.attempt >= this.maxAttempts(topic, group) && !this.blocksWhenExhausted(group);
  }

  /** Passes the time up to `now`; hands over to whom something came due. Changes no answer, only where it is found. */
  settle(now: EpochMs, cameDue: (owner: Timed) => void): void {
    for (const owner of this.agenda.due(now)) {
      owner.settle(now);
      this.#place(owner);
      cameDue(owner);
    }
  }

  /** Adds one fact, which stands at `position` of the journal. */
  apply(fact: Fact, position: Position): void {
    this.#capture?.before(fact);
    this.newestAt = Math.max(this.newestAt, instantOf(fact));
    (this.#handlers[fact.kind] as (fact: Fact, position: Position) => void)(fact, position);
    this.#capture?.after(fact);
  }

  /** Begins to write the ledger down as it stands now. One at a time; facts may go on being applied until its `end`. */
  capture({ sliceBytes = SLICE_BYTES } = {}): { readonly slices: Iterable<Uint8Array>; readonly end: () => void } {
    if (this.#capture !== undefined) throw new Error("the ledger is being written down already");
    this.#captures += 1;
    const capture = new Capture(this.#captures, sliceBytes, this);
    this.#capture = capture;
    const end = (): void => {
      if (this.#capture === capture) this.#capture = undefined;
    };
    return { slices: capture.slices(), end };
  }

  /** The ledger that was written down. */
  static async restore(
    settings: LedgerSettings,
    hashTag: (tag: string) => TagHash,
    slices: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<Ledger> {
    const ledger = new Ledger(settings, hashTag);
    for await (const slice of slices) for (const [name, piece] of readPieces(slice)) ledger.#restore(name, piece);
    ledger.#settleRestored();
    return ledger;
  }

  #restore<Name extends PieceName>(name: Name, piece: Pieces[Name]): void {
    (this.#restorers[name] as (piece: Pieces[Name]) => void)(piece);
  }

  readonly #restorers: { readonly [Name in PieceName]: (piece: Pieces[Name]) => void } = {
    ledger: ({ newestAt, wallClockStep, lastId }) => {
      this.newestAt = newestAt;
      this.wallClockStep = wallClockStep;
      this.#lastId = lastId;
    },
    topic: ({ id, ref, kind, origin, queues: kept }) => {
      const queues = kept.map((queue) => MessageQueue.restore(queue));
      this.#addTopic({ ...this.#emptyTopic(id, ref), kind, origin, queues });
    },
    group: (kept) => {
      const { declaredStarts } = kept;
      this.#addGroup({ ...kept, declaredStarts: declaredStarts && new Map(declaredStarts), capturedIn: 0 });
    },
    subscription: (kept) => {
      const { deadLettered, passedOver, droppedUnread, droppedUnacknowledged } = kept;
      const counts = { deadLettered, passedOver, droppedUnread, droppedUnacknowledged };
      Object.assign(this.#startSubscription(kept), counts);
    },
    place: (kept) => this.#subscriptionOf(kept).restorePlace(kept),
    ranges: (kept) => this.#subscriptionOf(kept).queue(kept.queue).ready.extend(kept.ready),
    outstanding: ({ topic, group, ...kept }) => this.#subscriptionOf({ topic, group }).restoreOutstanding(kept),
    half: (kept) => this.#topicOf(kept.topic).half.restore(kept),
    delayed: (kept) => this.delayed.add(kept),
    messages: (kept) => this.#topicOf(kept.topic).queues[kept.queue]?.restoreSlice(kept),
  };

  /** Pieces stand in no order, topics and groups do: by age. */
  #settleRestored(): void {
    const topics = [...this.#topics.values()].sort((one, other) => one.id - other.id);
    const groups = [...this.#groups.values()].sort((one, other) => one.id - other.id);
    for (const index of [this.#topics, this.#topicsByName, this.#groups, this.#groupsByName]) index.clear();
    for (const group of groups) this.#addGroup(group);
    for (const topic of topics) {
      this.#addTopic(topic);
      this.#place(topic.half);
      for (const half of topic.half.all()) this.ages.placeHalf(half);
      for (const [index, queue] of topic.queues.entries()) this.ages.placeQueue(queue, topic.id, index);
      for (const subscription of topic.subscriptions.values()) this.#place(subscription);
    }
  }

  #emptyTopic(id: Id, ref: TopicRef) {
    return {
      id,
      ref,
      half: new HalfMessages(id, this.#settings.checkFor),
      subscriptions: new Map<Id, Subscription>(),
      isDeadLetterTopic: groupOfDeadLetterTopic(ref) !== undefined,
      capturedIn: 0,
    };
  }

  readonly #handlers: {
    readonly [Kind in FactKind]: (fact: Extract<Fact, { kind: Kind }>, position: Position) => void;
  } = {
    "topic-created": (fact) => {
      const topic: TopicState = {
        ...this.#emptyTopic(fact.topic, fact.ref),
        kind: fact.topicKind,
        origin: fact.origin,
        queues: [],
      };
      growTo(topic.queues, fact.queues);
      this.#addTopic(topic);
      this.#used(fact.topic);
    },

    "topic-changed": (fact) => {
      const topic = this.#topicOf(fact.topic);
      topic.kind = fact.topicKind;
      topic.origin = fact.origin;
      topic.queues.length = Math.min(topic.queues.length, fact.queues);
      growTo(topic.queues, fact.queues);
    },

    "group-created": (fact) => {
      const group: GroupState = {
        id: fact.group,
        ref: fact.ref,
        settings: fact.settings,
        origin: fact.origin,
        declaredStarts: fact.origin === "declared" ? this.#startsFrom(fact.ref.instance, fact.settings) : undefined,
        capturedIn: 0,
      };
      this.#addGroup(group);
      this.#used(fact.group);
    },

    "group-changed": (fact) => {
      const group = this.#groups.get(fact.group);
      if (group === undefined) throw new Error(`fact about unknown group ${fact.group}`);
      if (fact.origin === "declared" && group.origin === "use")
        group.declaredStarts = this.#startsFrom(group.ref.instance, fact.settings);
      group.settings = fact.settings;
      group.origin = fact.origin;
      for (const { subscriptions } of this.#topics.values()) {
        const subscription = subscriptions.get(fact.group);
        if (subscription === undefined) continue;
        subscription.unsettle();
        this.#place(subscription);
      }
    },

    "message-stored": (fact, position) => {
      const { topic, queue, message, publishedAt: visibleAt } = fact;
      const tag = this.#hashTag(message.tag);
      this.#append(topic, queue, { position, bodyBytes: bodyBytesOf(message), tag, visibleAt });
    },

    "delayed-message-stored": (fact, position) => {
      this.delayed.add({
        id: fact.id,
        topic: fact.topic,
        position,
        bodyBytes: bodyBytesOf(fact.message),
        tag: this.#hashTag(fact.message.tag),
        deliverAt: fact.deliverAt,
      });
      this.#used(fact.id);
    },

    "delayed-message-released": (fact, joinedAt) => {
      const delayed = this.delayed.take(fact.id);
      if (delayed === undefined) return;
      const { position, bodyBytes, tag, deliverAt: visibleAt } = delayed; // DLY-3: the retention counts from the due time.
      this.#append(fact.topic, fact.queue, { position, bodyBytes, tag, visibleAt, joinedAt });
    },

    "half-message-stored": (fact, position) => {
      const { half } = this.#topicOf(fact.topic);
      half.store(fact, position, bodyBytesOf(fact.message), this.#hashTag(fact.message.tag));
      this.#used(fact.id);
      this.#placeHalf(half, fact.id);
    },

    "half-message-offered": (fact) => {
      const { half } = this.#topicOf(fact.topic);
      half.offer(fact);
      this.#placeHalf(half, fact.id);
    },

    "half-offer-given-back": (fact) => {
      const { half } = this.#topicOf(fact.topic);
      half.giveBack(fact.id, fact.why);
      this.#placeHalf(half, fact.id);
    },

    "transaction-ended": (fact, joinedAt) => {
      const topic = this.#topicOf(fact.topic);
      const half = topic.half.get(fact.id);
      if (half === undefined) return;
      topic.half.end(half, fact.resolution === "commit" ? "committed" : "rolled-back", fact.at);
      this.ages.forgetHalf(half);
      this.#place(topic.half);
      if (fact.resolution === "rollback") return;
      const { id, position, bodyBytes, tag, deliverAt = fact.wall } = half;
      if (fact.queue === undefined) this.delayed.add({ id, topic: topic.id, position, bodyBytes, tag, deliverAt });
      else this.#append(topic.id, fact.queue, { position, bodyBytes, tag, visibleAt: fact.wall, joinedAt });
    },

    "transaction-abandoned": (fact) => {
      const { half: halves } = this.#topicOf(fact.topic);
      const half = halves.get(fact.id);
      if (half === undefined) return;
      half.abandonedOn = fact.wall;
      halves.end(half, "abandoned", fact.at);
      this.#placeHalf(halves, fact.id);
    },

    "half-message-dropped": (fact) => {
      const { half: halves } = this.#topicOf(fact.topic);
      const half = halves.get(fact.id);
      if (half === undefined) return;
      halves.drop(half);
      this.ages.forgetHalf(half);
    },

    "subscription-started": (fact) => {
      this.#startSubscription(fact);
      this.#groups.get(fact.group)?.declaredStarts?.delete(fact.topic);
    },

    "messages-delivered": (fact) => {
      const subscription = this.#subscriptionOf(fact);
      subscription.deliver(fact);
      this.#place(subscription);
    },

    "deliveries-acknowledged": (fact) => {
      const subscription = this.#subscriptionOf(fact);
      for (const offset of fact.offsets) subscription.end(fact.queue, offset);
      this.#place(subscription);
    },

    "deliveries-given-back": (fact) => {
      const subscription = this.#subscriptionOf(fact);
      for (const offset of fact.offsets) subscription.giveBack(fact.queue, offset, fact.why);
      this.#place(subscription);
    },

    "messages-passed-over": (fact) => {
      const subscription = this.#subscriptionOf(fact);
      for (const [from, to] of fact.ranges) subscription.passOver(fact.queue, from, to);
      this.#place(subscription);
    },

    "messages-dropped": (fact) => {
      const { queues, subscriptions } = this.#topicOf(fact.topic);
      for (const { group, unread, unacknowledged } of fact.missed) {
        const subscription = this.#subscriptionOf({ topic: fact.topic, group });
        subscription.droppedUnread += unread;
        subscription.droppedUnacknowledged += unacknowledged;
      }
      // RET-1: as good as acknowledged by every group.
      for (const subscription of subscriptions.values()) {
        subscription.dropUpTo(fact.queue, fact.upTo);
        this.#place(subscription);
      }
      const messages = queues[fact.queue];
      if (messages === undefined) return;
      messages.dropUpTo(fact.upTo);
      this.ages.placeQueue(messages, fact.topic, fact.queue);
    },

    "topic-forgotten": ({ topic, ref }) => {
      this.#topics.delete(topic);
      this.#topicsByName.delete(`${ref.instance}/${ref.topic}`);
    },

    "group-forgotten": ({ group, ref }) => {
      this.#groups.delete(group);
      this.#groupsByName.delete(`${ref.instance}/${ref.group}`);
      for (const { subscriptions } of this.#topics.values()) subscriptions.delete(group);
    },

    "wall-clock-stepped": ({ from, to, at }) => {
      this.wallClockStep = { from, to, at };
    },

    "message-dead-lettered": (fact, position) => {
      const subscription = this.#subscriptionOf(fact);
      const queue = this.#topicOf(fact.topic).queues[fact.queue];
      const bodyBytes = queue?.bodyBytesOf(fact.offset) ?? 0;
      const tag = queue?.tagOf(fact.offset) ?? this.#hashTag("");
      subscription.end(fact.queue, fact.offset);
      subscription.deadLettered += 1;
      this.#place(subscription);
      const { deadLetterTopic, storedAt, wall: visibleAt } = fact; // DLQ-3: counted from the move.
      this.#append(deadLetterTopic, 0, { position, bodyBytes, tag, visibleAt, storedAt });
    },

    "message-copied-forward": ({ topic, queue, offset, delayed, half }, position) => {
      const { queues, half: halves } = this.#topicOf(topic);
      if (queue !== undefined && offset !== undefined && queues[queue]?.has(offset)) {
        queues[queue].moveTo(offset, position);
      }
      if (delayed !== undefined) this.delayed.moveTo(delayed, position);
      if (half !== undefined) halves.moveTo(half, position);
    },
  };

  #addTopic(topic: TopicState): void {
    this.#topics.set(topic.id, topic);
    this.#topicsByName.set(`${topic.ref.instance}/${topic.ref.topic}`, topic);
  }

  #addGroup(group: GroupState): void {
    this.#groups.set(group.id, group);
    this.#groupsByName.set(`${group.ref.instance}/${group.ref.group}`, group);
  }

  #startSubscription({ topic, group, starts }: Pick<Subscription, "topic" | "group" | "starts">): Subscription {
    const subscription = new Subscription(topic, group, starts, (outstanding) => this.isExhausted(outstanding));
    this.#topicOf(topic).subscriptions.set(group, subscription);
    return subscription;
  }

  #place(owner: Timed): void {
    if (owner.needsSweep) this.toSweep.add(owner);
    else this.toSweep.delete(owner);
    this.agenda.place(owner);
  }

  #placeHalf(halves: HalfMessages, id: Id): void {
    const half = halves.get(id);
    if (half !== undefined) this.ages.placeHalf(half);
    this.#place(halves);
  }

  #append(topic: Id, queue: number, message: QueuedMessage): void {
    const queues = this.#topicOf(topic).queues;
    const target = queues[queue];
    if (target === undefined)
      throw new Error(`fact about message queue ${queue} of topic ${topic}, which has ${queues.length}`);
    target.append(message);
    if (target.count === 1) this.ages.placeQueue(target, topic, queue);
  }

  #topicOf(id: Id): TopicState {
    const topic = this.#topics.get(id);
    if (topic === undefined) throw new Error(`fact about unknown topic ${id}`);
    return topic;
  }

  #subscriptionOf(fact: { readonly topic: Id; readonly group: Id }): Subscription {
    const subscription = this.subscription(fact.topic, fact.group);
    if (subscription === undefined) throw new Error(`fact about unknown subscription of group ${fact.group}`);
    return subscription;
  }

  /** DEL-11: `latest` is what becomes visible from the declaration on; anything else the oldest there is. */
  #startsFrom(instance: string, { from }: GroupSettings): Map<Id, readonly Offset[]> {
    const starts = new Map<Id, readonly Offset[]>();
    if (from !== "latest") return starts;
    for (const { id, ref, queues, isDeadLetterTopic } of this.#topics.values()) {
      const holdsMessages = ref.instance === instance && queues.some((queue) => queue.end > 0);
      if (holdsMessages && !isDeadLetterTopic)
        starts.set(
          id,
          queues.map((queue) => queue.end),
        );
    }
    return starts;
  }

  #used(id: Id): void {
    this.#lastId = Math.max(this.#lastId, id);
  }
}

/** A wall clock is never ahead of `now()`, so a date of publishing is as good a witness. */
function instantOf(fact: Fact): EpochMs {
  if ("at" in fact) return fact.at;
  return "publishedAt" in fact ? fact.publishedAt : 0;
}

function growTo(queues: MessageQueue[], count: number): void {
  while (queues.length < count) queues.push(new MessageQueue());
}

function bodyBytesOf(message: Message): number {
  return Buffer.byteLength(message.body);
}
