import type { GroupSettings } from "../../domain/consumer-group.ts";
import type { DeadLetterOrigin, DeadLetterReason, Message } from "../../domain/message.ts";
import type { GroupRef, TopicRef } from "../../domain/names.ts";
import type { EpochMs } from "../../domain/time.ts";
import type { TopicKind } from "../../domain/topic.ts";

/**
 * What happened, in the past tense. The journal holds facts and nothing else; the ledger is their sum. A fact names topics
 * and groups by number, so that one made again under an old name is another one (DEL-14).
 */
export type Fact =
  | TopicCreated
  | TopicChanged
  | GroupCreated
  | GroupChanged
  | MessageStored
  | DelayedMessageStored
  | DelayedMessageReleased
  | HalfMessageStored
  | HalfMessageOffered
  | HalfOfferGivenBack
  | TransactionEnded
  | TransactionAbandoned
  | SubscriptionStarted
  | MessagesDelivered
  | DeliveriesAcknowledged
  | DeliveriesGivenBack
  | MessagesPassedOver
  | MessagesDropped
  | HalfMessageDropped
  | TopicForgotten
  | GroupForgotten
  | WallClockStepped
  | MessageDeadLettered
  | MessageCopiedForward;

export type FactKind = Fact["kind"];

/** A place in the journal: the number of bytes before it. Grows; names the frame that begins there. */
export type Position = number & { readonly __unit?: "position" };

/** Number of a topic, a group, or a message that waits for its time or its transaction. Never used twice in one journal. */
export type Id = number;

/** A message's place in its message queue. */
export type Offset = number;

export interface TopicCreated {
  readonly kind: "topic-created";
  readonly topic: Id;
  readonly ref: TopicRef;
  /** Absent where a poll made it (PUB-8). */
  readonly topicKind?: TopicKind;
  /** 0 while the topic has no kind. */
  readonly queues: number;
  readonly origin: "declared" | "use";
  readonly at: EpochMs;
}

export interface TopicChanged {
  readonly kind: "topic-changed";
  readonly topic: Id;
  readonly topicKind: TopicKind;
  readonly queues: number;
  readonly origin: "declared" | "use";
  readonly at: EpochMs;
}

export interface GroupCreated {
  readonly kind: "group-created";
  readonly group: Id;
  readonly ref: GroupRef;
  readonly settings: GroupSettings;
  readonly origin: "declared" | "use";
  readonly at: EpochMs;
}

export interface GroupChanged {
  readonly kind: "group-changed";
  readonly group: Id;
  readonly settings: GroupSettings;
  readonly origin: "declared" | "use";
  readonly at: EpochMs;
}

/** Visible from `publishedAt` on. */
export interface MessageStored {
  readonly kind: "message-stored";
  readonly topic: Id;
  readonly queue: number;
  readonly offset: Offset;
  /** 32 upper-case hex digits (PUB-3). */
  readonly messageId: string;
  readonly message: Message;
  readonly publishedAt: EpochMs;
}

/** A stored message as far as the ledger keeps it: a start meets millions, and reads no more of them (RET-2). */
export interface MessageOutlined extends Omit<MessageStored, "messageId" | "message">, MessageOutline {}

export interface MessageOutline {
  readonly bodyBytes: number;
  readonly tag: string;
}

/** All that the ledger needs to see of what happened. */
export type AppliedFact = Fact | MessageOutlined;

export interface DelayedMessageStored {
  readonly kind: "delayed-message-stored";
  readonly id: Id;
  readonly topic: Id;
  readonly messageId: string;
  readonly message: Message;
  readonly publishedAt: EpochMs;
  readonly deliverAt: EpochMs;
}

/** The end of a wait: the message now stands in its message queue. */
export interface DelayedMessageReleased {
  readonly kind: "delayed-message-released";
  readonly id: Id;
  readonly topic: Id;
  readonly queue: number;
  readonly offset: Offset;
  readonly at: EpochMs;
}

export interface HalfMessageStored {
  readonly kind: "half-message-stored";
  readonly id: Id;
  readonly topic: Id;
  readonly messageId: string;
  readonly message: Message;
  readonly publishedAt: EpochMs;
  readonly at: EpochMs;
  /** Drawn; repeated by the transaction handle (DEL-14). */
  readonly number: number;
  readonly firstCheckAt: EpochMs;
  /** After a commit it waits until then. */
  readonly deliverAt?: EpochMs;
}

/** The producer was asked how the transaction ended. */
export interface HalfMessageOffered {
  readonly kind: "half-message-offered";
  readonly id: Id;
  readonly topic: Id;
  /** Which check this is, from 1. */
  readonly check: number;
  readonly number: number;
  readonly at: EpochMs;
  readonly until: EpochMs;
}

export interface HalfOfferGivenBack {
  readonly kind: "half-offer-given-back";
  readonly id: Id;
  readonly topic: Id;
  readonly why: WhyGivenBack;
}

/** Committed: visible at once (`queue` and `offset` are there), or, with a delivery time ahead, delayed under the same id. */
export interface TransactionEnded {
  readonly kind: "transaction-ended";
  readonly id: Id;
  readonly topic: Id;
  readonly resolution: "commit" | "rollback";
  readonly queue?: number;
  readonly offset?: Offset;
  readonly at: EpochMs;
  /** `at` by the wall clock, from which the retention counts (TIM-1). */
  readonly wall: EpochMs;
}

