import type { GroupSettings } from "../../domain/consumer-group.ts";
import type { DeadLetterOrigin, DeadLetterReason, Message } from "../../domain/message.ts";
import type { GroupRef, TopicRef } from "../../domain/names.ts";
import type { TopicKind } from "../../domain/topic.ts";
import {
  ByteReader,
  type ByteWriter,
  type Fields,
  flag,
  hex16,
  list,
  optional,
  pair,
  record,
  type Shape,
  text,
  UnreadableBytes,
  whole,
  word,
} from "./binary.ts";
import type { AppliedFact, Fact, FactKind, MessageOutlined, Missed, WhyGivenBack } from "./fact.ts";

/**
 * A fact as bytes: format version, kind, body. To change a fact's form, add a version and keep the old reader (DUR-5).
 */
const VERSION = 1;

export const topicRef = record<TopicRef>({ instance: text, topic: text });
export const groupRef = record<GroupRef>({ instance: text, group: text });
export const topicKind = word<TopicKind>({ normal: 0, delayed: 1, ordered: 2, transactional: 3 });
export const origin = word<"declared" | "use">({ declared: 0, use: 1 });
const resolution = word<"commit" | "rollback">({ commit: 0, rollback: 1 });
const whyGivenBack = word<WhyGivenBack>({ "hung-up": 0, "no-room": 1 });
const whyDropped = word<"age" | "size">({ age: 0, size: 1 });
const deadLetterReason = word<DeadLetterReason>({ "retries-used-up": 0 });

export const groupSettings = record<GroupSettings>({
  invisibleFor: optional(whole),
  orderedInvisibleFor: optional(whole),
  maxRetries: optional(whole),
  from: optional(word<"earliest" | "latest">({ earliest: 0, latest: 1 })),
  onExhausted: optional(word<"dead-letter" | "block">({ "dead-letter": 0, block: 1 })),
});

const message = record<Message>({ body: text, tag: text, key: text, properties: list(pair(text, text)) });

const deadLetterOrigin = record<DeadLetterOrigin>({
  topic: text,
  messageId: hex16,
  reason: deadLetterReason,
  attempts: whole,
});

const delivery = record<{ readonly offset: number; readonly attempt: number; readonly number: number }>({
  offset: whole,
  attempt: whole,
  number: whole,
});

const missed = record<Missed>({ group: whole, unread: whole, unacknowledged: whole });

type FactOf<K extends FactKind> = Extract<Fact, { kind: K }>;

interface KindOfFact<K extends FactKind> {
  /** Stands for the kind in the bytes. Never changes, never used twice. */
  readonly code: number;
  readonly fields: Fields<Omit<FactOf<K>, "kind">>;
}

