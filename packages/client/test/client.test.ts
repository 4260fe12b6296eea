import { startTestBroker, type TestBroker } from "@stagemq/broker/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Client, json, PartialAcknowledgeError, RefusedError } from "../src/index.ts";
import { clientOf } from "./broker.ts";
import { eventually } from "./manual-world.ts";

let broker: TestBroker;
let client: Client;

beforeAll(async () => {
  broker = await startTestBroker({ settings: { maxRetries: 2 } });
  client = clientOf(broker);
});

afterAll(async () => {
  await client.close();
  await broker.stop();
});

describe("publish and receive", () => {
  it("carries body, tag, keys and properties to the consumer", async () => {
    const { messageId } = await client.producer("orders").publish({
      body: "größer & <kleiner> ]]> \r\n 😀",
      tag: "eu",
      key: ["order-1", "customer-7"],
      properties: { colour: "red" },
    });
    const batch = await client.consumer("orders", "GID_a").receive();
    expect(batch.messages).toMatchObject([
      {
        messageId,
        body: "größer & <kleiner> ]]> \r\n 😀",
        tag: "eu",
        keys: ["order-1", "customer-7"],
        properties: { colour: "red" },
        attempt: 1,
      },
    ]);
    await batch.acknowledge();
  });

  it("takes UTF-8 bytes, and values through a codec", async () => {
    await client.producer("bytes").publish({ body: new TextEncoder().encode("ä") });
    await client.producer("bytes", { codec: json<{ n: number }>() }).publish({ body: { n: 1 } });
    const { messages } = await client.consumer("bytes", "GID_a").receive();
    expect(messages.map(({ text }) => text)).toEqual(["ä", '{"n":1}']);
  });

  it("an empty poll is an empty batch", async () => {
    expect((await client.consumer("orders", "GID_a").receive()).messages).toEqual([]);
  });
});

describe("acknowledge", () => {
  it("tells which handles were not taken, and does the others", async () => {
    await client.producer("partial").publish({ body: "a" });
    const consumer = client.consumer("partial", "GID_a");
    const { messages } = await consumer.receive();
    const error = await consumer.acknowledge([...messages, "nonsense"]).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PartialAcknowledgeError);
    expect(error).toMatchObject({ failures: [{ handle: "nonsense", code: "ReceiptHandleError" }] });
    await broker.clock.advance("6m");
    expect((await consumer.receive()).messages).toEqual([]);
  });
});

describe("transactions", () => {
  it("commits when the local transaction returns, and rolls back when it throws", async () => {
    const producer = client.transactionalProducer("payments", "GID_p");
    const result = await producer.transaction({ body: "paid" }, async (half) => half.messageId);
    await expect(
      producer.transaction({ body: "not paid" }, () => {
        throw new Error("no money");
      }),
    ).rejects.toThrow("no money");
    await broker.clock.advance("5m");
    const { messages } = await client.consumer("payments", "GID_c").receive();
    expect(messages.map(({ text, messageId }) => [text, messageId])).toEqual([["paid", result]]);
    expect(await producer.receiveHalf()).toEqual([]);
  });

  it("offers what was left to the back-check, which decides", async () => {
    const producer = client.transactionalProducer("left", "GID_p");
    await producer.transaction({ body: "x", checkAfter: "20s" }, (half) => half.leaveUnknown());
    await broker.clock.advance("21s");
    const [checked] = await producer.receiveHalf();
    expect(checked).toMatchObject({ body: "x", attempt: 1, checkAfterSeconds: 20 });
    await producer.commit(checked?.handle ?? "");
    await expect(producer.rollback(checked?.handle ?? "")).rejects.toThrow(RefusedError);
    expect((await client.consumer("left", "GID_c").receive()).messages).toHaveLength(1);
  });
});

describe("delayed messages", () => {
  it("come at their time, not before", async () => {
    const consumer = client.consumer("delayed", "GID_a");
    const deliverAt = new Date(Date.now() + 3_600_000);
    await client.producer("delayed").publish({ body: "in an hour", deliverAt });
    expect((await consumer.receive()).messages).toEqual([]);
    await broker.clock.advance("2h");
    expect((await consumer.receive()).messages).toMatchObject([{ body: "in an hour", deliverAt }]);
  });
});

