import type { CallOptions } from "../client-options.ts";
import type { ReceiveOptions } from "../consuming/receive-options.ts";
import type { Duration } from "../duration.ts";
import type { MessageContent } from "../messages/outgoing-message.ts";
import type { ReceivedMessage } from "../messages/received-message.ts";
import type { HalfMessage } from "./half-message.ts";

/** Publishes messages whose fate a transaction of the sender's decides. Made by `client.transactionalProducer(topic, group)`. */
export interface TransactionalProducer<T = string | Uint8Array, R = T extends string | Uint8Array ? string : T> {
  /** Where all of it goes. */
  readonly topic: string;
  /** The producer group: whom the broker asks about half messages. */
  readonly group: string;
  /**
   * Publishes a half message, runs `local`, and commits when it returns; consumers see the message then. Rolls back when it
   * throws, and throws the same. After `half.leaveUnknown()` it does neither: the back-check asks later.
   *
   * @throws what `local` throws.
   * @throws what `publishHalf` throws; `local` was not run.
   * @throws OpenTransactionError if `local` returned and the commit failed: the back-check asks about it. Do not repeat it.
   */
  transaction<Result>(
    message: HalfOutgoingMessage<T>,
    local: (half: HalfMessage) => Promise<Result> | Result,
    options?: CallOptions,
  ): Promise<Result>;
  /**
   * Publishes a message that no consumer sees until it is committed.
   *
   * @throws as `Producer.publish`
   */
  publishHalf(message: HalfOutgoingMessage<T>, options?: CallOptions): Promise<HalfMessage>;
  /** Answers the broker's back-checks, in the background, until it is stopped. A `decide` that throws has decided `"unknown"`. */
  onCheck(decide: Decide<R>, options?: CheckOptions): Checker;
  /** Receives half messages that are due to be asked about. Nothing there is an empty list. @throws as `Consumer.receive` */
  receiveHalf(options?: ReceiveOptions & CallOptions): Promise<readonly CheckedMessage<R>[]>;
  /**
   * Ends the transaction of a half message: consumers get it.
   *
   * @throws RefusedError with code `MessageNotExist` if the handle came too late, or the transaction had the other end.
   * @throws ConnectionError, TimeoutError, UnreadableReplyError
   */
  commit(handle: Endable, options?: CallOptions): Promise<void>;
  /** Ends the transaction of a half message: it is dropped. @throws as `commit` */
  rollback(handle: Endable, options?: CallOptions): Promise<void>;
}

export type HalfOutgoingMessage<T = string | Uint8Array> = MessageContent<T> & {
  /** How long after its publish the broker asks first: `"10s"`, the default, to `"300s"`, whole seconds. */
  readonly checkAfter?: Duration | undefined;
  /** Not before this instant, once it is committed: a Date, or epoch milliseconds. */
  readonly deliverAt?: Date | number | undefined;
};

/** A half message that the broker asks about. `attempt` counts the checks; its handle is valid until `nextConsumeAt`. */
export type CheckedMessage<T = string> = ReceivedMessage<T>;

/** A transaction handle, or what has one. */
export type Endable = string | { readonly handle: string };

/** How the transaction of a half message has ended; `"unknown"`: the broker asks again, every 10 seconds, for a day. */
export type Decision = "commit" | "rollback" | "unknown";

export type Decide<T> = (message: CheckedMessage<T>) => Decision | Promise<Decision>;

export interface CheckOptions {
  /** Stops it. */
  readonly signal?: AbortSignal | undefined;
  /** How many half messages are decided at once. Default 1. */
  readonly concurrency?: number | undefined;
}

/** Back-checks being answered. */
export interface Checker {
  /** Takes no more half messages, and lets the decisions under way end. Resolves, or rejects, as `stopped`. */
  stop(): Promise<void>;
  /** Resolves when it has stopped; rejects when it had to, with what waiting does not cure. */
  readonly stopped: Promise<void>;
}
