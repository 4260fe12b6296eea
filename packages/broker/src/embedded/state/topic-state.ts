import type { GroupSettings } from "../../domain/consumer-group.ts";
import type { GroupRef, TopicRef } from "../../domain/names.ts";
import type { TopicKind } from "../../domain/topic.ts";
import type { Id, Offset } from "../journal/fact.ts";
import type { Captured } from "./capture-mark.ts";
import type { HalfMessages } from "./half-messages.ts";
import type { MessageQueue } from "./message-queue.ts";
import type { Subscription } from "./subscription.ts";

export interface TopicState extends Captured {
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

export interface GroupState extends Captured {
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
