import { describe, expect, it } from "vitest";
import { BrokerError } from "../../src/domain/broker-error.ts";
import type { PublishRequest } from "../../src/engine/engine.ts";
import { elementOf, openFront, verdictOf } from "./open-front.ts";
import { MESSAGE_ID } from "./scripted-engine.ts";
import { aMessage } from "./signed-request.ts";

/** What the engine was asked to publish for these properties. */
async function publish(properties: string): Promise<PublishRequest> {
  const { ask, engine } = await openFront();
  expect((await ask({ body: aMessage({ properties }) })).status).toBe(201);
  const [request] = engine.requests<PublishRequest>("publish");
  if (!request) throw new Error("nothing was published");
  return request;
}

describe("a publish", () => {
  it("WIRE-38: is answered with exactly 201, with id and digest", async () => {
    const { ask } = await openFront();
    const response = await ask({ body: aMessage() });
    expect(response.status).toBe(201);
    expect(elementOf(response, "MessageId")).toBe(MESSAGE_ID);
    expect(elementOf(response, "MessageBodyMD5")).toBe("5D41402ABC4B2A76B9719D911017C592");
  });

  it("WIRE-47: has a handle only when the engine gave one", async () => {
    const { ask, engine } = await openFront();
    expect(elementOf(await ask({ body: aMessage() }), "ReceiptHandle")).toBeUndefined();
    engine.onPublish = () => ({ messageId: MESSAGE_ID, transactionHandle: "half-1" });
    expect(elementOf(await ask({ body: aMessage() }), "ReceiptHandle")).toBe("half-1");
  });

  it("PUB-7.1 and WIRE-48: the key is the request id when the sender gave none", async () => {
    const { ask, engine } = await openFront();
    for (const properties of ["", "KEYS:|a:1", "a:1|KEYS:k1|b:2"]) await ask({ body: aMessage({ properties }) });
    const keys = engine.requests<PublishRequest>("publish").map(({ message }) => message.key);
    expect(keys).toEqual([engine.asked[0]?.call.requestId, engine.asked[1]?.call.requestId, "k1"]);
  });

  it("PUB-4.3: the text of the properties has at most 16 KiB, what is ignored in it included", async () => {
    const { ask, engine } = await openFront();
    const verdicts: string[] = [];
    for (const properties of [
      `k:${"x".repeat(16_382)}`,
      `k:${"x".repeat(16_383)}`,
      "a|".repeat(8_193),
      "a:1|".repeat(4_097),
    ]) {
      verdicts.push(verdictOf(await ask({ body: aMessage({ properties }) })));
    }
    expect(verdicts.slice(1)).toEqual(Array(3).fill("400 InvalidArgument"));
    expect(engine.requests("publish")).toHaveLength(1);
  });

  it("PUB-7.2: a property with a reserved name is the reserved property", async () => {
    const { message, intent } = await publish("a:1|__SHARDINGKEY:s1|KEYS:k|b:2|a:3|");
    expect(message.properties).toEqual([
      ["a", "3"],
      ["__SHARDINGKEY", "s1"],
      ["b", "2"],
    ]);
    expect(intent).toEqual({ kind: "ordered", shardingKey: "s1" });
  });

  it.each([
    ["", { kind: "normal" }],
    ["__SHARDINGKEY:", { kind: "normal" }],
    ["__STARTDELIVERTIME:1767225600000", { kind: "delayed", deliverAt: 1_767_225_600_000 }],
    [
      "__STARTDELIVERTIME:1767225600000|__SHARDINGKEY:s",
      { kind: "delayed", deliverAt: 1_767_225_600_000, shardingKey: "s" },
    ],
    ["__TransCheckT:20|__SHARDINGKEY:s", { kind: "transactional", firstCheckAfter: 20_000 }],
    ["__TransCheckT:5", { kind: "transactional", firstCheckAfter: 5_000 }],
    ["__STARTDELIVERTIME:7|__TransCheckT:301", { kind: "transactional", firstCheckAfter: 301_000, deliverAt: 7 }],
  ])("PUB-2.2: what a message is follows from its properties: %s", async (properties, intent) => {
    expect((await publish(properties)).intent).toEqual(intent);
  });

  it("PUB-9.1: a name ends at the first colon", async () => {
    expect((await publish("url:http://a:1|")).message.properties).toEqual([["url", "http://a:1"]]);
  });

  it("PUB-9.2: a value with a colon is kept, which the log says once per topic", async () => {
    const { ask, engine, log } = await openFront();
    const body = aMessage({ properties: "url:http://a|b:1" });
    for (const topic of ["orders", "orders", "bills"]) await ask({ target: `/topics/${topic}/messages`, body });
    expect(engine.requests<PublishRequest>("publish")[0]?.message.properties).toContainEqual(["url", "http://a"]);
    const said = log.of("property.left-out").map(({ fields }) => [fields.topic, fields.property]);
    expect(said).toEqual([
      ["orders", "url"],
      ["bills", "url"],
    ]);
  });

  it("PUB-9.3: a reserved property that cannot be read is refused and quoted", async () => {
    const { ask, engine } = await openFront();
    for (const properties of ["__STARTDELIVERTIME:tomorrow", "__TransCheckT:soon"]) {
      const response = await ask({ body: aMessage({ properties }) });
      expect(verdictOf(response)).toBe("400 InvalidArgument");
      const [name, value] = properties.split(":");
      expect(elementOf(response, "Message")).toContain(`Hint: the property ${name} is "${value}"; it should be `);
    }
    expect(engine.asked).toEqual([]);
    expect((await publish("__STARTDELIVERTIME:1767225600000.9")).intent).toMatchObject({
      deliverAt: 1_767_225_600_000,
    });
    expect((await publish("__STARTDELIVERTIME:|__TransCheckT:")).intent).toEqual({ kind: "normal" });
  });

  it("PUB-9.4: another pair without colon, name or value is ignored", async () => {
    expect((await publish("nothing|:1|empty:|a:1||")).message.properties).toEqual([["a", "1"]]);
  });
});

