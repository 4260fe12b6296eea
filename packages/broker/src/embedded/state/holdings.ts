import { type GroupRef, groupOfDeadLetterTopic, type TopicRef } from "../../domain/names.ts";
import type { DurationMs, EpochMs } from "../../domain/time.ts";
import type { Id, WallClockStepped } from "../journal/fact.ts";
import { Agenda } from "./agenda.ts";
import { Ages } from "./ages.ts";
import { DelayedMessages } from "./delayed-messages.ts";
import { HalfMessages } from "./half-messages.ts";
import type { QueuedMessage } from "./message-queue.ts";
import { Register } from "./register.ts";
import { type Outstanding, Subscription } from "./subscription.ts";
import type { TagHash } from "./tag-set.ts";
import type { GroupState, TopicState } from "./topic-state.ts";

/** Whoever has something come due by `now()`. */
export type Timed = Subscription | HalfMessages;

interface HoldingsParts {
  readonly checkFor: DurationMs;
  readonly hashTag: (tag: string) => TagHash;
  readonly isExhausted: (outstanding: Outstanding) => boolean;
}

/** What the ledger holds, laid open to those who apply facts to it or restore it. Everybody else sees the `Ledger`. */
export class Holdings {
  readonly topics = new Register<TopicState>(({ ref }) => nameOfTopic(ref));
  readonly groups = new Register<GroupState>(({ ref }) => nameOfGroup(ref));
  readonly delayed = new DelayedMessages();
  readonly agenda = new Agenda<Timed>();
  readonly toSweep = new Set<Timed>();
  readonly ages = new Ages();
  readonly hashTag: (tag: string) => TagHash;
  wallClockStep: Omit<WallClockStepped, "kind"> | undefined;
  newestAt: EpochMs = 0;
  /** The newest number that was given to a topic, a group or a waiting message. */
  lastId: Id = 0;
  readonly #checkFor: DurationMs;
  readonly #isExhausted: (outstanding: Outstanding) => boolean;

  constructor({ checkFor, hashTag, isExhausted }: HoldingsParts) {
    this.#checkFor = checkFor;
    this.hashTag = hashTag;
    this.#isExhausted = isExhausted;
  }

  topicOf(id: Id): TopicState {
    const topic = this.topics.get(id);
    if (topic === undefined) throw new Error(`fact about unknown topic ${id}`);
    return topic;
  }

  groupOf(id: Id): GroupState {
    const group = this.groups.get(id);
    if (group === undefined) throw new Error(`fact about unknown group ${id}`);
    return group;
  }

  subscriptionOf({ topic, group }: { readonly topic: Id; readonly group: Id }): Subscription {
    const subscription = this.topics.get(topic)?.subscriptions.get(group);
    if (subscription === undefined) throw new Error(`fact about unknown subscription of group ${group}`);
    return subscription;
  }

  addTopic({ id, ref, kind, origin, queues }: Pick<TopicState, "id" | "ref" | "kind" | "origin" | "queues">): void {
    this.topics.add({
      id,
      ref,
      kind,
      origin,
      queues,
      half: new HalfMessages(id, this.#checkFor),
      subscriptions: new Map(),
      isDeadLetterTopic: groupOfDeadLetterTopic(ref) !== undefined,
      capturedIn: 0,
    });
  }

  startSubscription({ topic, group, starts }: Pick<Subscription, "topic" | "group" | "starts">): Subscription {
    const subscription = new Subscription(topic, group, starts, this.#isExhausted);
    this.topicOf(topic).subscriptions.set(group, subscription);
    return subscription;
  }

  append(topic: Id, queue: number, message: QueuedMessage): void {
    const { queues } = this.topicOf(topic);
    const target = queues[queue];
    if (target === undefined)
      throw new Error(`fact about message queue ${queue} of topic ${topic}, which has ${queues.length}`);
    target.append(message);
    if (target.count === 1) this.ages.placeQueue(target, topic, queue);
  }

  /** To be called whenever something happened to it: it may come due at another time, or have something to sweep. */
  place(owner: Timed): void {
    if (owner.needsSweep) this.toSweep.add(owner);
    else this.toSweep.delete(owner);
    this.agenda.place(owner);
  }

  placeHalf(halves: HalfMessages, id: Id): void {
    const half = halves.get(id);
    if (half !== undefined) this.ages.placeHalf(half);
    this.place(halves);
  }

  /** Nobody else gets this number. */
  noteId(id: Id): void {
    this.lastId = Math.max(this.lastId, id);
  }
}

export function nameOfTopic({ instance, topic }: TopicRef): string {
  return `${instance}/${topic}`;
}

export function nameOfGroup({ instance, group }: GroupRef): string {
  return `${instance}/${group}`;
}
