import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteWriter, UnreadableBytes } from "./binary.ts";
import type { AppliedFact, Fact, FactKind } from "./fact.ts";
import { decodeAppliedFact, decodeFact, encodeFact } from "./fact-codec.ts";

const whole = fc.oneof(
  fc.nat(300),
  fc.maxSafeNat(),
  fc.constantFrom(127, 128, 2 ** 28 - 1, 2 ** 28, 2 ** 32, 2 ** 53 - 1),
);
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.constantFrom("", "€".repeat(42), "\r\n\u0000 😀"),
);
const messageId = fc.stringMatching(/^[0-9A-F]{32}$/);
const origin = fc.constantFrom("declared" as const, "use" as const);
const topicKind = fc.constantFrom("normal" as const, "delayed" as const, "ordered" as const, "transactional" as const);

const settings = fc.record(
  {
    invisibleFor: whole,
    orderedInvisibleFor: whole,
    maxRetries: whole,
    from: fc.constantFrom("earliest" as const, "latest" as const),
    onExhausted: fc.constantFrom("dead-letter" as const, "block" as const),
  },
  { requiredKeys: [] },
);
const message = fc.record({
  body: text,
  tag: text,
  key: text,
  properties: fc.array(fc.tuple(text, text), { maxLength: 4 }),
});
const stored = { topic: whole, messageId, message, publishedAt: whole };
const place = { topic: whole, group: whole, queue: whole };
const offsets = fc.array(whole, { maxLength: 20 });
const whyGivenBack = fc.constantFrom("hung-up" as const, "no-room" as const);

const ARBITRARY: { readonly [K in FactKind]: fc.Arbitrary<Omit<Extract<Fact, { kind: K }>, "kind">> } = {
  "topic-created": fc.record(
    { topic: whole, ref: fc.record({ instance: text, topic: text }), topicKind, queues: whole, origin, at: whole },
    { requiredKeys: ["topic", "ref", "queues", "origin", "at"] },
  ),
  "topic-changed": fc.record({ topic: whole, topicKind, queues: whole, origin, at: whole }),
  "group-created": fc.record({
    group: whole,
    ref: fc.record({ instance: text, group: text }),
    settings,
    origin,
    at: whole,
  }),
  "group-changed": fc.record({ group: whole, settings, origin, at: whole }),
  "message-stored": fc.record({ ...stored, queue: whole, offset: whole }),
  "delayed-message-stored": fc.record({ ...stored, id: whole, deliverAt: whole }),
  "delayed-message-released": fc.record({ id: whole, topic: whole, queue: whole, offset: whole, at: whole }),
  "half-message-stored": fc.record(
    { ...stored, id: whole, at: whole, number: whole, firstCheckAt: whole, deliverAt: whole },
    { requiredKeys: ["id", "topic", "messageId", "message", "publishedAt", "at", "number", "firstCheckAt"] },
  ),
  "half-message-offered": fc.record({ id: whole, topic: whole, check: whole, number: whole, at: whole, until: whole }),
  "half-offer-given-back": fc.record({ id: whole, topic: whole, why: whyGivenBack }),
  "transaction-ended": fc.record(
    {
      id: whole,
      topic: whole,
      resolution: fc.constantFrom("commit" as const, "rollback" as const),
      queue: whole,
      offset: whole,
      at: whole,
      wall: whole,
    },
    { requiredKeys: ["id", "topic", "resolution", "at", "wall"] },
  ),
  "transaction-abandoned": fc.record({ id: whole, topic: whole, at: whole, wall: whole }),
  "subscription-started": fc.record({ topic: whole, group: whole, starts: offsets, at: whole }),
  "messages-delivered": fc.record({
    ...place,
    ordered: fc.boolean(),
    deliveries: fc.array(fc.record({ offset: whole, attempt: whole, number: whole }), { maxLength: 16 }),
    at: whole,
    until: whole,
  }),
  "deliveries-acknowledged": fc.record({ ...place, offsets, at: whole }),
  "deliveries-given-back": fc.record({ ...place, offsets, why: whyGivenBack }),
  "messages-passed-over": fc.record({ ...place, ranges: fc.array(fc.tuple(whole, whole), { maxLength: 5 }) }),
  "message-dead-lettered": fc.record({
    ...place,
    offset: whole,
    attempts: whole,
    reason: fc.constant("retries-used-up" as const),
    deadLetterTopic: whole,
    deadLetterOffset: whole,
    storedAt: whole,
    at: whole,
    wall: whole,
  }),
  "messages-dropped": fc.record({
    topic: whole,
    queue: whole,
    from: whole,
    upTo: whole,
    reason: fc.constantFrom("age" as const, "size" as const),
    missed: fc.array(fc.record({ group: whole, unread: whole, unacknowledged: whole }), { maxLength: 3 }),
    at: whole,
  }),
  "half-message-dropped": fc.record({ id: whole, topic: whole, at: whole }),
  "topic-forgotten": fc.record({ topic: whole, ref: fc.record({ instance: text, topic: text }), at: whole }),
  "group-forgotten": fc.record({ group: whole, ref: fc.record({ instance: text, group: text }), at: whole }),
  "wall-clock-stepped": fc.record({ from: whole, to: whole, at: whole }),
  "message-copied-forward": fc.record(
    {
      ...stored,
      queue: whole,
      offset: whole,
      delayed: whole,
      half: whole,
      deadLetter: fc.record({
        topic: text,
        messageId,
        reason: fc.constant("retries-used-up" as const),
        attempts: whole,
      }),
    },
    { requiredKeys: ["topic", "messageId", "message", "publishedAt"] },
  ),
};

