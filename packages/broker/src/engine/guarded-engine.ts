import { BrokerError } from "../domain/broker-error.ts";
import { grouped } from "../domain/grouped.ts";
import {
  checkPropertiesBytes,
  MAX_BATCH,
  MAX_BODY_BYTES,
  MAX_DEFERRED_BODY_BYTES,
  MAX_FILTER_TAGS,
  MAX_FIRST_CHECK,
  MAX_TAG_CHARACTERS,
  MAX_WAIT,
  MIN_FIRST_CHECK,
} from "../domain/limits.ts";
import type { Message, PublishIntent } from "../domain/message.ts";
import { checkGroupName, checkInstanceName, checkTopicName, type GroupRef, type TopicRef } from "../domain/names.ts";
import { parseTagFilter } from "../domain/tag-filter.ts";
import { hasten } from "../domain/time.ts";
import type {
  AcknowledgeRequest,
  Call,
  Delivery,
  EndTransactionRequest,
  Engine,
  GiveBackRequest,
  HandleOutcome,
  PublishReceipt,
  PublishRequest,
  ReceiveHalfRequest,
  ReceiveRequest,
} from "./engine.ts";

export interface Limits {
  /** TIM-3: a sender's check immunity is shortened like every long time. */
  readonly fast: boolean;
}

/** What holds for every engine and every door: names, sizes, bounds. Refuses before the engine is asked, or brings into bounds. */
export class GuardedEngine implements Engine {
  readonly #engine: Engine;
  readonly #limits: Limits;

  constructor(engine: Engine, limits: Limits) {
    this.#engine = engine;
    this.#limits = limits;
  }

  get catalog(): Engine["catalog"] {
    return this.#engine.catalog;
  }

  get inspection(): Engine["inspection"] {
    return this.#engine.inspection;
  }

  async publish(call: Call, request: PublishRequest): Promise<PublishReceipt> {
    checkTopic(request.topic);
    checkMessage(call, request.message, request.intent);
    const intent = this.#withinBounds(request.intent);
    return this.#engine.publish(call, intent === request.intent ? request : { ...request, intent });
  }

  async receive(call: Call, request: ReceiveRequest): Promise<Delivery[]> {
    checkTopic(request.topic);
    checkGroup(request.group);
    checkFilter(request.tags);
    return this.#engine.receive(call, { ...request, ...pollBounds(request) });
  }

  async acknowledge(call: Call, request: AcknowledgeRequest): Promise<HandleOutcome[]> {
    checkTopic(request.topic);
    checkGroup(request.group);
    return this.#engine.acknowledge(call, request);
  }

  giveBack(call: Call, request: GiveBackRequest): Promise<void> {
    return this.#engine.giveBack(call, request);
  }

  async receiveHalf(call: Call, request: ReceiveHalfRequest): Promise<Delivery[]> {
    checkTopic(request.topic);
    checkGroup(request.group);
    return this.#engine.receiveHalf(call, { ...request, ...pollBounds(request) });
  }

  async endTransaction(call: Call, request: EndTransactionRequest): Promise<HandleOutcome[]> {
    checkTopic(request.topic);
    return this.#engine.endTransaction(call, request);
  }

  settled(): Promise<void> {
    return this.#engine.settled();
  }

  stop(beforeClosing?: () => Promise<void>): Promise<void> {
    return this.#engine.stop(beforeClosing);
  }

  /** TX-1: an immunity out of range is clamped. */
  #withinBounds(intent: PublishIntent): PublishIntent {
    if (intent.kind !== "transactional") return intent;
    const clamped = clamp(intent.firstCheckAfter, MIN_FIRST_CHECK, MAX_FIRST_CHECK);
    return { ...intent, firstCheckAfter: this.#limits.fast ? hasten(clamped) : clamped };
  }
}

function checkTopic(ref: TopicRef): void {
  checkInstanceName(ref.instance);
  checkTopicName(ref.topic);
}

function checkGroup(ref: GroupRef): void {
  checkInstanceName(ref.instance);
  checkGroupName(ref.group);
}

/** PUB-4. */
function checkMessage({ requestId }: Call, message: Message, intent: PublishIntent): void {
  const bodyBytes = Buffer.byteLength(message.body);
  const isDeferred = intent.kind === "transactional" || intent.kind === "delayed";
  const maxBody = isDeferred ? MAX_DEFERRED_BODY_BYTES : MAX_BODY_BYTES;
  if (bodyBytes < 1 || bodyBytes > maxBody) {
    const deferred = `${grouped(MAX_DEFERRED_BODY_BYTES)} if transactional or delayed`;
    throw new BrokerError(
      bodyBytes < 1 ? "invalid-argument" : "message-too-large",
      `The body has ${grouped(bodyBytes)} bytes; 1 to ${grouped(MAX_BODY_BYTES)} are allowed, ${deferred}.`,
    );
  }
  checkPropertiesBytes(bytesOfProperties(message, requestId));
  // A character takes one place of a string or two.
  const tagCharacters = message.tag.length > MAX_TAG_CHARACTERS ? [...message.tag].length : 0;
  if (tagCharacters > MAX_TAG_CHARACTERS) {
    throw new BrokerError(
      "invalid-argument",
      `The tag has ${tagCharacters} characters; ${MAX_TAG_CHARACTERS} are allowed.`,
    );
  }
}

/** The least in which they can be written, `name:value|name:value`. A key that the broker gave is not the sender's (PUB-7). */
function bytesOfProperties({ properties, key }: Message, requestId: string): number {
  let bytes = key === requestId ? 0 : "KEYS".length + Buffer.byteLength(key) + 2;
  for (const [name, value] of properties) bytes += Buffer.byteLength(name) + Buffer.byteLength(value) + 2;
  return Math.max(0, bytes - 1);
}

/** So that one poll is bounded work. */
function checkFilter(expression: string): void {
  const count = parseTagFilter(expression).tags?.length ?? 0;
  if (count <= MAX_FILTER_TAGS) return;
  throw new BrokerError("invalid-argument", `The filter names ${count} tags; ${MAX_FILTER_TAGS} are allowed.`);
}

/** DEL-7. */
function pollBounds(request: { readonly maxMessages: number; readonly waitUpTo: number }): {
  maxMessages: number;
  waitUpTo: number;
} {
  return { maxMessages: clamp(request.maxMessages, 1, MAX_BATCH), waitUpTo: clamp(request.waitUpTo, 0, MAX_WAIT) };
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, Number.isNaN(value) ? least : value));
}
