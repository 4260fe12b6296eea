import { deadLetterTopicOf, type GroupRef } from "../domain/names.ts";
import type { EpochMs } from "../domain/time.ts";
import type { ListedMessage, MessageList, MessageQuery, MessageState } from "../engine/engine.ts";
import type { Clock } from "../runtime/clock.ts";
import { decideSubscribe } from "./decisions/decide-subscribe.ts";
import type { Offset, Position } from "./journal/fact.ts";
import type { Journal } from "./journal/journal.ts";
import type { MessageReader } from "./message-reader.ts";
import type { EngineSettings } from "./settings.ts";
import type { GroupState, Ledger, TopicState } from "./state/ledger.ts";
import type { MessageQueue } from "./state/message-queue.ts";
import type { Outstanding, Subscription } from "./state/subscription.ts";

interface MessageListerParts {
  readonly ledger: Ledger;
  readonly journal: Journal;
  readonly messages: MessageReader;
  readonly clock: Clock;
  readonly settings: EngineSettings;
}

/** A message that is to be listed, before it is read. */
interface Standing extends Pick<ListedMessage, "group" | "attempt" | "dueAt" | "isAbandoned"> {
  readonly position: Position;
  /** Where must be kept what is read. */
  readonly places: readonly Position[];
}

/** Which messages of a topic are in which state: read off the ledger at once, their bodies from the journal. */
export class MessageLister {
  readonly #parts: MessageListerParts;

  constructor(parts: MessageListerParts) {
    this.#parts = parts;
  }

  async list({ topic: ref, state, group: groupRef, limit }: MessageQuery): Promise<MessageList> {
    const { ledger, journal } = this.#parts;
    const topic = ledger.topic(ref);
    if (topic === undefined) return { messages: [], isCut: false };
    // Which of the dead were this topic's is known only when they are read.
    const most = state === "dead" ? Number.POSITIVE_INFINITY : limit + 1;
    const standing = [...firstOf(this.#standing(topic, state, groupRef), most)];
    const pins = standing.flatMap(({ places }) => places.map((place) => journal.pin(place)));
    try {
      const messages: ListedMessage[] = [];
      for (const each of standing) {
        const listed = await this.#read(each);
        if (state === "dead" && listed.deadLetter?.topic !== ref.topic) continue;
        if (messages.length === limit) return { messages, isCut: true };
        messages.push(state === "dead" ? { ...listed, attempt: listed.deadLetter?.attempts ?? 0 } : listed);
      }
      return { messages, isCut: false };
    } finally {
      for (const unpin of pins) unpin();
    }
  }

  async #read({ position, places: _, ...standing }: Standing): Promise<ListedMessage> {
    const { messageId, message, publishedAt, deadLetter } = await this.#parts.messages.read(position);
    return { messageId, message, publishedAt, ...(deadLetter === undefined ? {} : { deadLetter }), ...standing };
  }

  #standing(topic: TopicState, state: MessageState, group: GroupRef | undefined): Iterable<Standing> {
    const now = this.#parts.clock.now();
    switch (state) {
      case "ready":
        return this.#ready(topic, group, now);
      case "in-flight":
        return this.#inFlight(topic, group, now);
      case "delayed":
        return this.#delayed(topic);
      case "half":
        return half(topic);
      case "dead":
        return this.#dead(topic, group);
    }
  }

  *#ready(topic: TopicState, wanted: GroupRef | undefined, now: EpochMs): Generator<Standing> {
    const subscriptions = [...this.#subscriptionsOf(topic, wanted)];
    for (const [group, subscription] of subscriptions) {
      for (const [index, queue] of topic.queues.entries()) {
        const { ready, outstanding } = subscription.queue(index);
        const due = [...outstanding.values()].filter((each) => each.attempt > 0 && each.until <= now);
        const attempts = new Map(due.map(({ offset, attempt }) => [offset, attempt]));
        const offsets = [...ready.between(queue.head, queue.end), ...attempts.keys()].sort((one, other) => one - other);
        for (const offset of offsets) {
          yield { ...placed(queue, offset), group: group.ref, attempt: attempts.get(offset) ?? 0 };
        }
      }
    }
    if (subscriptions.length === 0) yield* this.#unread(topic, wanted);
  }

