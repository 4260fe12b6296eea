import type { Message } from "../../../src/domain/message.ts";
import type { EpochMs } from "../../../src/domain/time.ts";
import type { DeliveryState } from "./delivery-states.ts";
import type { HalfState } from "./half-states.ts";

/** Where it stands in its queue; undefined where a crash has left that open. */
export interface Place {
  readonly step: number;
  readonly deliverAt: EpochMs;
}

/** What one message is known to be, and where it may stand. Several states are several worlds: an unconfirmed verb leaves both. */
export class ModelMessage {
  readonly topic: string;
  readonly queue: number;
  readonly message: Message;
  readonly publishedAt: EpochMs;
  messageId: string | undefined;
  isCertain = false;
  /** Refused: nothing was stored. */
  isAbsent = false;
  visible: "no" | "maybe" | "yes" = "no";
  place: Place | undefined;
  deliverAt: EpochMs | undefined;
  /** DLY-1: by then it must be there, where a step of the wall clock made it due. */
  lateUntil: EpochMs = 0;
  /** RET-1: between these its retention began; by the wall clock. */
  visibleFrom: EpochMs = Number.POSITIVE_INFINITY;
  visibleBy: EpochMs = Number.POSITIVE_INFINITY;
  /** RET-1: the latest hour that the wall clock had shown since, when it was last set back. */
  shownBefore: EpochMs = 0;
  half: readonly HalfState[] | undefined;
  /** The group that gave it up, on a dead-letter topic. */
  origin: { readonly from: ModelMessage; readonly group: string } | undefined;
  readonly states = new Map<string, readonly DeliveryState[]>();
  /** Until then time alone changes nothing. */
  calmUntil: EpochMs = 0;

  constructor(topic: string, queue: number, message: Message, publishedAt: EpochMs) {
    this.topic = topic;
    this.queue = queue;
    this.message = message;
    this.publishedAt = publishedAt;
  }

  get name(): string {
    return `${this.topic}/${this.message.body.slice(0, 20)}`;
  }
}

/** TAG-1. */
export function matches({ message }: ModelMessage, tags: readonly string[]): boolean {
  return tags.length === 0 || tags.includes(message.tag);
}

/** Only where both places are known. */
export function isBefore({ place: one }: ModelMessage, { place: other }: ModelMessage): boolean {
  if (one === undefined || other === undefined) return false;
  return one.step < other.step || (one.step === other.step && one.deliverAt < other.deliverAt);
}

/** ORD-1: `abs(javaStringHash(key) % queues)`. */
export function shard(key: string, queues: number): number {
  let hash = 0;
  for (const unit of key) hash = (Math.imul(31, hash) + (unit.codePointAt(0) ?? 0)) | 0;
  const rest = hash % queues;
  return rest < 0 ? -rest : rest;
}
