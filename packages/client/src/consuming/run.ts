import type { BatchesOptions } from "./receive-options.ts";

export interface RunOptions extends BatchesOptions {
  /** How many messages are worked on at once. Default 1. In order: how many sharding keys. */
  readonly concurrency?: number | undefined;
}

/** Messages being handled. */
export interface Run {
  /**
   * Takes no more messages, lets the handlers end, and acknowledges what they did. Resolves, or rejects, as `stopped`. A
   * handler may call it, but not await it: each would wait for the other.
   */
  stop(): Promise<void>;
  /** Resolves when it has stopped; rejects when it had to, with what waiting does not cure (an unknown topic, a wrong key). */
  readonly stopped: Promise<void>;
}
