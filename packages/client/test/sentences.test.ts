import { describe, expect, it } from "vitest";
import { checkPropertiesBytes } from "../../broker/src/domain/limits.ts";
import * as names from "../../broker/src/domain/names.ts";
import type { Engine, PublishRequest } from "../../broker/src/engine/engine.ts";
import { GuardedEngine } from "../../broker/src/engine/guarded-engine.ts";
import { checkFilter } from "../src/consuming/check-filter.ts";
import { Client, InvalidArgumentError, InvalidMessageError, type OutgoingMessage } from "../src/index.ts";
import { encodeMessage } from "../src/messages/encode-message.ts";
import { checkGroupName, checkInstanceName, checkTopicName } from "../src/names.ts";

/**
 * What is refused before it is sent, in the broker's own words: here beside the broker's. Characters that XML cannot carry are
 * told in words of our own: the broker, which reads a document, can only say where in the document they are.
 */

const TOPIC = { instance: "I", topic: "T" };
const GROUP = { instance: "I", group: "G" };
const CALL = { requestId: "R" } as Parameters<Engine["publish"]>[0];

/** Takes all that the guards let through. */
const EVERYTHING_GOES = {
  publish: () => Promise.resolve({ messageId: "M" }),
  receive: () => Promise.resolve([]),
} as unknown as Engine;
const broker = new GuardedEngine(EVERYTHING_GOES, { fast: false });

async function sentenceOf(work: () => unknown): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function brokerPublishes(message: Partial<PublishRequest["message"]>, kind = "normal"): Promise<unknown> {
  const whole = { body: "b", tag: "", key: "R", properties: [], ...message };
  const intent = { kind, deliverAt: 1, firstCheckAfter: 10_000 } as unknown as PublishRequest["intent"];
  return broker.publish(CALL, { topic: TOPIC, message: whole, intent });
}

function encode(message: Omit<OutgoingMessage, "body"> & { body?: string }, checkAfterSeconds?: number): unknown {
  const whole = { body: "b", ...message } as OutgoingMessage<string>;
  return encodeMessage(whole, { codec: undefined, now: 0, ...(checkAfterSeconds ? { checkAfterSeconds } : {}) });
}

const MIB = 1024 * 1024;
const cases: [string, () => unknown, () => unknown][] = [
  ["an empty body", () => encode({ body: "" }), () => brokerPublishes({ body: "" })],
  [
    "a body over 4 MiB, in bytes",
    () => encode({ body: "ä".repeat(2 * MIB + 1) }),
    () => brokerPublishes({ body: "ä".repeat(2 * MIB + 1) }),
  ],
  [
    "a delayed body over 64 KiB",
    () => encode({ body: "x".repeat(65_537), delay: "1s" }),
    () => brokerPublishes({ body: "x".repeat(65_537) }, "delayed"),
  ],
  [
    "a transactional body over 64 KiB",
    () => encode({ body: "x".repeat(65_537) }, 10),
    () => brokerPublishes({ body: "x".repeat(65_537) }, "transactional"),
  ],
  ["a tag over 64 characters", () => encode({ tag: "😀".repeat(65) }), () => brokerPublishes({ tag: "😀".repeat(65) })],
  [
    "properties over 16 KiB",
    () => encode({ properties: { a: "x".repeat(16 * 1024) } }),
    () => checkPropertiesBytes(16 * 1024 + 2),
  ],
  ["a topic name", () => checkTopicName("a b"), () => names.checkTopicName("a b")],
  ["a long topic name", () => checkTopicName("a".repeat(99)), () => names.checkTopicName("a".repeat(99))],
  ["a group name", () => checkGroupName(""), () => names.checkGroupName("")],
  ["an instance name", () => checkInstanceName("ä"), () => names.checkInstanceName("ä")],
  [
    "a filter of too many tags",
    () => checkFilter(Array.from({ length: 129 }, (_, n) => `t${n}`).join("||")),
    () =>
      broker.receive(CALL, {
        topic: TOPIC,
        group: GROUP,
        mode: "concurrent",
        tags: Array.from({ length: 129 }, (_, n) => `t${n}`).join("||"),
        maxMessages: 1,
        waitUpTo: 0,
      } as Parameters<Engine["receive"]>[1]),
  ],
];

