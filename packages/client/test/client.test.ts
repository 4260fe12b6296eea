import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Client, json, PartialAcknowledgeError, RefusedError } from "../src/index.ts";
import { TestBroker } from "./broker.ts";

let broker: TestBroker;
let client: Client;

beforeAll(async () => {
  broker = await TestBroker.start();
  client = broker.client();
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
    await broker.advance("6m");
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
    await broker.advance("5m");
    const { messages } = await client.consumer("payments", "GID_c").receive();
    expect(messages.map(({ text, messageId }) => [text, messageId])).toEqual([["paid", result]]);
    expect(await producer.receiveHalf()).toEqual([]);
  });

  it("offers what was left to the back-check, which decides", async () => {
    const producer = client.transactionalProducer("left", "GID_p");
    await producer.transaction({ body: "x", checkAfter: "20s" }, (half) => half.leaveUnknown());
    await broker.advance("21s");
    const [checked] = await producer.receiveHalf();
    expect(checked).toMatchObject({ body: "x", attempt: 1, checkAfterSeconds: 20 });
    await producer.commit(checked?.handle ?? "");
    await expect(producer.rollback(checked?.handle ?? "")).rejects.toThrow(RefusedError);
    expect((await client.consumer("left", "GID_c").receive()).messages).toHaveLength(1);
  });
});
