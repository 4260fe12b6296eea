/**
 * What an official SDK, or a client of our own, lets a program do, in the words of our glossary. The scenarios know nothing else of it; each SDK
 * is translated once, by its driver.
 */
export interface Sdk {
  readonly name: string;
  readonly quirks: Quirks;
  connect(address: Address): SdkClient;
  /** Ends the processes that it runs in. */
  end(): void;
}

/** Where an SDK differs from the others, as far as a scenario must know it. */
export interface Quirks {
  /** Whether it escapes what it sends; one that wraps it in CDATA cannot send `]]>`. */
  readonly escapesText: boolean;
  /** Whether it tells the HTTP status of a refusal. */
  readonly tellsStatus: boolean;
  /** Whether it refuses a message key with a colon by itself. */
  readonly refusesColons: boolean;
  /** Whether its user has to escape a topic such as `%DLQ%GID_jobs`. */
  readonly leavesTopicsUnescaped: boolean;
}

export interface Address {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  /** Absent: the SDK sends none. */
  readonly instance?: string;
}

/** One client object of the SDK, for one call at a time: Python's has a single connection. An empty poll is an empty list. */
export interface SdkClient {
  publish(topic: string, message: Outgoing): Promise<Published>;
  consume(subscription: Subscription, batch: Batch): Promise<readonly Received[]>;
  consumeOrderly(subscription: Subscription, batch: Batch): Promise<readonly Received[]>;
  /** Gives the handles that were refused one by one (404 `Errors`). */
  acknowledge(subscription: Subscription, receiptHandles: readonly string[]): Promise<readonly RefusedHandle[]>;
  publishHalf(producer: Subscription, message: Outgoing): Promise<Published>;
  consumeHalf(producer: Subscription, batch: Batch): Promise<readonly Received[]>;
  commit(producer: Subscription, receiptHandle: string): Promise<readonly RefusedHandle[]>;
  rollback(producer: Subscription, receiptHandle: string): Promise<readonly RefusedHandle[]>;
  /** No more calls come. */
  close(): void;
}

/** A topic and who reads it; for transactions the producer group. */
export interface Subscription {
  readonly topic: string;
  readonly group: string;
  readonly filter?: string;
}

export interface Batch {
  readonly upTo: number;
  /** Absent: a short poll. */
  readonly waitSeconds?: number;
}

export interface Outgoing {
  readonly body: string;
  readonly tag?: string;
  readonly key?: string;
  readonly shardingKey?: string;
  /** Milliseconds since the epoch. */
  readonly deliverAt?: number;
  readonly checkAfterSeconds?: number;
  readonly properties?: Readonly<Record<string, string>>;
}

export interface Published {
  readonly messageId: string;
  readonly bodyMd5: string;
  /** Empty unless the message is a half message. */
  readonly receiptHandle: string;
}

/** Times are milliseconds since the epoch; what the message has not is empty or 0. */
export interface Received {
  readonly messageId: string;
  readonly bodyMd5: string;
  readonly body: string;
  readonly tag: string;
  readonly key: string;
  readonly shardingKey: string;
  readonly deliverAt: number;
  readonly properties: Readonly<Record<string, string>>;
  readonly attempt: number;
  readonly publishedAt: number;
  readonly firstDeliveredAt: number;
  readonly visibleAgainAt: number;
  readonly receiptHandle: string;
}

export interface RefusedHandle {
  readonly receiptHandle: string;
  readonly code: string;
}

/** A whole request refused by the broker (`Error`), as the SDK told it. */
export class SdkRefusal extends Error {
  readonly code: string;
  /** Only where the SDK tells it. */
  readonly status: number | undefined;

  constructor(code: string, message: string, status?: number) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** The SDK did not even ask. */
export class SdkMistake extends Error {
  /** Only where the SDK gives it one. */
  readonly code: string | undefined;

  constructor(message: string, code?: string) {
    super(message);
    this.code = code;
  }
}

/** The SDK did not wait for the answer any longer: that may be the machine's fault. */
export class SdkGaveUp extends Error {}

/** The code of an empty poll, and of a handle that is no longer good. */
export const NOTHING_THERE = "MessageNotExist";
