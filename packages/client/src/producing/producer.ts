import type { CallOptions } from "../client-options.ts";
import type { OutgoingMessage } from "../messages/outgoing-message.ts";

/** Publishes to one topic. Made by `client.producer(topic)`; costs nothing, and needs no closing. */
export interface Producer<T = string | Uint8Array> {
  /** Where all of it goes. */
  readonly topic: string;
  /**
   * Publishes one message; resolves when the broker has it on disk. Messages with the same sharding key go out one after the
   * other, in the order of the calls, whether they are awaited or not.
   *
   * @throws InvalidMessageError, before anything is sent: the broker would refuse it.
   * @throws RefusedError, ConnectionError, TimeoutError, UnreadableReplyError: see `outcomeUnknown` before publishing it again.
   */
  publish(message: OutgoingMessage<T>, options?: CallOptions): Promise<Published>;
}

/** What the broker says of a message that it has stored. */
export interface Published {
  /** The broker's name for the message: 32 hexadecimal digits. */
  readonly messageId: string;
  /** Upper-case hexadecimal, of the body's UTF-8 bytes. */
  readonly bodyMd5: string;
  /** By which the broker knows the request. */
  readonly requestId: string | undefined;
}
