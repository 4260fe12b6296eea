import type { DurationMs, EpochMs } from "./time.ts";

/** What a producer sends and a consumer gets back, byte for byte (PUB-5). */
export interface Message {
  readonly body: string;
  /** Empty when there is none. */
  readonly tag: string;
  /** The word to find it by. Never empty: the door gives it one (PUB-7). */
  readonly key: string;
  /** The sender's other name–value pairs, reserved ones included, as sent and in that order. */
  readonly properties: readonly (readonly [name: string, value: string])[];
}

/** When, and in what order, a published message may reach consumers. */
export type PublishIntent =
  | { readonly kind: "normal" }
  | { readonly kind: "ordered"; readonly shardingKey?: string } // absent where the topic is ordered and the sender gave none
  | { readonly kind: "delayed"; readonly deliverAt: EpochMs; readonly shardingKey?: string } // the key counts on an ordered topic, where it is due already
  | { readonly kind: "transactional"; readonly firstCheckAfter: DurationMs; readonly deliverAt?: EpochMs };

/** Where a dead letter came from, and why (DLQ-1). */
export interface DeadLetterOrigin {
  readonly topic: string;
  readonly messageId: string;
  readonly reason: DeadLetterReason;
  /** How often it had been delivered. */
  readonly attempts: number;
}

export type DeadLetterReason = "retries-used-up";