describe("ordered messages", () => {
  it("are handled in order, by key, and come again from the first that failed", async () => {
    const producer = client.producer("ordered");
    const keys = ["a", "b", "c"];
    const bodies = keys.flatMap((key) => [1, 2, 3, 4].map((n) => `${key}${n}`));
    await Promise.all(bodies.map((body) => producer.publish({ body, shardingKey: body.charAt(0) })));
    const handled: string[] = [];
    const quiet = clientOf(broker, { logger: { warn: () => undefined } });
    const run = quiet.consumer("ordered", "GID_a", { ordered: true }).run({ concurrency: 3 }, ({ body, attempt }) => {
      if (body === "b2" && attempt === 1) throw new Error("once");
      handled.push(body);
    });
    await eventually(() => handled.length === 9);
    await broker.clock.advance("61s");
    await eventually(() => handled.length === 12);
    await run.stop();
    await quiet.close();
    for (const key of keys)
      expect(handled.filter((body) => body.startsWith(key))).toEqual([1, 2, 3, 4].map((n) => key + n));
    await broker.clock.advance("10m");
    const again = await client.consumer("ordered", "GID_a", { ordered: true }).receive();
    expect(again.messages).toEqual([]);
  });
});

describe("dead letters", () => {
  it("say where they come from", async () => {
    const { messageId } = await client.producer("exhausted").publish({ body: "x", properties: { p: "v" } });
    const consumer = client.consumer("exhausted", "GID_d");
    while ((await consumer.receive()).messages.length > 0) await broker.clock.advance("5m");
    const [letter] = (await client.consumer("%DLQ%GID_d", "GID_d").receive()).messages;
    expect(letter).toMatchObject({
      body: "x",
      properties: { p: "v" },
      deadLetter: { topic: "exhausted", messageId, attempts: 3, reason: expect.any(String) },
    });
  });
});

describe("a consumer's tag", () => {
  it("chooses which messages come", async () => {
    for (const tag of ["a", "b", "c d"]) await client.producer("tagged").publish({ body: tag, tag });
    const { messages } = await client.consumer("tagged", "GID_a", { tag: "a||c d" }).receive();
    expect(messages.map(({ body }) => body)).toEqual(["a", "c d"]);
  });
});

describe("a receive that waits", () => {
  it("ends as soon as a message is there, and when its signal is aborted", async () => {
    const consumer = client.consumer("waited", "GID_a");
    const received = consumer.receive({ wait: "30s" });
    await client.producer("waited").publish({ body: "here" });
    const batch = await received;
    expect(batch.messages).toMatchObject([{ body: "here" }]);
    await batch.acknowledge();
    const abort = new AbortController();
    const waiting = consumer.receive({ wait: "30s", signal: abort.signal });
    abort.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });
});

describe("back-checks", () => {
  it("are answered in the background", async () => {
    const producer = client.transactionalProducer("checked", "GID_p", { codec: json<{ n: number }>() });
    for (const n of [1, 2]) await producer.transaction({ body: { n } }, (half) => half.leaveUnknown());
    const asked: number[] = [];
    const checker = producer.onCheck(({ body: { n } }) => {
      asked.push(n);
      return n === 1 ? "commit" : "rollback";
    });
    await broker.clock.advance("11s");
    await eventually(() => asked.length === 2);
    await checker.stop();
    await broker.clock.advance("1h");
    expect(await producer.receiveHalf()).toEqual([]);
    const { messages } = await client.consumer("checked", "GID_c").receive();
    expect(messages.map(({ text }) => text)).toEqual(['{"n":1}']);
  });
});

describe("what is lost on the way", () => {
  it("is not published twice: a publish without a reply says that its outcome is unknown", async () => {
    broker.dropNext("publish", { topic: "lost" });
    const failed = client.producer("lost").publish({ body: "a" });
    await expect(failed).rejects.toMatchObject({ name: "ConnectionError", outcomeUnknown: true });
    await broker.expect("lost").toHavePublished({ times: 1 });
  });

  it("is acknowledged and committed all the same, by asking again", async () => {
    const producer = client.transactionalProducer("again", "GID_p");
    broker.dropNext("commit", { topic: "again" });
    await producer.transaction({ body: "a" }, () => undefined);
    const consumer = client.consumer("again", "GID_c");
    broker.dropNext("receive", { topic: "again", lose: "request" });
    broker.dropNext("acknowledge", { topic: "again" });
    const batch = await consumer.receive();
    await batch.acknowledge();
    await broker.clock.advance("10m");
    expect((await consumer.receive()).messages).toEqual([]);
    await broker.expect("again").toHaveDelivered({ times: 1 });
  });
});

describe("an endpoint that refuses", () => {
  it("says so in its own words", async () => {
    const stranger = clientOf(broker, { accessKeySecret: "wrong" });
    await expect(stranger.producer("orders").publish({ body: "a" })).rejects.toMatchObject({
      name: "RefusedError",
      code: "SignatureDoesNotMatch",
      status: 403,
      requestId: expect.stringMatching(/^[0-9A-F]{24}$/),
    });
    await stranger.close();
  });
});

it("is closed where `await using` ends", async () => {
  const passing = clientOf(broker);
  await passing.producer("orders").publish({ body: "a" });
  await passing[Symbol.asyncDispose]();
  await expect(passing.producer("orders").publish({ body: "a" })).rejects.toThrow("The client is closed.");
});