describe("limits", () => {
  it.each(cases)("refuse %s in the broker's words", async (_, ours, brokers) => {
    const sentence = await sentenceOf(brokers);
    expect(sentence).toBeDefined();
    expect(await sentenceOf(ours)).toBe(sentence);
    expect(ours).toThrow(InvalidArgumentError);
  });

  const allowed: [string, () => unknown, () => unknown][] = [
    ["4 MiB", () => encode({ body: "x".repeat(4 * MIB) }), () => brokerPublishes({ body: "x".repeat(4 * MIB) })],
    [
      "64 KiB delayed",
      () => encode({ body: "x".repeat(65_536), delay: "1s" }),
      () => brokerPublishes({ body: "x".repeat(65_536) }, "delayed"),
    ],
    ["64 characters of tag", () => encode({ tag: "😀".repeat(64) }), () => brokerPublishes({ tag: "😀".repeat(64) })],
    [
      "16 KiB of properties",
      () => encode({ properties: { a: "x".repeat(16 * 1024 - 2) } }),
      () => checkPropertiesBytes(16 * 1024),
    ],
    ["a dead-letter topic", () => checkTopicName("%DLQ%GID_a"), () => names.checkTopicName("%DLQ%GID_a")],
    ["128 tags", () => checkFilter(Array.from({ length: 128 }, (_, n) => `t${n}`).join("||")), () => undefined],
  ];
  it.each(allowed)("let %s through, as the broker does", async (_, ours, brokers) => {
    expect(await sentenceOf(brokers)).toBeUndefined();
    expect(await sentenceOf(ours)).toBeUndefined();
  });
});

describe("what the types forbid", () => {
  const none = undefined as unknown as string;
  const five = 5 as unknown as string;
  const client = new Client({ endpoint: "http://127.0.0.1:1", accessKeyId: "a", accessKeySecret: "s" });
  const refused: [string, () => unknown, string][] = [
    ["no topic", () => client.producer(none), "The topic name undefined is not legal: 1 to 64 letters"],
    ["no group", () => client.consumer("T", none), "The consumer group undefined is not legal: 1 to 64 letters"],
    ["no producer group", () => client.transactionalProducer("T", none), "The consumer group undefined is not legal:"],
    ["a number as the group", () => client.consumer("T", five), "The consumer group 5 is not legal:"],
    ["a number as the instance", () => checkInstanceName(five), "The instance 5 is not legal:"],
    [
      "a number as the filter",
      () => client.consumer("T", "G", { tag: five }),
      'The filter is 5; it should be a text: a tag, or several, "a||b".',
    ],
    ["null as a delay", () => encode({ delay: null as unknown as string }), "delay is null; it should be milliseconds"],
  ];
  it.each(refused)("is refused: %s", (_, work, sentence) => {
    expect(work).toThrow(sentence);
    expect(work).toThrow(InvalidArgumentError);
  });
});

