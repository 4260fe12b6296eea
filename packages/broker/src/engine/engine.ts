import type { GroupDeclaration } from "../domain/consumer-group.ts";
import type { DeadLetterOrigin, Message, PublishIntent } from "../domain/message.ts";
import type { GroupRef, TopicRef } from "../domain/names.ts";
import type { DurationMs, EpochMs } from "../domain/time.ts";
import type { TopicDeclaration, TopicKind } from "../domain/topic.ts";

/**
 * A front end turns its protocol into these requests and these answers back into its protocol; an engine carries them out.
 * Neither knows the other, and nothing here names a header, an XML element, a file or a socket.
 */
export interface Engine extends Messaging {
  readonly catalog: Catalog;
  readonly inspection: Inspection;
  /** Resolves when all that was committed so far would survive a crash. */
  settled(): Promise<void>;
  /**
   * Finishes what was accepted, refuses what comes after (`stopping`). What nobody received can still be given back until
   * `beforeClosing` has come to its end. Safe to call twice.
   */
  stop(beforeClosing?: () => Promise<void>): Promise<void>;
}

/** The six verbs a client can speak. */
export interface Messaging {
  /** Resolves only once the message would survive a crash. */
  publish(call: Call, request: PublishRequest): Promise<PublishReceipt>;
  /**
   * Waits up to `waitUpTo` for something to deliver. Nothing to deliver is an empty list, not an error. `signal` is heeded
   * until something is committed; after that the answer is returned, and it is for the caller to give it back.
   */
  receive(call: Call, request: ReceiveRequest): Promise<Delivery[]>;
  /** One outcome per handle, in the order given; a bad handle spoils only itself. */
  acknowledge(call: Call, request: AcknowledgeRequest): Promise<HandleOutcome[]>;
  /** Deliveries that never reached anyone. They are ready again at once. */
  giveBack(call: Call, request: GiveBackRequest): Promise<void>;
  /** Half messages whose producer must be asked: commit or roll back? Waits and heeds `signal` as `receive` does. */
  receiveHalf(call: Call, request: ReceiveHalfRequest): Promise<Delivery[]>;
  endTransaction(call: Call, request: EndTransactionRequest): Promise<HandleOutcome[]>;
}

/** Who asks, and for how long they will listen: `signal` is aborted when the client hangs up. */
export interface Call {
  readonly caller: string;
  readonly requestId: string;
  readonly signal: AbortSignal;
}

/** Opaque to everyone but the engine that issued it. */
export type ReceiptHandle = string & { readonly __kind?: "receipt-handle" };

export interface PublishRequest {
  readonly topic: TopicRef;
  readonly message: Message;
  readonly intent: PublishIntent;
}

export interface PublishReceipt {
  readonly messageId: string;
  /** Only for a half message: what commits it or rolls it back. */
  readonly transactionHandle?: ReceiptHandle;
}

export interface ReceiveRequest {
  readonly topic: TopicRef;
  readonly group: GroupRef;
  readonly mode: "concurrent" | "ordered";
  /** Tags joined by `||`; empty or `*` for all. */
  readonly tags: string;
  readonly maxMessages: number;
  readonly waitUpTo: DurationMs;
  /** Unset: the group's own setting. */
  readonly invisibleFor?: DurationMs;
}

export interface ReceiveHalfRequest {
  readonly topic: TopicRef;
  readonly group: GroupRef;
  readonly maxMessages: number;
  readonly waitUpTo: DurationMs;
}

export interface Delivery {
  readonly messageId: string;
  readonly message: Message;
  readonly handle: ReceiptHandle;
  readonly publishedAt: EpochMs;
  /** 1 for the first delivery. */
  readonly attempt: number;
  readonly firstDeliveredAt: EpochMs;
  /** When it comes back if nobody acknowledges it. */
  readonly visibleAgainAt: EpochMs;
  /** Only from a dead-letter topic. */
  readonly deadLetter?: DeadLetterOrigin;
}

export interface AcknowledgeRequest {
  readonly topic: TopicRef;
  readonly group: GroupRef;
  readonly handles: readonly ReceiptHandle[];
}

/** Of plain, ordered and half deliveries alike. One that is no longer the newest is left as it is. */
export interface GiveBackRequest {
  readonly handles: readonly ReceiptHandle[];
  /** There was no room for the answer; absent where the client hung up. Undone however often that was before (DEL-8). */
  readonly noRoom?: true;
}

export interface EndTransactionRequest {
  readonly topic: TopicRef;
  /** Absent where an SDK leaves it out; the handle is what counts. */
  readonly group?: GroupRef;
  readonly handles: readonly ReceiptHandle[];
  readonly resolution: "commit" | "rollback";
}

