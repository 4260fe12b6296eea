import { Buffer } from "node:buffer";
import { formatProperties, type PropertyPair, type PublishRequestDocument } from "@stagemq/wire";
import type { Codec } from "../codec.ts";
import { toMilliseconds } from "../duration.ts";
import { InvalidMessageError } from "../errors/invalid-message-error.ts";
import { quote } from "../quote.ts";
import { findUnwritable } from "./find-unwritable.ts";
import type { OutgoingMessage } from "./outgoing-message.ts";
import { FIELD_OF, KEYS, SHARDING_KEY, START_DELIVER_TIME, TRANS_CHECK_T } from "./reserved-names.ts";

const MAX_BODY_BYTES = 4 * 1024 * 1024;
const MAX_DEFERRED_BODY_BYTES = 64 * 1024;
export const MAX_PROPERTIES_BYTES = 16 * 1024;
const MAX_TAG_CHARACTERS = 64;

export interface EncodeOptions<T> {
  /** Absent: bodies are text or bytes. */
  readonly codec: Codec<T> | undefined;
  /** Of a half message. */
  readonly checkAfterSeconds?: number;
  /** Epoch milliseconds, for what is delayed from now on. */
  readonly now: number;
}

/** The document that publishes a message. Refuses what the broker would refuse, in its words. */
export function encodeMessage<T>(message: OutgoingMessage<T>, options: EncodeOptions<T>): PublishRequestDocument {
  checkMessage(message);
  const { tag = "", properties = {} } = message;
  const reserved = reservedPairs(message, options);
  const own = Object.entries(properties);
  for (const [name, value] of own) checkProperty(name, value);
  for (const [name, value] of reserved) checkValue(`The ${FIELD_OF[name]}`, value);
  const text = formatProperties([...reserved, ...own]).text.slice(0, -1);
  const body = encodeBody(message.body, options.codec);
  const names = reserved.map(([name]) => name);
  checkBody(body, names.includes(START_DELIVER_TIME) || names.includes(TRANS_CHECK_T));
  checkTag(tag);
  checkPropertiesBytes(Buffer.byteLength(text));
  const unwritable = findUnwritable(body, tag, [...reserved, ...own]);
  if (unwritable !== undefined) throw new InvalidMessageError(unwritable);
  return { body, tag, properties: text };
}

/** What the types forbid, JavaScript allows. */
export function checkMessage(message: unknown): void {
  if (typeof message !== "object" || message === null) {
    throw new InvalidMessageError(
      `The message is ${quote(message)}; it should be an object with a body: { body: "…" }.`,
    );
  }
  const { properties = {} } = message as OutgoingMessage;
  if (typeof properties === "object" && properties !== null) return;
  throw new InvalidMessageError(
    `The properties are ${quote(properties)}; they should be an object: { name: "value" }.`,
  );
}

function reservedPairs<T>(message: OutgoingMessage<T>, { checkAfterSeconds, now }: EncodeOptions<T>): PropertyPair[] {
  const { key, shardingKey, deliverAt, delay } = message;
  // What the types forbid, JavaScript allows.
  if (deliverAt !== undefined && delay !== undefined) {
    throw new InvalidMessageError("The message has a deliverAt and a delay; one of them is enough.");
  }
  const at = delay === undefined ? deliverAt : now + toMilliseconds(delay, "delay");
  if (at !== undefined && shardingKey !== undefined) {
    throw new InvalidMessageError("The message has a sharding key and a time; an ordered message cannot be delayed.");
  }
  const keys = Array.isArray(key) ? key.join(" ") : (key as string | undefined);
  return [
    ...(keys === undefined || keys === "" ? [] : [[KEYS, keys] as const]),
    ...(shardingKey === undefined ? [] : [[SHARDING_KEY, shardingKey] as const]),
    ...(at === undefined ? [] : [[START_DELIVER_TIME, String(toEpochMs(at))] as const]),
    ...(checkAfterSeconds === undefined ? [] : [[TRANS_CHECK_T, String(checkAfterSeconds)] as const]),
  ];
}

function toEpochMs(at: Date | number): number {
  const instant = Math.ceil(Number(at ?? Number.NaN));
  if (Number.isSafeInteger(instant) && instant >= 0) return instant;
  throw new InvalidMessageError(`deliverAt is ${String(at)}; it should be a Date, or milliseconds since 1970.`);
}

/** The text that is sent for a body. */
export function encodeBody<T>(body: T, codec: Codec<T> | undefined): string {
  const encoded: unknown = codec === undefined ? body : codec.encode(body);
  if (typeof encoded === "string") return encoded;
  if (encoded instanceof Uint8Array) return decodeUtf8(encoded);
  const wanted = codec === undefined ? "a string or bytes; other values need a codec, such as json()" : "a string";
  throw new InvalidMessageError(`The body is ${encoded === null ? "null" : typeof encoded}; it should be ${wanted}.`);
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new InvalidMessageError("The body is not UTF-8; other bytes must be encoded, in Base64 for example.", cause);
  }
}

function checkBody(body: string, isDeferred: boolean): void {
  const bytes = Buffer.byteLength(body);
  if (bytes >= 1 && bytes <= (isDeferred ? MAX_DEFERRED_BODY_BYTES : MAX_BODY_BYTES)) return;
  throw new InvalidMessageError(
    `The body has ${grouped(bytes)} bytes; 1 to ${grouped(MAX_BODY_BYTES)} are allowed, ${grouped(MAX_DEFERRED_BODY_BYTES)} if transactional or delayed.`,
  );
}

function checkPropertiesBytes(bytes: number): void {
  if (bytes <= MAX_PROPERTIES_BYTES) return;
  throw new InvalidMessageError(
    `The properties have ${grouped(bytes)} bytes; ${grouped(MAX_PROPERTIES_BYTES)} are allowed.`,
  );
}

function checkTag(tag: unknown): void {
  if (typeof tag !== "string") throw new InvalidMessageError(`The tag is ${quote(tag)}; it should be a text.`);
  const characters = [...tag].length;
  if (characters <= MAX_TAG_CHARACTERS) return;
  throw new InvalidMessageError(`The tag has ${characters} characters; ${MAX_TAG_CHARACTERS} are allowed.`);
}

function checkProperty(name: string, value: unknown): void {
  // Not FIELD_OF[name] alone: every object has a `constructor`.
  if (Object.hasOwn(FIELD_OF, name)) {
    throw new InvalidMessageError(`The property ${name} is the protocol's own; say ${FIELD_OF[name]} instead.`);
  }
  if (name === "" || /[:|]/.test(name)) {
    throw new InvalidMessageError(
      `The property name ${JSON.stringify(name)} is not legal: not empty, no ":" and no "|".`,
    );
  }
  checkValue(`The property ${name}`, value);
}

/** The broker takes a colon, and leaves the property out of what it delivers, since no client could read it (PUB-9). */
function checkValue(what: string, value: unknown): void {
  if (typeof value === "string" && value !== "" && !/[:|]/.test(value)) return;
  const advice = "encodeURIComponent makes such a value of any text";
  throw new InvalidMessageError(
    `${what} is ${quote(value)}; it should be a text, not empty, without ":" and "|" (${advice}).`,
  );
}

function grouped(count: number): string {
  return count.toLocaleString("en-US");
}
