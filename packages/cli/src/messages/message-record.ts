import type { ReceivedMessage } from "@stagemq/client";
import { UsageMistake } from "../usage-mistake.ts";
import { readInstant } from "./read-words.ts";

/** A message in the words of the command line. `send --file` takes what `consume -o ndjson` prints. */
export interface MessageToSend {
  readonly body: string | Uint8Array;
  readonly tag?: string;
  readonly keys?: readonly string[];
  readonly properties?: Readonly<Record<string, string>>;
  readonly shardingKey?: string;
  readonly deliverAt?: Date;
}

/** One message of `-o json` and `ndjson`: what its sender said, and what is known of this delivery. */
export interface MessageRecord extends Partial<Record<Named, unknown>> {
  readonly messageId: string;
  readonly body: string;
}

type Named = (typeof SENT)[number] | (typeof KNOWN)[number];

/** What a line may say. */
const SENT = ["body", "tag", "keys", "properties", "shardingKey", "deliverAt"] as const;
/** What a delivery adds; it is passed over when the line is sent. */
const KNOWN = [
  "messageId",
  "publishedAt",
  "attempt",
  "nextConsumeAt",
  "bodyMd5",
  "deadLetter",
  "checkAfterSeconds",
] as const;

const LINE_EXAMPLE = '{"body":"hello","tag":"paid","keys":["o-1"]}';

/** What was received, without what is empty. */
export function toMessageRecord(message: ReceivedMessage): MessageRecord {
  const { messageId, text, tag, keys, properties, shardingKey, deliverAt, attempt, bodyMd5 } = message;
  const { publishedAt, nextConsumeAt, checkAfterSeconds, deadLetter } = message;
  return {
    messageId,
    body: text,
    ...(tag === "" ? {} : { tag }),
    ...(keys.length === 0 ? {} : { keys }),
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
    ...(shardingKey === undefined ? {} : { shardingKey }),
    ...(deliverAt === undefined ? {} : { deliverAt }),
    publishedAt,
    attempt,
    nextConsumeAt,
    bodyMd5,
    ...(checkAfterSeconds === undefined ? {} : { checkAfterSeconds }),
    ...(deadLetter === undefined ? {} : { deadLetter }),
  };
}

/** Reads one line of a file. Throws a UsageMistake that says what is wrong with it. */
export function parseMessageLine(line: string, now: number): MessageToSend {
  const record = parseObject(line);
  const known: readonly string[] = [...SENT, ...KNOWN];
  const strange = Object.keys(record).find((name) => !known.includes(name));
  if (strange !== undefined) {
    throw new UsageMistake(`A message has no field ${JSON.stringify(strange)}; it has ${SENT.join(", ")}.`);
  }
  const { body, tag, keys, properties, shardingKey, deliverAt } = record;
  if (body === undefined) throw new UsageMistake(`There is no body; a line is like ${LINE_EXAMPLE}.`);
  return {
    body: toText("body", body),
    ...(tag === undefined ? {} : { tag: toText("tag", tag) }),
    ...(keys === undefined ? {} : { keys: toTexts("keys", keys) }),
    ...(properties === undefined ? {} : { properties: toProperties(properties) }),
    ...(shardingKey === undefined ? {} : { shardingKey: toText("shardingKey", shardingKey) }),
    ...(deliverAt === undefined ? {} : { deliverAt: readInstant("deliverAt", toText("deliverAt", deliverAt), now) }),
  };
}

function parseObject(line: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new UsageMistake(`This is not JSON; a line is like ${LINE_EXAMPLE}.`);
  }
  if (isObject(value)) return value;
  throw new UsageMistake(`This is not a JSON object; a line is like ${LINE_EXAMPLE}.`);
}

function toText(field: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw new UsageMistake(`${field} is ${describe(value)}; it must be a string.`);
}

function toTexts(field: string, value: unknown): string[] {
  if (Array.isArray(value)) return value.map((each) => toText(`One of ${field}`, each));
  throw new UsageMistake(`${field} is ${describe(value)}; it must be a list of strings.`);
}

function toProperties(value: unknown): Record<string, string> {
  if (!isObject(value)) throw new UsageMistake(`properties is ${describe(value)}; it must be names and strings.`);
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, toText(`The property ${name}`, each)]));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function describe(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `${typeof value === "object" ? "an" : "a"} ${typeof value}`;
}
