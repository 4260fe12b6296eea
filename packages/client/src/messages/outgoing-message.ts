import type { Duration } from "../duration.ts";

/** What is published. Of `shardingKey`, `deliverAt` and `delay` a message has at most one. */
export type OutgoingMessage<T = string | Uint8Array> = MessageContent<T> & Placement;

export interface MessageContent<T = string | Uint8Array> {
  /** Text, UTF-8 bytes, or what the codec encodes: 1 byte to 4 MiB, or to 64 KiB if delayed or transactional. */
  readonly body: T;
  /** One label, which consumers may filter by; up to 64 characters. */
  readonly tag?: string | undefined;
  /** One or several words to find the message by. */
  readonly key?: string | readonly string[] | undefined;
  /** Names and values of the sender's own, without ":" and "|". With tag excluded, all that is said here has at most 16 KiB. */
  readonly properties?: Readonly<Record<string, string>> | undefined;
}

/** When a message may reach consumers, and in what order. */
export type Placement = AtOnce | InOrder | AtInstant | After;

export interface AtOnce {
  readonly shardingKey?: undefined;
  readonly deliverAt?: undefined;
  readonly delay?: undefined;
}

export interface InOrder {
  /** Messages with the same one are delivered in the order in which they were published. For ordered topics. */
  readonly shardingKey?: string | undefined;
  readonly deliverAt?: undefined;
  readonly delay?: undefined;
}

export interface AtInstant {
  readonly shardingKey?: undefined;
  /** Not before this instant: a Date, or epoch milliseconds. What has passed is at once. */
  readonly deliverAt?: Date | number | undefined;
  readonly delay?: undefined;
}

export interface After {
  readonly shardingKey?: undefined;
  readonly deliverAt?: undefined;
  /** Not before this much time has passed, by the clock of this machine. */
  readonly delay?: Duration | undefined;
}
