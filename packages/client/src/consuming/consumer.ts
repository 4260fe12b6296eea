import type { CallOptions } from "../client-options.ts";
import type { ReceivedMessage } from "../messages/received-message.ts";
import type { Batch } from "./batch.ts";
import type { BatchesOptions, ReceiveOptions } from "./receive-options.ts";
import type { Run, RunOptions } from "./run.ts";

/** Receives from one topic for one consumer group. Made by `client.consumer(topic, group)`; costs nothing, and needs no closing. */
export interface Consumer<T = string> {
  /** Where messages come from. */
  readonly topic: string;
  /** The consumer group, whose members share the messages. */
  readonly group: string;
  /**
   * Receives what is there, at most 16 messages, and waits for the first if it is told to. Nothing there is an empty batch.
   * A message that is not acknowledged in time comes again: after 5 minutes, or 1 minute in order.
   *
   * @throws RefusedError, ConnectionError, TimeoutError, UnreadableReplyError
   */
  receive(options?: ReceiveOptions & CallOptions): Promise<Batch<T>>;
  /**
   * Tells the broker that these are done: messages, or their handles. Any number; 16 go in one request.
   *
   * @throws PartialAcknowledgeError with those that were not taken; the others are done.
   * @throws RefusedError, ConnectionError, TimeoutError, UnreadableReplyError
   */
  acknowledge(what: Acknowledgeable | readonly Acknowledgeable[], options?: CallOptions): Promise<void>;
  /**
   * Batch after batch, none of them empty, for `for await`. Ends when the signal is aborted or the client is closed; waits
   * longer and longer while the broker cannot be reached.
   *
   * @throws RefusedError and all else that waiting does not cure
   */
  batches(options?: BatchesOptions): AsyncIterableIterator<Batch<T>>;
  /**
   * Calls the handler for every message, and acknowledges those that it handled. A message whose handler throws comes again.
   * Runs until it is stopped.
   */
  run(handler: Handler<T>): Run;
  run(options: RunOptions, handler: Handler<T>): Run;
}

export interface ConsumerOptions {
  /** Which messages: a tag, or several, `"a||b"`. Absent: all. For the group, others are passed over for good. */
  readonly tag?: string | undefined;
  /** Messages of one message queue come in order, and none before the earlier ones are acknowledged. Default false. */
  readonly ordered?: boolean | undefined;
}

/** A message, or its receipt handle. */
export type Acknowledgeable = string | { readonly handle: string; readonly messageId: string };

/** Does the work for one message. `signal` is aborted when the message's time is up, and another may get it. */
export type Handler<T> = (message: ReceivedMessage<T>, context: { readonly signal: AbortSignal }) => unknown;
