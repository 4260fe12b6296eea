import type { Moment } from "../../domain/moment.ts";
import { deadLetterTopicOf, type TopicRef } from "../../domain/names.ts";
import type { TopicKind } from "../../domain/topic.ts";
import type { Fact, Id, Offset } from "../journal/fact.ts";
import type { GroupState, Ledger } from "../state/ledger.ts";
import type { Outstanding } from "../state/subscription.ts";

/** The facts that one decision has arrived at so far, and what follows from them for the next one. Changes no ledger. */
export class Draft {
  readonly facts: Fact[] = [];
  readonly #ledger: Ledger;
  readonly #moment: Moment;
  #nextId: Id;
  /** Both made when they are needed, which in most drafts is never. */
  #ends: Map<string, Offset> | undefined;
  #created: Map<string, Id> | undefined;

  constructor(ledger: Ledger, moment: Moment) {
    this.#ledger = ledger;
    this.#moment = moment;
    this.#nextId = ledger.nextId;
  }

  add(fact: Fact): void {
    this.facts.push(fact);
  }

  /** A number of its own, for a topic, a group, or a message that waits. */
  drawId(): Id {
    return this.#nextId++;
  }

  /** The offset that the next message of this queue gets. */
  drawOffset(topic: Id, queue: number): Offset {
    this.#ends ??= new Map();
    const key = `${topic}/${queue}`;
    const offset = this.#ends.get(key) ?? this.#ledger.topicById(topic)?.queues[queue]?.end ?? 0;
    this.#ends.set(key, offset + 1);
    return offset;
  }

  createTopic(ref: TopicRef, kind: TopicKind | undefined, queues: number, origin: "declared" | "use"): Id {
    const topic = this.drawId();
    this.#created ??= new Map();
    this.#created.set(`${ref.instance}/${ref.topic}`, topic);
    const topicKind = kind === undefined ? {} : { topicKind: kind };
    this.add({ kind: "topic-created", topic, ref, ...topicKind, queues, origin, at: this.#moment.now });
    return topic;
  }

  /** DLQ-1: moves a message without retries left to the dead letters of its group, and ends its life there. */
  deadLetter(group: GroupState, outstanding: Outstanding): void {
    const { topic } = outstanding.subscription;
    const messages = this.#ledger.topicById(topic)?.queues[outstanding.queue];
    if (messages === undefined) throw new Error(`no message queue ${outstanding.queue} in topic ${topic}`);
    const ref = deadLetterTopicOf(group.ref);
    const deadLetterTopic =
      this.#created?.get(`${ref.instance}/${ref.topic}`) ??
      this.#ledger.topic(ref)?.id ??
      this.createTopic(ref, "normal", 1, "use");
    this.add({
      kind: "message-dead-lettered",
      topic,
      group: group.id,
      queue: outstanding.queue,
      offset: outstanding.offset,
      attempts: outstanding.attempt,
      reason: "retries-used-up",
      deadLetterTopic,
      deadLetterOffset: this.drawOffset(deadLetterTopic, 0),
      storedAt: messages.positionOf(outstanding.offset),
      at: this.#moment.now,
      wall: this.#moment.wall,
    });
  }
}
