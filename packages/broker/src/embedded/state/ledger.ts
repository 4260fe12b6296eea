import type { GroupSettings } from "../../domain/consumer-group.ts";
import type { Message } from "../../domain/message.ts";
import { type GroupRef, groupOfDeadLetterTopic, type TopicRef } from "../../domain/names.ts";
import type { DurationMs, EpochMs } from "../../domain/time.ts";
import type { TopicKind } from "../../domain/topic.ts";
import type { Fact, FactKind, Id, Offset, Position } from "../journal/fact.ts";
import { Agenda } from "./agenda.ts";
import { DelayedMessages } from "./delayed-messages.ts";
import { type HalfMessage, HalfMessages } from "./half-messages.ts";
import { MessageQueue } from "./message-queue.ts";
import { type Outstanding, Subscription } from "./subscription.ts";
import type { TagHash } from "./tag-set.ts";

export interface TopicState {
  readonly id: Id;
  readonly ref: TopicRef;
  /** Absent until the first message, where a poll made the topic (PUB-8). */
  kind: TopicKind | undefined;
  origin: "declared" | "use";
  /** None while the topic has no kind. */
  readonly queues: MessageQueue[];
  readonly half: HalfMessages;
  readonly subscriptions: Map<Id, Subscription>;
  readonly isDeadLetterTopic: boolean;
}

export interface GroupState {
  readonly id: Id;
  readonly ref: GroupRef;
  settings: GroupSettings;
  origin: "declared" | "use";
  /**
   * DEL-11: where it starts on topics that it has not polled yet, fixed when it was declared: elsewhere than at the beginning only
   * where there were messages. Absent while it is only used.
   */
  declaredStarts: Map<Id, readonly Offset[]> | undefined;
}

/** What the ledger must know of the settings, to say what is exhausted and what is abandoned. */
export interface LedgerSettings {
  readonly maxRetries: number;
  readonly onExhausted: "dead-letter" | "block";
  readonly checkFor: DurationMs;
}

/** Whoever has something come due by `now()`. */
export type Timed = Subscription | HalfMessages;

/** What a message queue keeps of a message. */
interface Appended {
  readonly position: Position;
  readonly bodyBytes: number;
  readonly tag: TagHash;
  readonly visibleAt: EpochMs;
  /** Of a dead letter: where its message stands. */
  readonly storedAt?: Position;
}

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
  /** The newest instant that any fact has seen (TIM-1). */
  newestAt: EpochMs = 0;
  #lastId: Id = 0;

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
    this.newestAt = Math.max(this.newestAt, instantOf(fact));
    (this.#handlers[fact.kind] as (fact: Fact, position: Position) => void)(fact, position);
  }

  readonly #handlers: {
    readonly [Kind in FactKind]: (fact: Extract<Fact, { kind: Kind }>, position: Position) => void;
  } = {
    "topic-created": (fact) => {
      const topic: TopicState = {
        id: fact.topic,
        ref: fact.ref,
        kind: fact.topicKind,
        origin: fact.origin,
        queues: [],
        half: new HalfMessages(fact.topic, this.#settings.checkFor),
        subscriptions: new Map(),
        isDeadLetterTopic: groupOfDeadLetterTopic(fact.ref) !== undefined,
      };
      growTo(topic.queues, fact.queues);
      this.#topics.set(topic.id, topic);
      this.#topicsByName.set(`${fact.ref.instance}/${fact.ref.topic}`, topic);
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
      };
      this.#groups.set(group.id, group);
      this.#groupsByName.set(`${fact.ref.instance}/${fact.ref.group}`, group);
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

    "delayed-message-released": (fact) => {
      const delayed = this.delayed.take(fact.id);
      // DLY-3: the retention counts from the due time.
      if (delayed !== undefined) this.#append(fact.topic, fact.queue, { ...delayed, visibleAt: delayed.deliverAt });
    },

    "half-message-stored": (fact, position) => {
      const { half } = this.#topicOf(fact.topic);
      half.store(fact, position, bodyBytesOf(fact.message), this.#hashTag(fact.message.tag));
      this.#used(fact.id);
      this.#place(half);
    },

    "half-message-offered": (fact) => {
      const { half } = this.#topicOf(fact.topic);
      half.offer(fact);
      this.#place(half);
    },

    "half-offer-given-back": (fact) => {
      const { half } = this.#topicOf(fact.topic);
      half.giveBack(fact.id);
      this.#place(half);
    },

    "transaction-ended": (fact) => {
      const topic = this.#topicOf(fact.topic);
      const half = topic.half.get(fact.id);
      if (half === undefined) return;
      topic.half.end(half, fact.resolution === "commit" ? "committed" : "rolled-back", fact.at);
      this.#place(topic.half);
      if (fact.resolution === "rollback") return;
      if (fact.queue !== undefined) this.#append(topic.id, fact.queue, { ...half, visibleAt: fact.at });
      else {
        const { id, position, bodyBytes, tag, deliverAt = fact.at } = half;
        this.delayed.add({ id, topic: topic.id, position, bodyBytes, tag, deliverAt });
      }
    },

    "transaction-abandoned": (fact) => {
      const { half: halves } = this.#topicOf(fact.topic);
      const half = halves.get(fact.id);
      if (half === undefined) return;
      halves.end(half, "abandoned", fact.at);
      this.#place(halves);
    },

    "subscription-started": (fact) => {
      const subscription = new Subscription(fact.topic, fact.group, fact.starts, (outstanding) =>
        this.isExhausted(outstanding),
      );
      this.#topicOf(fact.topic).subscriptions.set(fact.group, subscription);
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
      for (const offset of fact.offsets) subscription.giveBack(fact.queue, offset);
      this.#place(subscription);
    },

    "messages-passed-over": (fact) => {
      const subscription = this.#subscriptionOf(fact);
      for (const [from, to] of fact.ranges) subscription.passOver(fact.queue, from, to);
      this.#place(subscription);
    },

    "message-dead-lettered": (fact, position) => {
      const subscription = this.#subscriptionOf(fact);
      const queue = this.#topicOf(fact.topic).queues[fact.queue];
      const bodyBytes = queue?.bodyBytesOf(fact.offset) ?? 0;
      const tag = queue?.tagOf(fact.offset) ?? this.#hashTag("");
      subscription.end(fact.queue, fact.offset);
      subscription.deadLettered += 1;
      this.#place(subscription);
      const { deadLetterTopic, storedAt, at: visibleAt } = fact;
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

  #place(owner: Timed): void {
    if (owner.needsSweep) this.toSweep.add(owner);
    else this.toSweep.delete(owner);
    this.agenda.place(owner);
  }

  #append(topic: Id, queue: number, { position, bodyBytes, tag, visibleAt, storedAt }: Appended): void {
    const queues = this.#topicOf(topic).queues;
    const target = queues[queue];
    if (target === undefined)
      throw new Error(`fact about message queue ${queue} of topic ${topic}, which has ${queues.length}`);
    target.append(position, bodyBytes, tag, visibleAt, storedAt);
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
