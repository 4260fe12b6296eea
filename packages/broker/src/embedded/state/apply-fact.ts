import type { GroupSettings } from "../../domain/consumer-group.ts";
import type { Message } from "../../domain/message.ts";
import type { EpochMs } from "../../domain/time.ts";
import type { AppliedFact, FactKind, Id, MessageOutline, Offset, Position } from "../journal/fact.ts";
import type { Holdings } from "./holdings.ts";
import { MessageQueue } from "./message-queue.ts";

/** What each fact does to what the ledger holds; it stands at `position` of the journal. */
export function applyFact(holdings: Holdings, fact: AppliedFact, position: Position): void {
  holdings.newestAt = Math.max(holdings.newestAt, instantOf(fact));
  (HANDLERS[fact.kind] as (holdings: Holdings, fact: AppliedFact, position: Position) => void)(
    holdings,
    fact,
    position,
  );
}

const HANDLERS: {
  readonly [Kind in FactKind]: (
    holdings: Holdings,
    fact: Extract<AppliedFact, { kind: Kind }>,
    position: Position,
  ) => void;
} = {
  "topic-created": (holdings, fact) => {
    const { topic: id, ref, topicKind: kind, origin } = fact;
    const queues: MessageQueue[] = [];
    growTo(queues, fact.queues);
    holdings.addTopic({ id, ref, kind, origin, queues });
    holdings.noteId(fact.topic);
  },

  "topic-changed": (holdings, fact) => {
    const topic = holdings.topicOf(fact.topic);
    topic.kind = fact.topicKind;
    topic.origin = fact.origin;
    topic.queues.length = Math.min(topic.queues.length, fact.queues);
    growTo(topic.queues, fact.queues);
  },

  "group-created": (holdings, fact) => {
    const { group: id, ref, settings, origin } = fact;
    const declaredStarts = origin === "declared" ? startsFrom(holdings, ref.instance, settings) : undefined;
    holdings.groups.add({ id, ref, settings, origin, declaredStarts, capturedIn: 0 });
    holdings.noteId(fact.group);
  },

  "group-changed": (holdings, fact) => {
    const group = holdings.groupOf(fact.group);
    if (fact.origin === "declared" && group.origin === "use")
      group.declaredStarts = startsFrom(holdings, group.ref.instance, fact.settings);
    group.settings = fact.settings;
    group.origin = fact.origin;
    for (const { subscriptions } of holdings.topics.all()) {
      const subscription = subscriptions.get(fact.group);
      if (subscription === undefined) continue;
      subscription.unsettle();
      holdings.place(subscription);
    }
  },

  "message-stored": (holdings, fact, position) => {
    const { topic, queue, publishedAt: visibleAt } = fact;
    const { bodyBytes, tag } = "message" in fact ? outlineOf(fact.message) : fact;
    holdings.append(topic, queue, { position, bodyBytes, tag: holdings.hashTag(tag), visibleAt });
  },

  "delayed-message-stored": (holdings, fact, position) => {
    holdings.delayed.add({
      id: fact.id,
      topic: fact.topic,
      position,
      bodyBytes: bodyBytesOf(fact.message),
      tag: holdings.hashTag(fact.message.tag),
      deliverAt: fact.deliverAt,
    });
    holdings.noteId(fact.id);
  },

  "delayed-message-released": (holdings, fact, joinedAt) => {
    const delayed = holdings.delayed.take(fact.id);
    if (delayed === undefined) return;
    const { position, bodyBytes, tag, deliverAt: visibleAt } = delayed; // DLY-3: the retention counts from the due time.
    holdings.append(fact.topic, fact.queue, { position, bodyBytes, tag, visibleAt, joinedAt });
  },

  "half-message-stored": (holdings, fact, position) => {
    const { half } = holdings.topicOf(fact.topic);
    half.store(fact, position, bodyBytesOf(fact.message), holdings.hashTag(fact.message.tag));
    holdings.noteId(fact.id);
    holdings.placeHalf(half, fact.id);
  },

  "half-message-offered": (holdings, fact) => {
    const { half } = holdings.topicOf(fact.topic);
    half.offer(fact);
    holdings.placeHalf(half, fact.id);
  },

  "half-offer-given-back": (holdings, fact) => {
    const { half } = holdings.topicOf(fact.topic);
    half.giveBack(fact.id, fact.why);
    holdings.placeHalf(half, fact.id);
  },

  "transaction-ended": (holdings, fact, joinedAt) => {
    const topic = holdings.topicOf(fact.topic);
    const half = topic.half.get(fact.id);
    if (half === undefined) return;
    topic.half.end(half, fact.resolution === "commit" ? "committed" : "rolled-back", fact.at);
    holdings.ages.forgetHalf(half);
    holdings.place(topic.half);
    if (fact.resolution === "rollback") return;
    const { id, position, bodyBytes, tag, deliverAt = fact.wall } = half;
    if (fact.queue === undefined) holdings.delayed.add({ id, topic: topic.id, position, bodyBytes, tag, deliverAt });
    else holdings.append(topic.id, fact.queue, { position, bodyBytes, tag, visibleAt: fact.wall, joinedAt });
  },

  "transaction-abandoned": (holdings, fact) => {
    const { half: halves } = holdings.topicOf(fact.topic);
    const half = halves.get(fact.id);
    if (half === undefined) return;
    half.abandonedOn = fact.wall;
    halves.end(half, "abandoned", fact.at);
    holdings.placeHalf(halves, fact.id);
  },

  "half-message-dropped": (holdings, fact) => {
    const { half: halves } = holdings.topicOf(fact.topic);
    const half = halves.get(fact.id);
    if (half === undefined) return;
    halves.drop(half);
    holdings.ages.forgetHalf(half);
  },

  "subscription-started": (holdings, fact) => {
    holdings.startSubscription(fact);
    holdings.groups.get(fact.group)?.declaredStarts?.delete(fact.topic);
  },

  "messages-delivered": (holdings, fact) => {
    const subscription = holdings.subscriptionOf(fact);
    subscription.deliver(fact);
    holdings.place(subscription);
  },

  "deliveries-acknowledged": (holdings, fact) => {
    const subscription = holdings.subscriptionOf(fact);
    for (const offset of fact.offsets) subscription.end(fact.queue, offset);
    holdings.place(subscription);
  },

  "deliveries-given-back": (holdings, fact) => {
    const subscription = holdings.subscriptionOf(fact);
    for (const offset of fact.offsets) subscription.giveBack(fact.queue, offset, fact.why);
    holdings.place(subscription);
  },

  "messages-passed-over": (holdings, fact) => {
    const subscription = holdings.subscriptionOf(fact);
    for (const [from, to] of fact.ranges) subscription.passOver(fact.queue, from, to);
    holdings.place(subscription);
  },

  "messages-dropped": (holdings, fact) => {
    const { queues, subscriptions } = holdings.topicOf(fact.topic);
    for (const { group, unread, unacknowledged } of fact.missed) {
      const subscription = holdings.subscriptionOf({ topic: fact.topic, group });
      subscription.droppedUnread += unread;
      subscription.droppedUnacknowledged += unacknowledged;
    }
    // RET-1: as good as acknowledged by every group.
    for (const subscription of subscriptions.values()) {
      subscription.drop(fact.queue, fact.from, fact.upTo);
      holdings.place(subscription);
    }
    const messages = queues[fact.queue];
    if (messages === undefined) return;
    messages.dropUpTo(fact.upTo);
    holdings.ages.placeQueue(messages, fact.topic, fact.queue);
  },

  "topic-forgotten": (holdings, { topic }) => {
    holdings.topics.delete(topic);
  },

  "group-forgotten": (holdings, { group }) => {
    holdings.groups.delete(group);
    for (const { subscriptions } of holdings.topics.all()) subscriptions.delete(group);
  },

  "wall-clock-stepped": (holdings, { from, to, at }) => {
    holdings.wallClockStep = { from, to, at };
    for (const { id, queues } of holdings.topics.all()) {
      for (const [index, queue] of queues.entries()) {
        queue.redate(to);
        holdings.ages.placeQueue(queue, id, index);
      }
    }
  },

  "message-dead-lettered": (holdings, fact, position) => {
    const subscription = holdings.subscriptionOf(fact);
    const queue = holdings.topicOf(fact.topic).queues[fact.queue];
    const bodyBytes = queue?.bodyBytesOf(fact.offset) ?? 0;
    const tag = queue?.tagOf(fact.offset) ?? holdings.hashTag("");
    subscription.end(fact.queue, fact.offset);
    subscription.deadLettered += 1;
    holdings.place(subscription);
    const { deadLetterTopic, storedAt, wall: visibleAt } = fact; // DLQ-3: counted from the move.
    holdings.append(deadLetterTopic, 0, { position, bodyBytes, tag, visibleAt, storedAt });
  },

  "message-copied-forward": (holdings, { topic, queue, offset, delayed, half }, position) => {
    const { queues, half: halves } = holdings.topicOf(topic);
    if (queue !== undefined && offset !== undefined && queues[queue]?.has(offset)) {
      queues[queue].moveTo(offset, position);
    }
    if (delayed !== undefined) holdings.delayed.moveTo(delayed, position);
    if (half !== undefined) halves.moveTo(half, position);
  },
};

/** DEL-11: `latest` is what becomes visible from the declaration on; anything else the oldest there is. */
function startsFrom(holdings: Holdings, instance: string, { from }: GroupSettings): Map<Id, readonly Offset[]> {
  const starts = new Map<Id, readonly Offset[]>();
  if (from !== "latest") return starts;
  for (const { id, ref, queues, isDeadLetterTopic } of holdings.topics.all()) {
    const holdsMessages = ref.instance === instance && queues.some((queue) => queue.end > 0);
    if (!holdsMessages || isDeadLetterTopic) continue;
    const ends = queues.map((queue) => queue.end);
    starts.set(id, ends);
  }
  return starts;
}

/** A wall clock is never ahead of `now()`, so a date of publishing is as good a witness. */
function instantOf(fact: AppliedFact): EpochMs {
  if ("at" in fact) return fact.at;
  return "publishedAt" in fact ? fact.publishedAt : 0;
}

function growTo(queues: MessageQueue[], count: number): void {
  while (queues.length < count) queues.push(new MessageQueue());
}

function outlineOf(message: Message): MessageOutline {
  return { bodyBytes: bodyBytesOf(message), tag: message.tag };
}

function bodyBytesOf(message: Message): number {
  return Buffer.byteLength(message.body);
}