export interface TransactionAbandoned {
  readonly kind: "transaction-abandoned";
  readonly id: Id;
  readonly topic: Id;
  readonly at: EpochMs;
  /** `at` by the wall clock, from which the retention counts (RET-1). */
  readonly wall: EpochMs;
}

/** An abandoned one, after the retention (RET-1). */
export interface HalfMessageDropped {
  readonly kind: "half-message-dropped";
  readonly id: Id;
  readonly topic: Id;
  readonly at: EpochMs;
}

/** Where a group begins on a topic (DEL-11): its first offset in each message queue there is. */
export interface SubscriptionStarted {
  readonly kind: "subscription-started";
  readonly topic: Id;
  readonly group: Id;
  readonly starts: readonly Offset[];
  readonly at: EpochMs;
}

/** Messages of one message queue, handed to one group in one answer. */
export interface MessagesDelivered {
  readonly kind: "messages-delivered";
  readonly topic: Id;
  readonly group: Id;
  readonly queue: number;
  readonly ordered: boolean;
  readonly deliveries: readonly { readonly offset: Offset; readonly attempt: number; readonly number: number }[];
  readonly at: EpochMs;
  readonly until: EpochMs;
}

export interface DeliveriesAcknowledged {
  readonly kind: "deliveries-acknowledged";
  readonly topic: Id;
  readonly group: Id;
  readonly queue: number;
  readonly offsets: readonly Offset[];
  readonly at: EpochMs;
}

/** Nobody received them: ready again, as before the delivery (DEL-8). */
export interface DeliveriesGivenBack {
  readonly kind: "deliveries-given-back";
  readonly topic: Id;
  readonly group: Id;
  readonly queue: number;
  readonly offsets: readonly Offset[];
  readonly why: WhyGivenBack;
}

/** Only where the client hung up does it count towards the give-backs in a row (DEL-8). */
export type WhyGivenBack = "hung-up" | "no-room";

/** Skipped for good because no filter matched (TAG-2). Ranges are `[from, to)`, ascending; gathered, never one per message. */
export interface MessagesPassedOver {
  readonly kind: "messages-passed-over";
  readonly topic: Id;
  readonly group: Id;
  readonly queue: number;
  readonly ranges: readonly (readonly [from: Offset, to: Offset])[];
}

/** Too old, or too much (RET-1): what stands in `[from, upTo)` of a message queue is gone, and as good as acknowledged by all. */
export interface MessagesDropped {
  readonly kind: "messages-dropped";
  readonly topic: Id;
  readonly queue: number;
  readonly from: Offset;
  readonly upTo: Offset;
  readonly reason: "age" | "size";
  /** What groups that poll have missed by it. */
  readonly missed: readonly Missed[];
  readonly at: EpochMs;
}

/** How many messages one group did not acknowledge before they were dropped. */
export interface Missed {
  readonly group: Id;
  /** Never delivered to it. */
  readonly unread: number;
  /** Delivered, and neither acknowledged nor dead-lettered. */
  readonly unacknowledged: number;
}

/** Made by its first use, empty, and idle for the retention (GRP-1). */
export interface TopicForgotten {
  readonly kind: "topic-forgotten";
  readonly topic: Id;
  readonly ref: TopicRef;
  readonly at: EpochMs;
}

export interface GroupForgotten {
  readonly kind: "group-forgotten";
  readonly group: Id;
  readonly ref: GroupRef;
  readonly at: EpochMs;
}

/** Somebody or something has set the wall clock (TIM-2): it would have shown `from`, and showed `to`. */
export interface WallClockStepped {
  readonly kind: "wall-clock-stepped";
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly at: EpochMs;
}

/** One move, atomic with the end of the message's life in the group (DLQ-1). */
export interface MessageDeadLettered {
  readonly kind: "message-dead-lettered";
  readonly topic: Id;
  readonly group: Id;
  readonly queue: number;
  readonly offset: Offset;
  readonly attempts: number;
  readonly reason: DeadLetterReason;
  readonly deadLetterTopic: Id;
  readonly deadLetterOffset: Offset;
  /** Where the message itself stands in the journal. */
  readonly storedAt: Position;
  readonly at: EpochMs;
  /** `at` by the wall clock, from which the retention counts (DLQ-3). */
  readonly wall: EpochMs;
}

/**
 * A message again, in full, out of a segment that is to go; from then on it stands here. Names where it is used: in a message
 * queue, or waiting under its number for its time (`delayed`) or its transaction (`half`).
 */
export interface MessageCopiedForward {
  readonly kind: "message-copied-forward";
  readonly topic: Id;
  readonly queue?: number;
  readonly offset?: Offset;
  readonly delayed?: Id;
  readonly half?: Id;
  readonly messageId: string;
  readonly message: Message;
  readonly publishedAt: EpochMs;
  /** Of a dead letter, whose own fact goes too. */
  readonly deadLetter?: DeadLetterOrigin;
}