const FACTS: { readonly [K in FactKind]: KindOfFact<K> } = {
  "topic-created": {
    code: 1,
    fields: { topic: whole, ref: topicRef, topicKind: optional(topicKind), queues: whole, origin, at: whole },
  },
  "topic-changed": { code: 2, fields: { topic: whole, topicKind, queues: whole, origin, at: whole } },
  "group-created": {
    code: 3,
    fields: { group: whole, ref: groupRef, settings: groupSettings, origin, at: whole },
  },
  "group-changed": { code: 4, fields: { group: whole, settings: groupSettings, origin, at: whole } },
  "message-stored": {
    code: 5,
    fields: { topic: whole, queue: whole, offset: whole, messageId: hex16, message, publishedAt: whole },
  },
  "delayed-message-stored": {
    code: 6,
    fields: { id: whole, topic: whole, messageId: hex16, message, publishedAt: whole, deliverAt: whole },
  },
  "delayed-message-released": {
    code: 7,
    fields: { id: whole, topic: whole, queue: whole, offset: whole, at: whole },
  },
  "half-message-stored": {
    code: 8,
    fields: {
      id: whole,
      topic: whole,
      messageId: hex16,
      message,
      publishedAt: whole,
      at: whole,
      number: whole,
      firstCheckAt: whole,
      deliverAt: optional(whole),
    },
  },
  "half-message-offered": {
    code: 9,
    fields: { id: whole, topic: whole, check: whole, number: whole, at: whole, until: whole },
  },
  "half-offer-given-back": { code: 10, fields: { id: whole, topic: whole, why: whyGivenBack } },
  "transaction-ended": {
    code: 11,
    fields: {
      id: whole,
      topic: whole,
      resolution,
      queue: optional(whole),
      offset: optional(whole),
      at: whole,
      wall: whole,
    },
  },
  "transaction-abandoned": { code: 12, fields: { id: whole, topic: whole, at: whole, wall: whole } },
  "subscription-started": { code: 13, fields: { topic: whole, group: whole, starts: list(whole), at: whole } },
  "messages-delivered": {
    code: 14,
    fields: {
      topic: whole,
      group: whole,
      queue: whole,
      ordered: flag,
      deliveries: list(delivery),
      at: whole,
      until: whole,
    },
  },
  "deliveries-acknowledged": {
    code: 15,
    fields: { topic: whole, group: whole, queue: whole, offsets: list(whole), at: whole },
  },
  "deliveries-given-back": {
    code: 16,
    fields: { topic: whole, group: whole, queue: whole, offsets: list(whole), why: whyGivenBack },
  },
  "messages-passed-over": {
    code: 17,
    fields: { topic: whole, group: whole, queue: whole, ranges: list(pair(whole, whole)) },
  },
  "message-dead-lettered": {
    code: 18,
    fields: {
      topic: whole,
      group: whole,
      queue: whole,
      offset: whole,
      attempts: whole,
      reason: deadLetterReason,
      deadLetterTopic: whole,
      deadLetterOffset: whole,
      storedAt: whole,
      at: whole,
      wall: whole,
    },
  },
  "messages-dropped": {
    code: 19,
    fields: {
      topic: whole,
      queue: whole,
      from: whole,
      upTo: whole,
      reason: whyDropped,
      missed: list(missed),
      at: whole,
    },
  },
  "message-copied-forward": {
    code: 20,
    fields: {
      topic: whole,
      queue: optional(whole),
      offset: optional(whole),
      delayed: optional(whole),
      half: optional(whole),
      messageId: hex16,
      message,
      publishedAt: whole,
      deadLetter: optional(deadLetterOrigin),
    },
  },
  "half-message-dropped": { code: 21, fields: { id: whole, topic: whole, at: whole } },
  "topic-forgotten": { code: 22, fields: { topic: whole, ref: topicRef, at: whole } },
  "group-forgotten": { code: 23, fields: { group: whole, ref: groupRef, at: whole } },
  "wall-clock-stepped": { code: 24, fields: { from: whole, to: whole, at: whole } },
};

interface Codec {
  readonly code: number;
  readonly shape: Shape<Fact>;
}

const BY_KIND = new Map<FactKind, Codec>();
const BY_CODE: (Codec | undefined)[] = [];
for (const [kind, { code, fields }] of Object.entries(FACTS)) {
  const codec = { code, shape: record<Fact>(fields as unknown as Fields<Fact>, { kind: kind as FactKind }) };
  BY_KIND.set(kind as FactKind, codec);
  BY_CODE[code] = codec;
}

/** Adds the bytes of a fact. */
export function encodeFact(to: ByteWriter, fact: Fact): void {
  const codec = BY_KIND.get(fact.kind);
  if (!codec) throw new TypeError(`There is no fact of the kind ${fact.kind}.`);
  to.byte(VERSION);
  to.byte(codec.code);
  codec.shape.write(to, fact);
}

/** Reads the fact that fills `bytes` from `start` to `end` exactly; anything else is `UnreadableBytes`. */
export function decodeFact(bytes: Buffer, start: number, end: number): Fact {
  const from = new ByteReader(bytes, start, end);
  return wholly(from, codecOf(readCode(from)).shape.read(from));
}

/** The same, but of a stored message no more than the ledger keeps. */
export function decodeAppliedFact(bytes: Buffer, start: number, end: number): AppliedFact {
  const from = new ByteReader(bytes, start, end);
  const code = readCode(from);
  return wholly(from, code === FACTS["message-stored"].code ? readOutline(from) : codecOf(code).shape.read(from));
}

function readCode(from: ByteReader): number {
  const version = from.byte();
  if (version !== VERSION) throw new UnreadableBytes(`A fact has version ${version}; ${VERSION} is known.`);
  return from.byte();
}

function codecOf(code: number): Codec {
  const codec = BY_CODE[code];
  if (!codec) throw new UnreadableBytes(`A fact has the unknown kind ${code}.`);
  return codec;
}

/** The fields of `message-stored`, by hand: the shapes are too slow for the one fact of which there are millions (RET-2). */
function readOutline(from: ByteReader): MessageOutlined {
  const topic = from.whole();
  const queue = from.whole();
  const offset = from.whole();
  from.skip(16); // message id
  const bodyBytes = from.skipText();
  const tag = from.text();
  from.skipText(); // key
  for (let left = 2 * from.count(); left > 0; left--) from.skipText(); // properties
  return { kind: "message-stored", topic, queue, offset, bodyBytes, tag, publishedAt: from.whole() };
}

function wholly<T>(from: ByteReader, fact: T): T {
  if (from.at !== from.end) throw new UnreadableBytes("A fact is shorter than its frame.");
  return fact;
}