describe("a document that cannot be read", () => {
  it.each([
    ["WIRE-50", "", "400 MalformedXML"],
    ["WIRE-50", "<Message></Message>", "400 InvalidArgument"],
    ["WIRE-50", "<Message><MessageBody></MessageBody></Message>", "400 InvalidArgument"],
    ["WIRE-51", "hello", "400 MalformedXML"],
    ["WIRE-51", "<Message><MessageBody>a</Message>", "400 MalformedXML"],
    ["WIRE-52", "<Message><MessageBody><![CDATA[a]]>b]]></MessageBody></Message>", "400 MalformedXML"],
    ["WIRE-53", "<Message><MessageBody>\u0001</MessageBody></Message>", "400 MalformedXML"],
    ["WIRE-51", "<Order><MessageBody>a</MessageBody></Order>", "400 InvalidArgument"],
  ])(
    "%s: a document that cannot be read is refused before the engine hears of it: %s",
    async (_item, body, verdict) => {
      const { ask, engine } = await openFront();
      expect(verdictOf(await ask({ body }))).toBe(verdict);
      expect(engine.asked).toEqual([]);
    },
  );
});

describe("a publish that the engine refuses", () => {
  it.each([
    ["topic-not-found", "404 TopicNotExist"],
    ["group-not-found", "404 SubscriptionNotExist"],
    ["invalid-argument", "400 InvalidArgument"],
    ["message-too-large", "400 InvalidArgument"],
    ["access-denied", "403 AccessDenied"],
    ["overloaded", "400 QpsLimitExceeded"],
    ["unsupported", "400 InvalidArgument"],
    ["upstream-unavailable", "500 InternalServerError"],
    ["stopping", "503 InternalServerError"],
    ["storage-full", "503 InternalServerError"],
    ["storage-failed", "500 InternalError"],
  ] as const)("REQ-5.1: %s is %s with its reason as hint", async (code, verdict) => {
    const { ask, engine } = await openFront();
    engine.onPublish = () => {
      throw new BrokerError(code, "what was given, and what would be right.");
    };
    const response = await ask({ body: aMessage() });
    expect(verdictOf(response)).toBe(verdict);
    if (code !== "topic-not-found") {
      expect(elementOf(response, "Message")).toMatch(/^.+ Hint: what was given, and what would be right\.$/);
    }
  });

  it("PUB-6.1: a bug is 500 without its words, logged once with its stack", async () => {
    const { ask, engine, log } = await openFront();
    engine.onPublish = () => {
      throw new TypeError("secret words");
    };
    const response = await ask({ body: aMessage() });
    expect(verdictOf(response)).toBe("500 InternalError");
    expect(elementOf(response, "Message")).toBe("Interal error.");
    const [failure, ...more] = log.of("request.failed");
    expect(failure?.fields.stack).toContain("TypeError: secret words");
    expect(more).toEqual([]);
  });
});