function encode(fact: Fact): Buffer {
  const writer = new ByteWriter(16);
  encodeFact(writer, fact);
  return writer.buffer.subarray(0, writer.at);
}

function outlined(fact: Fact): AppliedFact {
  if (fact.kind !== "message-stored") return fact;
  const { messageId, message, ...rest } = fact;
  return { ...rest, bodyBytes: Buffer.byteLength(message.body), tag: message.tag };
}

const anyFact = fc.oneof(
  ...Object.entries(ARBITRARY).map(([kind, fields]) =>
    (fields as fc.Arbitrary<object>).map((rest) => ({ kind, ...rest }) as Fact),
  ),
);

describe("the bytes of a fact", () => {
  it.each(Object.entries(ARBITRARY))("give back %s as it was", (kind, fields) => {
    fc.assert(
      fc.property(fields as fc.Arbitrary<object>, (rest) => {
        const fact = structuredClone({ kind, ...rest }) as Fact; // without fast-check's null prototypes
        const bytes = encode(fact);
        expect(decodeFact(bytes, 0, bytes.length)).toStrictEqual(fact);
      }),
    );
  });

  it("give of a stored message what the ledger keeps of it, and every other fact as it was", () => {
    fc.assert(
      fc.property(anyFact, (fact) => {
        const bytes = encode(fact);
        expect(decodeAppliedFact(bytes, 0, bytes.length)).toEqual(outlined(decodeFact(bytes, 0, bytes.length)));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ["whole", decodeFact],
    ["as far as the ledger keeps it", decodeAppliedFact],
  ])("that are hostile fail in one way only, or are a fact, read %s", (_, decode) => {
    const spoiled = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.tuple(fc.nat(20), fc.uint8Array({ maxLength: 60 })).map(([code, rest]) => Uint8Array.of(1, code, ...rest)),
      fc.tuple(anyFact, fc.nat(), fc.nat(255)).map(([fact, at, value]) => {
        const bytes = Buffer.from(encode(fact));
        bytes[at % bytes.length] = value;
        return bytes;
      }),
    );
    fc.assert(
      fc.property(spoiled, (bytes) => {
        try {
          decode(Buffer.from(bytes), 0, bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(UnreadableBytes);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it("are refused when they are cut short anywhere", () => {
    fc.assert(
      fc.property(anyFact, fc.nat(), (fact, cut) => {
        const bytes = encode(fact);
        expect(() => decodeFact(bytes, 0, cut % bytes.length)).toThrow(UnreadableBytes);
        expect(() => decodeAppliedFact(bytes, 0, cut % bytes.length)).toThrow(UnreadableBytes);
      }),
    );
  });

  it("may claim a list of a thousand million items without being given the memory for it", () => {
    const lie = Buffer.from([1, 16, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x03]);
    expect(() => decodeFact(lie, 0, lie.length)).toThrow(UnreadableBytes);
  });

  it("are those of a version and a kind that are known", () => {
    expect(() => decodeFact(Buffer.from([2, 10, 1, 1]), 0, 4)).toThrow("version 2");
    expect(() => decodeFact(Buffer.from([1, 99, 1, 1]), 0, 4)).toThrow("unknown kind 99");
  });

  it.each([Number.NaN, -1, 0.5, 2 ** 53])("cannot hold the number %d", (number) => {
    expect(() => encode({ kind: "half-offer-given-back", id: number, topic: 1, why: "hung-up" })).toThrow(TypeError);
  });
});