describe("a message", () => {
  const refused: [string, object, string][] = [
    [
      "no body",
      { body: undefined },
      "The body is undefined; it should be a string or bytes; other values need a codec, such as json().",
    ],
    [
      "an object without a codec",
      { body: {} },
      "The body is object; it should be a string or bytes; other values need a codec, such as json().",
    ],
    [
      "bytes that are not UTF-8",
      { body: new Uint8Array([0xff]) },
      "The body is not UTF-8; other bytes must be encoded, in Base64 for example.",
    ],
    [
      "a character that XML does not have",
      { body: "😀\u0001b" },
      "The body has U+0001 as its 2nd character, which XML cannot carry; encode such a body, in Base64 for example.",
    ],
    [
      "half of a pair",
      { tag: "\ud800" },
      "The tag has U+D800 as its 1st character, which XML cannot carry; encode such a tag, in Base64 for example.",
    ],
    [
      "such a character in a key",
      { key: ["a", "b\u0000"] },
      "The key has U+0000 as its 4th character, which XML cannot carry; encode such a key, in Base64 for example.",
    ],
    [
      "such a character in a sharding key",
      { shardingKey: "abcdefghijk\u0002" },
      "The shardingKey has U+0002 as its 12th character, which XML cannot carry; encode such a shardingKey, in Base64 for example.",
    ],
    [
      "such a character in a property",
      { properties: { a: "b", constructor: "xy\uffff" } },
      "The property constructor has U+FFFF as its 3rd character, which XML cannot carry; encode such a property, in Base64 for example.",
    ],
    [
      "such a character in a property's name",
      { properties: { "x\u0001": "b" } },
      'The property name "x\\u0001" has U+0001 as its 2nd character, which XML cannot carry; encode such a property name, in Base64 for example.',
    ],
    ["a tag that is a number", { tag: 5 }, "The tag is 5; it should be a text."],
    ["a tag that is null", { tag: null }, "The tag is null; it should be a text."],
    ["a key that is a number", { key: 5 }, "The key is 5; it should be a text, not empty,"],
    ["a sharding key that is a number", { shardingKey: 5 }, "The shardingKey is 5; it should be a text, not empty,"],
    [
      "properties that are none",
      { properties: null },
      'The properties are null; they should be an object: { name: "value" }.',
    ],
    ["a time that is null", { deliverAt: null }, "deliverAt is null; it should be a Date, or milliseconds since 1970."],
    [
      "a colon in a property",
      { properties: { url: "http://x" } },
      'The property url is "http://x"; it should be a text, not empty, without ":" and "|" (encodeURIComponent makes such a value of any text).',
    ],
    [
      "a bar in a key",
      { key: "a|b" },
      'The key is "a|b"; it should be a text, not empty, without ":" and "|" (encodeURIComponent makes such a value of any text).',
    ],
    [
      "an empty sharding key",
      { shardingKey: "" },
      'The shardingKey is ""; it should be a text, not empty, without ":" and "|" (encodeURIComponent makes such a value of any text).',
    ],
    [
      "a property that is a number",
      { properties: { n: 1 } },
      'The property n is 1; it should be a text, not empty, without ":" and "|" (encodeURIComponent makes such a value of any text).',
    ],
    [
      "a reserved property",
      { properties: { __SHARDINGKEY: "x" } },
      "The property __SHARDINGKEY is the protocol's own; say shardingKey instead.",
    ],
    [
      "a name with a colon",
      { properties: { "a:b": "x" } },
      'The property name "a:b" is not legal: not empty, no ":" and no "|".',
    ],
    ["two times", { deliverAt: 1, delay: 1 }, "The message has a deliverAt and a delay; one of them is enough."],
    [
      "a time and a sharding key",
      { shardingKey: "a", delay: 1 },
      "The message has a sharding key and a time; an ordered message cannot be delayed.",
    ],
    [
      "no real time",
      { deliverAt: new Date("?") },
      "deliverAt is Invalid Date; it should be a Date, or milliseconds since 1970.",
    ],
    [
      "no real delay",
      { delay: "soon" },
      'delay is "soon"; it should be milliseconds, or a text such as "250ms", "10s", "5m", "2h", "1d".',
    ],
  ];
  it.each(refused)("with %s is refused before it is sent", (_, message, sentence) => {
    expect(() => encode(message)).toThrow(sentence);
    expect(() => encode(message)).toThrow(
      "delay" in message && message.delay === "soon" ? InvalidArgumentError : InvalidMessageError,
    );
  });

  it.each([undefined, null, "hello"])("that is %j is refused, and what it should be is said", async (given) => {
    const client = new Client({ endpoint: "http://127.0.0.1:1", accessKeyId: "a", accessKeySecret: "s" });
    const sentence = `The message is ${given === "hello" ? '"hello"' : given}; it should be an object with a body: { body: "…" }.`;
    const message = given as unknown as { body: string };
    for (const publish of [
      client.producer("T").publish(message),
      client.transactionalProducer("T", "G").publishHalf(message),
    ]) {
      const error = await publish.catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(InvalidMessageError);
      expect(error).toHaveProperty("message", sentence);
    }
    await client.close();
  });

  it("has one place in time and order, which the types say already", () => {
    const messages: OutgoingMessage[] = [
      { body: "b", shardingKey: "s" },
      { body: "b", deliverAt: new Date(1), tag: undefined },
      { body: "b", delay: "5s" },
      // @ts-expect-error two times
      { body: "b", deliverAt: 1, delay: "5s" },
      // @ts-expect-error a time and a sharding key
      { body: "b", shardingKey: "s", deliverAt: 1 },
      // @ts-expect-error a delay and a sharding key
      { body: "b", shardingKey: "s", delay: 1 },
    ];
    const refused = messages.map((message) => {
      try {
        return [encode(message as Parameters<typeof encode>[0])].length === 0;
      } catch {
        return true;
      }
    });
    expect(refused).toEqual([false, false, false, true, true, true]);
  });

  it("is written with all that was said", () => {
    const message = { tag: "t", key: ["a", "b"], properties: { p: "v" }, delay: "5s" } as const;
    expect(encode(message)).toEqual({ body: "b", tag: "t", properties: "KEYS:a b|__STARTDELIVERTIME:5000|p:v" });
    expect(encode({ shardingKey: "s" })).toMatchObject({ properties: "__SHARDINGKEY:s" });
    expect(encode({ deliverAt: new Date(7) }, 20)).toMatchObject({
      properties: "__STARTDELIVERTIME:7|__TransCheckT:20",
    });
  });
});
