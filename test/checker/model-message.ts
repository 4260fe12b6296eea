import type { ConsumeRequest, HalfRequest, PublishRequest, Sort } from "./history.ts";

/** What the model broker keeps: messages, where they stand with a group, and who waits. */

export interface Message extends PublishRequest {
  readonly id: string;
  readonly queue: number;
  offset: number;
  half?: Half;
}

export interface Half {
  state: "open" | "commit" | "rollback";
  handle: string;
  /** Until then the handle is good, and it is offered no more. */
  until: number;
  count: number;
  first: number;
  readonly firstDueAt: number;
}

/** A message delivered to a group, without an end. */
export interface Held {
  readonly message: Message;
  readonly count: number;
  readonly first: number;
  readonly until: number;
  readonly handle: string;
  readonly batchSize: number;
  readonly undone: number;
}

export interface Subscription {
  readonly topic: string;
  readonly group: string;
  readonly maxRetries: number;
  /** Never delivered yet, by message queue, by offset. */
  readonly ready: Message[][];
  readonly held: Map<string, Held>;
  /** Handles that have acknowledged, and until when they may do it again. */
  readonly acknowledged: Map<string, number>;
}

export interface Connection {
  isHungUp: boolean;
  reply(answer: ModelAnswer): void;
}

export type ModelAnswer = { readonly ok: object } | { readonly fail: string };

export interface Poll {
  readonly request: ConsumeRequest | HalfRequest;
  readonly sort: Sort;
  readonly connection: Connection;
  readonly deadline: number;
}
