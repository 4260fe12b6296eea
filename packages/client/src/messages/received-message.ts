/** One delivery of a message. */
export interface ReceivedMessage<T = string> {
  /** What the codec makes of `text`. Where the codec throws, reading this throws the same; the other messages are not touched. */
  readonly body: T;
  /** The body as it came. */
  readonly text: string;
  /** The same in every delivery. */
  readonly messageId: string;
  /** Empty if it has none. */
  readonly tag: string;
  /** The sender's; if it gave none, the request id of its publish. */
  readonly keys: readonly string[];
  /** The sender's own. */
  readonly properties: Readonly<Record<string, string>>;
  /** Messages with the same one are delivered in order. */
  readonly shardingKey?: string;
  /** Of a delayed message. */
  readonly deliverAt?: Date;
  /** Of a transactional message: seconds before the first back-check. */
  readonly checkAfterSeconds?: number;
  /** When the broker took it, by its own clock. */
  readonly publishedAt: Date;
  /** Means nothing in ordered consumption. */
  readonly firstDeliveredAt: Date;
  /** When the message comes again unless it was acknowledged, by the broker's clock. */
  readonly nextConsumeAt: Date;
  /** Which delivery this is, from 1. */
  readonly attempt: number;
  /** The receipt handle: it acknowledges this delivery, until `nextConsumeAt`. */
  readonly handle: string;
  /** Upper-case hexadecimal. */
  readonly bodyMd5: string;
  /** In a dead-letter topic: where the message comes from. */
  readonly deadLetter?: DeadLetterOrigin;
}

/** Where a dead letter comes from. */
export interface DeadLetterOrigin {
  /** Where it was published. */
  readonly topic: string;
  /** What it was called there. */
  readonly messageId: string;
  /** Why it is here. */
  readonly reason: string;
  /** How often it was delivered before. */
  readonly attempts: number;
}