export interface HandleOutcome {
  readonly handle: ReceiptHandle;
  /** `expired`: out of time, replaced by a later delivery, or its transaction ended otherwise. `invalid`: never issued for this. */
  readonly refusal?: "invalid" | "expired";
  /** What a person should know about the refusal: a sentence without the name of a wire code. */
  readonly hint?: string;
}

/** What exists. Topics and groups are declared by a file, or made by use where the broker is told so. */
export interface Catalog {
  /**
   * Makes what is absent and changes what differs; refuses what cannot be changed (`invalid-argument`). Durable on return. What
   * there is no space for is refused too (`storage-full`), and done as soon as there is.
   */
  declare(declarations: Declarations): Promise<void>;
  describeTopic(ref: TopicRef): TopicDescription | undefined;
  describeGroup(ref: GroupRef): GroupDescription | undefined;
  /** Names of the topics of an instance, for "did you mean". */
  listTopics(instance: string): readonly string[];
  listInstances(): readonly string[];
}

export interface Declarations {
  readonly instances: readonly string[];
  readonly topics: readonly TopicDeclaration[];
  readonly groups: readonly GroupDeclaration[];
}

export interface TopicDescription {
  readonly ref: TopicRef;
  /** Absent until the first message, where a poll made the topic. */
  readonly kind?: TopicKind;
  readonly queues: number;
  readonly origin: "declared" | "use";
  /** When it was used last; absent where this start of the broker has not seen it used (GRP-1). */
  readonly idleSince?: EpochMs;
}

export interface GroupDescription {
  readonly ref: GroupRef;
  readonly origin: "declared" | "use";
  /** When it polled last; absent where this start of the broker has not seen it poll (GRP-1). */
  readonly idleSince?: EpochMs;
}

/** Read-only, from memory: it may be a few milliseconds ahead of the disk. */
export interface Inspection {
  countTopic(ref: TopicRef): TopicCounts | undefined;
  countSubscription(topic: TopicRef, group: GroupRef): SubscriptionCounts | undefined;
  /** What a topic holds in one state. Reads bodies: for people and tests. */
  listMessages(query: MessageQuery): Promise<MessageList>;
  /** The newest large one; absent where there was none (TIM-2). */
  readonly wallClockStep: WallClockStepDescription | undefined;
}

/** The wall clock was set `at` some time: it would have shown `from`, and showed `to`. */
export interface WallClockStepDescription {
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly at: EpochMs;
  /** Nothing is dropped for its age before. */
  readonly ageRestsUntil: EpochMs;
}

/** `ready`, `in-flight` and `dead` are what a message is to a group; the others are what it is to all. */
export type MessageState = "ready" | "in-flight" | "delayed" | "half" | "dead";

export interface MessageQuery {
  readonly topic: TopicRef;
  readonly state: MessageState;
  /** Absent: of every group that has started there. Means nothing for delayed and half messages. */
  readonly group?: GroupRef;
  /** At most so many are listed. */
  readonly limit: number;
}

/** In the order in which they will come; ready ones group by group, as their queues have them. */
export interface MessageList {
  readonly messages: readonly ListedMessage[];
  /** There are more. */
  readonly isCut: boolean;
}

/** A message, and how things stand with it. */
export interface ListedMessage extends Pick<Delivery, "messageId" | "message" | "publishedAt" | "deadLetter"> {
  /** To whom it is ready, in flight or dead; absent where it is ready and no group has started yet. */
  readonly group?: GroupRef;
  /** Deliveries so far; of a half message, how often its producer was asked. */
  readonly attempt: number;
  /** When it is visible again, delivered, or asked about next. */
  readonly dueAt?: EpochMs;
  /** A half message that is not asked about any more (TX-6). */
  readonly isAbandoned?: true;
}

export interface TopicCounts {
  /** Messages that the topic's message queues retain, consumed or not. */
  readonly stored: number;
  readonly delayed: number;
  /** Half messages without an outcome. */
  readonly half: number;
  readonly abandoned: number;
}

export interface SubscriptionCounts {
  /** Never delivered and visible, whatever their tag, or due again. */
  readonly ready: number;
  readonly inFlight: number;
  readonly dead: number;
  /** Skipped for good because no filter matched (DEL-1, TAG-2). */
  readonly passedOver: number;
  /** Dropped by the retention: never delivered to the group, or delivered and not acknowledged (DEL-1, RET-1). */
  readonly droppedUnread: number;
  readonly droppedUnacknowledged: number;
}
