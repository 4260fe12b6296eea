import type { GroupRef, TopicRef } from "../domain/names.ts";
import type {
  Inspection,
  MessageList,
  MessageQuery,
  SubscriptionCounts,
  TopicCounts,
  WallClockStepDescription,
} from "../engine/engine.ts";
import { ageRestsUntil } from "./decisions/too-old.ts";
import type { MessageLister } from "./message-lister.ts";
import type { EngineSettings } from "./settings.ts";
import type { Ledger } from "./state/ledger.ts";

/** Read off the ledger as it stands. */
export class EmbeddedInspection implements Inspection {
  readonly #ledger: Ledger;
  readonly #settings: EngineSettings;
  readonly #messages: MessageLister;

  constructor(ledger: Ledger, settings: EngineSettings, messages: MessageLister) {
    this.#ledger = ledger;
    this.#settings = settings;
    this.#messages = messages;
  }

  listMessages(query: MessageQuery): Promise<MessageList> {
    return this.#messages.list(query);
  }

  get wallClockStep(): WallClockStepDescription | undefined {
    const step = this.#ledger.wallClockStep;
    return step && { ...step, ageRestsUntil: ageRestsUntil(this.#ledger, this.#settings) };
  }

  countTopic(ref: TopicRef): TopicCounts | undefined {
    const topic = this.#ledger.topic(ref);
    if (topic === undefined) return undefined;
    return {
      stored: topic.queues.reduce((sum, queue) => sum + queue.count, 0),
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
    const { droppedUnread, droppedUnacknowledged } = subscription;
    const ready = unread + outstandingCount - inFlight;
    return { ready, inFlight, dead, passedOver, droppedUnread, droppedUnacknowledged };
  }
}
