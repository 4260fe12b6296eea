import { describe, expect, it } from "vitest";
import { BrokerError } from "../../src/domain/broker-error.ts";
import { elementOf, openFront, verdictOf } from "./open-front.ts";
import { aDelivery } from "./scripted-engine.ts";
import { MESSAGES, POLL } from "./signed-request.ts";

const GET = { method: "GET", target: POLL };

describe("a poll", () => {
  it("WIRE-59 and WIRE-60: an empty one is 404 MessageNotExist, and no refusal in the log", async () => {
    const { ask, log } = await openFront();
    const response = await ask(GET);
    expect(verdictOf(response)).toBe("404 MessageNotExist");
    expect(elementOf(response, "Message")).toBe("Message not exist.");
    expect(log.of("request.refused")).toEqual([]);
    expect(log.of("request.answered")).toHaveLength(1);
  });

  it("WIRE-4: asks the engine for what the query says", async () => {
    const { ask, engine } = await openFront();
    await ask({ method: "GET", target: `${MESSAGES}?waitseconds=7&tag=A%7C%7CB&numOfMessages=3&consumer=GID_a&ns=I` });
    await ask({ method: "GET", target: `${MESSAGES}?consumer=GID_a&trans=order` });
    await ask({ method: "GET", target: `${MESSAGES}?consumer=GID_p&numOfMessages=2&waitseconds=30&trans=pop` });
    const mine = {
      topic: { instance: "MQ_INST_dev", topic: "orders" },
      group: { instance: "MQ_INST_dev", group: "GID_a" },
    };
    expect(engine.requests("receive")).toEqual([
      {
        topic: { instance: "I", topic: "orders" },
        group: { instance: "I", group: "GID_a" },
        mode: "concurrent",
        tags: "A||B",
        maxMessages: 3,
        waitUpTo: 7_000,
      },
      { ...mine, mode: "ordered", tags: "", maxMessages: 1, waitUpTo: 0 },
    ]);
    const group = { ...mine.group, group: "GID_p" };
    expect(engine.requests("receiveHalf")).toEqual([{ topic: mine.topic, group, maxMessages: 2, waitUpTo: 30_000 }]);
  });

  it("WIRE-80: numbers out of range are clamped", async () => {
    const { ask, engine } = await openFront();
    const numbers = ["17", "0", "-1", "many", "16"];
    for (const number of numbers) {
      await ask({ method: "GET", target: `${MESSAGES}?consumer=GID_a&numOfMessages=${number}&waitseconds=${number}` });
    }
    await ask({ method: "GET", target: `${MESSAGES}?consumer=GID_a&waitseconds=31` });
    const asked = engine.requests<{ maxMessages: number; waitUpTo: number }>("receive");
    expect(asked.map(({ maxMessages }) => maxMessages)).toEqual([16, 1, 1, 1, 16, 1]);
    expect(asked.map(({ waitUpTo }) => waitUpTo)).toEqual([17_000, 0, 0, 0, 16_000, 30_000]);
  });

  it("WIRE-66: a delivery has its times and attempt in decimal", async () => {
    const { ask, engine } = await openFront();
    engine.onReceive = () => [aDelivery()];
    const response = await ask(GET);
    expect(response.status).toBe(200);
    const elements = ["PublishTime", "FirstConsumeTime", "NextConsumeTime", "ConsumedTimes"];
    const values = elements.map((name) => elementOf(response, name));
    expect(values).toEqual(["1767225600000", "1767225601000", "1767225901000", "1"]);
  });

  it("WIRE-90: a delivery of each sort is read by all seven SDKs, alone and among others", async () => {
    const { ask, engine } = await openFront();
    engine.onReceive = () => [aDelivery(), aDelivery({ handle: "handle-2", body: " a\r\n<b> & \u{1F600}]]> " })];
    for (const trans of ["", "&trans=order", "&trans=pop"]) {
      const response = await ask({ method: "GET", target: POLL + trans });
      expect(response.status).toBe(200);
      expect(response.body.toString()).toContain("<FirstConsumeTime>1767225601000</FirstConsumeTime>");
    }
  });

  it("WIRE-68: a message without tag and properties has both elements, the key in the second", async () => {
    const { ask, engine } = await openFront();
    engine.onReceive = () => [aDelivery({ message: { body: "b", tag: "", key: "k", properties: [] } })];
    const response = await ask(GET);
    expect(elementOf(response, "MessageTag")).toBe("");
    expect(elementOf(response, "Properties")).toBe("KEYS:k|");
  });

  it("PUB-9.2 and WIRE-67: what no SDK can read is left out of replies", async () => {
    const { ask, engine } = await openFront();
    const properties: [string, string][] = [
      ["url", "http://a"],
      ["a", "1"],
    ];
    engine.onReceive = () => [aDelivery({ message: { body: "b", tag: "", key: "order:1", properties } })];
    expect(elementOf(await ask(GET), "Properties")).toBe("a:1|");
  });

  it("PUB-7.3: a dead letter tells its origin, but never over what its sender set", async () => {
    const { ask, engine } = await openFront();
    const deadLetter = { topic: "orders", messageId: "ID", reason: "retries-used-up", attempts: 289 } as const;
    const plain = aDelivery({ deadLetter });
    const properties: [string, string][] = [
      ["DLQ_ORIGIN_TOPIC", "mine"],
      ["DLQ_REASON", "a:b"],
    ];
    engine.onReceive = () => [plain, aDelivery({ deadLetter, message: { ...plain.message, properties } })];
    const text = (await ask(GET)).body.toString();
    expect([...text.matchAll(/<Properties>(.*)<\/Properties>/g)].map(([, found]) => found)).toEqual([
      "KEYS:order-1|a:1|DLQ_ORIGIN_TOPIC:orders|DLQ_ORIGIN_MESSAGE_ID:ID|DLQ_REASON:retries-used-up|DLQ_ATTEMPTS:289|",
      "KEYS:order-1|DLQ_ORIGIN_TOPIC:mine|DLQ_ORIGIN_MESSAGE_ID:ID|DLQ_ATTEMPTS:289|",
    ]);
  });

  it("REQ-4.3: a poll or acknowledgement without consumer is refused by its name", async () => {
    const { ask, engine } = await openFront();
    for (const query of ["", "?consumer=", "?trans=order", "?trans=pop&consumer="]) {
      for (const method of query.includes("trans") ? ["GET"] : ["GET", "DELETE"]) {
        const response = await ask({ method, target: MESSAGES + query });
        expect(verdictOf(response)).toBe("400 InvalidArgument");
        expect(elementOf(response, "Message")).toContain("Hint: consumer is missing or empty");
      }
    }
    expect(engine.asked).toEqual([]);
  });

  it("WIRE-83: an unknown group is 404 SubscriptionNotExist where the engine says so", async () => {
    const { ask, engine } = await openFront();
    engine.onReceive = () => {
      throw new BrokerError("group-not-found", "declare GID_a under instances → MQ_INST_dev → groups.");
    };
    expect(verdictOf(await ask(GET))).toBe("404 SubscriptionNotExist");
  });
});
