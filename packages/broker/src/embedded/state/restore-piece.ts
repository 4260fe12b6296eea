import type { Holdings } from "./holdings.ts";
import { MessageQueue } from "./message-queue.ts";
import type { PieceName, Pieces } from "./snapshot-pieces.ts";

/** Of what the ledger holds; uses are not its own. */
type LedgerPieceName = Exclude<PieceName, "use">;

/** Adds one piece of a snapshot to what a new ledger holds. */
export function restorePiece<Name extends LedgerPieceName>(holdings: Holdings, name: Name, piece: Pieces[Name]): void {
  (RESTORERS[name] as (holdings: Holdings, piece: Pieces[Name]) => void)(holdings, piece);
}

const RESTORERS: { readonly [Name in LedgerPieceName]: (holdings: Holdings, piece: Pieces[Name]) => void } = {
  ledger: (holdings, { newestAt, wallClockStep, lastId }) => {
    holdings.newestAt = newestAt;
    holdings.wallClockStep = wallClockStep;
    holdings.lastId = lastId;
  },
  topic: (holdings, { id, ref, kind, origin, queues }) => {
    holdings.addTopic({ id, ref, kind, origin, queues: queues.map((queue) => MessageQueue.restore(queue)) });
  },
  group: (holdings, kept) => {
    const { declaredStarts } = kept;
    holdings.groups.add({ ...kept, declaredStarts: declaredStarts && new Map(declaredStarts), capturedIn: 0 });
  },
  subscription: (holdings, kept) => {
    const { deadLettered, passedOver, droppedUnread, droppedUnacknowledged } = kept;
    const counts = { deadLettered, passedOver, droppedUnread, droppedUnacknowledged };
    Object.assign(holdings.startSubscription(kept), counts);
  },
  place: (holdings, kept) => holdings.subscriptionOf(kept).restorePlace(kept),
  ranges: (holdings, kept) => holdings.subscriptionOf(kept).queue(kept.queue).ready.extend(kept.ready),
  outstanding: (holdings, { topic, group, ...kept }) =>
    holdings.subscriptionOf({ topic, group }).restoreOutstanding(kept),
  half: (holdings, kept) => holdings.topicOf(kept.topic).half.restore(kept),
  delayed: (holdings, kept) => holdings.delayed.add(kept),
  messages: (holdings, kept) => holdings.topicOf(kept.topic).queues[kept.queue]?.restoreSlice(kept),
  dates: (holdings, { topic, queue, from, datedAt }) =>
    holdings.topicOf(topic).queues[queue]?.restoreDates(from, datedAt),
};

/** To be called behind the last piece. They stand in no order; topics and groups do. */
export function settleRestored(holdings: Holdings): void {
  const { topics, groups, ages } = holdings;
  groups.sort();
  topics.sort();
  for (const topic of topics.all()) {
    holdings.place(topic.half);
    for (const half of topic.half.all()) ages.placeHalf(half);
    for (const [index, queue] of topic.queues.entries()) ages.placeQueue(queue, topic.id, index);
    for (const subscription of topic.subscriptions.values()) holdings.place(subscription);
  }
}