  /** What a group would be given by its first poll, or the first of any group's. */
  *#unread(topic: TopicState, group: GroupRef | undefined): Generator<Standing> {
    const starts = group === undefined ? [] : this.#startsOf(topic, group);
    for (const [index, queue] of topic.queues.entries()) {
      for (let offset = Math.max(starts[index] ?? 0, queue.head); offset < queue.end; offset++) {
        yield { ...placed(queue, offset), ...(group === undefined ? {} : { group }), attempt: 0 };
      }
    }
  }

  /** DEL-11. */
  #startsOf(topic: TopicState, group: GroupRef): readonly Offset[] {
    const { ledger, clock, settings } = this.#parts;
    const context = {
      moment: { now: clock.now(), wall: clock.wall() },
      settings: { ...settings, makeByUse: true },
      draw: () => 0,
    };
    for (const fact of decideSubscribe(ledger, { topic: topic.ref, group }, context)) {
      if (fact.kind === "subscription-started") return fact.starts;
    }
    return [];
  }

  *#inFlight(topic: TopicState, wanted: GroupRef | undefined, now: EpochMs): Generator<Standing> {
    for (const [group, subscription] of this.#subscriptionsOf(topic, wanted)) {
      const outstanding: Outstanding[] = [];
      for (const [, progress] of subscription.places()) outstanding.push(...progress.outstanding.values());
      const inFlight = outstanding.filter(({ until }) => until > now);
      for (const { queue: index, offset, attempt, until } of inFlight.sort(bySooner)) {
        const queue = topic.queues[index];
        if (queue?.has(offset)) yield { ...placed(queue, offset), group: group.ref, attempt, dueAt: until };
      }
    }
  }

  *#delayed({ id }: TopicState): Generator<Standing> {
    const ofTopic = [...this.#parts.ledger.delayed.all()].filter(({ topic }) => topic === id);
    ofTopic.sort((one, other) => one.deliverAt - other.deliverAt || one.id - other.id);
    for (const { position, deliverAt } of ofTopic) {
      yield { position, places: [position], attempt: 0, dueAt: deliverAt };
    }
  }

  /** In every dead-letter topic; that of another topic is told by reading it. */
  *#dead({ ref }: TopicState, wanted: GroupRef | undefined): Generator<Standing> {
    const { ledger } = this.#parts;
    for (const group of ledger.groups()) {
      if (group.ref.instance !== ref.instance || !isWanted(group, wanted)) continue;
      for (const queue of ledger.topic(deadLetterTopicOf(group.ref))?.queues ?? []) {
        for (let offset = queue.head; offset < queue.end; offset++) {
          yield { ...placed(queue, offset), group: group.ref, attempt: 0 };
        }
      }
    }
  }

  *#subscriptionsOf(topic: TopicState, wanted: GroupRef | undefined): Generator<readonly [GroupState, Subscription]> {
    for (const subscription of topic.subscriptions.values()) {
      const group = this.#parts.ledger.groupById(subscription.group);
      if (group !== undefined && isWanted(group, wanted)) yield [group, subscription];
    }
  }
}

function* firstOf<T>(items: Iterable<T>, most: number): Generator<T> {
  let count = 0;
  for (const item of items) {
    if (count === most) return;
    count += 1;
    yield item;
  }
}

function* half(topic: TopicState): Generator<Standing> {
  const open = [...topic.half.all()].filter(({ state }) => state !== "committed" && state !== "rolled-back");
  for (const { position, checks, state, until } of open.sort(bySooner)) {
    const end = state === "abandoned" ? { isAbandoned: true as const } : { dueAt: until };
    yield { position, places: [position], attempt: checks, ...end };
  }
}

function placed(queue: MessageQueue, offset: Offset): Pick<Standing, "position" | "places"> {
  return { position: queue.positionOf(offset), places: queue.placesOf(offset) };
}

function isWanted({ ref }: GroupState, wanted: GroupRef | undefined): boolean {
  return wanted === undefined || (ref.instance === wanted.instance && ref.group === wanted.group);
}

function bySooner(one: { readonly until: EpochMs; readonly rank: number }, other: typeof one): number {
  return one.until - other.until || one.rank - other.rank;
}
