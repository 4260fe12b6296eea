import { nearestName } from "../domain/nearest-name.ts";
import type { TestMessage } from "./test-message.ts";

/** JSON of which at least this must be there; lists in full. */
export type JsonPattern =
  | string
  | number
  | boolean
  | null
  | readonly JsonPattern[]
  | { readonly [name: string]: JsonPattern };

/** What a message must be like; what is left out may be anything. */
export interface MessageMatch {
  readonly tag?: string;
  /** The message's key, or one of several that are separated by blanks. */
  readonly key?: string;
  /** Text: all of it. An expression: found in it. Anything else: the body is JSON that has at least this. */
  readonly body?: string | RegExp | Exclude<JsonPattern, string>;
  readonly shardingKey?: string;
  /** At least these. */
  readonly properties?: Readonly<Record<string, string>>;
  readonly messageId?: string;
  /** Which delivery it was, from 1. */
  readonly attempt?: number;
}

const FIELDS: Readonly<Record<keyof MessageMatch, true>> = {
  tag: true,
  key: true,
  body: true,
  shardingKey: true,
  properties: true,
  messageId: true,
  attempt: true,
};
const MAX_QUOTED = 80;

/** Throws a TypeError for what no message has: it would match them all. */
export function checkMatch(match: object): void {
  const strange = Object.keys(match).find((name) => !Object.hasOwn(FIELDS, name));
  if (strange === undefined) return;
  const nearest = nearestName(strange, Object.keys(FIELDS));
  const end = nearest === undefined ? `There are ${Object.keys(FIELDS).join(", ")}.` : `Did you mean ${nearest}?`;
  throw new TypeError(`A message cannot be matched by ${strange}. ${end}`);
}

/** In which respects a message is not as it must be; empty where it matches. */
export function mismatchesOf(message: TestMessage, match: MessageMatch): string[] {
  const wrong: string[] = [];
  if (match.messageId !== undefined && match.messageId !== message.messageId) wrong.push("it is another message");
  if (match.tag !== undefined && match.tag !== message.tag) wrong.push(`its tag is ${quote(message.tag)}`);
  if (match.key !== undefined && !hasKey(message.key, match.key)) wrong.push(`its key is ${quote(message.key)}`);
  if (match.shardingKey !== undefined && match.shardingKey !== message.shardingKey) {
    wrong.push(
      message.shardingKey === undefined
        ? "it has no sharding key"
        : `its sharding key is ${quote(message.shardingKey)}`,
    );
  }
  if (match.attempt !== undefined && match.attempt !== message.attempt) wrong.push(`its attempt is ${message.attempt}`);
  for (const [name, value] of Object.entries(match.properties ?? {})) {
    const given = message.properties[name];
    if (given !== value)
      wrong.push(given === undefined ? `it has no property ${name}` : `its property ${name} is ${quote(given)}`);
  }
  if (match.body !== undefined && !hasBody(message.body, match.body)) wrong.push(`its body is ${quote(message.body)}`);
  return wrong;
}

/** `tag "paid", key "o-1"`; empty where anything matches. */
export function describeMatch(match: MessageMatch): string {
  const { messageId, tag, key, shardingKey, attempt, properties = {}, body } = match;
  return [
    messageId === undefined ? [] : [`id ${messageId}`],
    tag === undefined ? [] : [`tag ${quote(tag)}`],
    key === undefined ? [] : [`key ${quote(key)}`],
    shardingKey === undefined ? [] : [`sharding key ${quote(shardingKey)}`],
    attempt === undefined ? [] : [`attempt ${attempt}`],
    Object.entries(properties).map(([name, value]) => `property ${name} ${quote(value)}`),
    body === undefined ? [] : [`body ${describeBody(body)}`],
  ]
    .flat()
    .join(", ");
}

/** As much of a message as tells it from others. */
export function describeMessage({ messageId, tag, key, shardingKey, attempt, body }: TestMessage): string {
  const sharding = shardingKey === undefined ? "" : `, sharding key ${quote(shardingKey)}`;
  const attempts = attempt === 0 ? "" : `, attempt ${attempt}`;
  return `${messageId} tag ${quote(tag)}, key ${quote(key)}${sharding}${attempts}, body ${quote(body)}`;
}

function hasKey(keys: string, wanted: string): boolean {
  return keys === wanted || keys.split(/\s+/).includes(wanted);
}

function hasBody(body: string, wanted: NonNullable<MessageMatch["body"]> | null): boolean {
  if (typeof wanted === "string") return body === wanted;
  if (wanted instanceof RegExp) return new RegExp(wanted).test(body);
  try {
    return hasAtLeast(JSON.parse(body), wanted);
  } catch {
    return false;
  }
}

function hasAtLeast(given: unknown, wanted: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null) return Object.is(given, wanted);
  if (typeof given !== "object" || given === null || Array.isArray(given) !== Array.isArray(wanted)) return false;
  if (Array.isArray(wanted) && wanted.length !== (given as unknown[]).length) return false;
  return Object.entries(wanted).every(
    ([name, value]) => Object.hasOwn(given, name) && hasAtLeast((given as Record<string, unknown>)[name], value),
  );
}

function describeBody(body: NonNullable<MessageMatch["body"]> | null): string {
  if (typeof body === "string") return quote(body);
  return body instanceof RegExp ? `like ${body}` : `with ${cut(JSON.stringify(body))}`;
}

function quote(text: string): string {
  return JSON.stringify(cut(text));
}

function cut(text: string): string {
  return text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
}
