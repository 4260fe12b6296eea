import type { GroupRef, TopicRef } from "../domain/names.ts";
import type { Inspection, SubscriptionCounts, TopicCounts } from "../engine/engine.ts";
import type { Ledger } from "./state/ledger.ts";

/** Counts, read off the ledger as it stands. */
export class EmbeddedInspection implements Inspection {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  countTopic(ref: TopicRef): TopicCounts | undefined {
    const topic = this.#ledger.topic(ref);
    if (topic === undefined) return undefined;
    return {
      stored: topic.queues.reduce((sum, queue) => sum + queue.end, 0),
      delayed: this.#ledger.delayed.countOf(topic.id),
      half: topic.half.open.size,
      abandoned: topic.half.abandonedCount,
    };
  }

  countSubscription(topicRef: TopicRef, groupRef: GroupRef): SubscriptionCounts | undefined {
    const topic = this.#ledger.topic(topicRef);
    const subscription = topic?.subscriptions.get(this.#ledger.group(groupRef)?.id ?? 0);
    if (topic === undefined || subscription === undefined) return undefined;
    const unread = topic.queues.reduce(
      (sum, queue, index) => sum + subscription.queue(index).ready.countBelow(queue.end),
      0,
    );
    const { inFlightCount: inFlight, outstandingCount, deadLettered: dead, passedOver } = subscription;
    return { ready: unread + outstandingCount - inFlight, inFlight, dead, passedOver };
  }
}
