import { describe, expect, it } from "vitest";
import { ExpectationError } from "../../src/testing/index.ts";
import { elementsOf, openKit } from "./kit-client.ts";

async function failureOf(expectation: Promise<unknown>): Promise<string> {
  try {
    await expectation;
  } catch (error) {
    expect(error).toBeInstanceOf(ExpectationError);
    return (error as Error).message.replace(/[0-9A-F]{32}/g, "ID");
  }
  throw new Error("it was met");
}

const AT_ONCE = { within: 0 };

describe("an expectation", () => {
  it("is met by tag, key, body, sharding key, properties and attempt, and resolves to what matches", async () => {
    const { broker, client } = await openKit();
    await client.publish({
      tag: "created",
      body: '{"id":1,"lines":[{"sku":"a","count":2}]}',
      properties: "KEYS:o-1 c-7|shop:7",
    });
    await client.publish({ tag: "paid", body: "paid", properties: "__SHARDINGKEY:o-1" });
    const orders = broker.expect("orders");
    const [created] = await orders.toHavePublished({ tag: "created", times: 1 });
    expect(created).toEqual({
      messageId: expect.stringMatching(/^[0-9A-F]{32}$/),
      topic: "orders",
      state: "published",
      tag: "created",
      key: "o-1 c-7",
      body: expect.stringContaining("lines"),
      properties: { shop: "7" },
      attempt: 0,
      publishedAt: broker.clock.now(),
    });
    await orders.toHavePublished({ key: "o-1", times: 1 });
    await orders.toHavePublished({ key: "o-1 c-7", times: 1 });
    await orders.toHavePublished({ body: { lines: [{ sku: "a" }] }, times: 1 });
    await orders.toHavePublished({ body: /"id":\d/g, times: 1 });
    await orders.toHavePublished({ body: "paid", times: 1 });
    const [paid] = await orders.toHavePublished({ shardingKey: "o-1", times: 1 });
    expect(paid?.properties).toEqual({});
    await orders.toHavePublished({ properties: { shop: "7" }, times: 1 });
    await orders.toHavePublished({ messageId: created?.messageId ?? "", times: 1 });
    expect(await orders.toHavePublished()).toHaveLength(2);
    for (const none of [
      { tag: "sent" },
      { key: "c" },
      { body: "pai" },
      { body: { lines: [] } },
      { body: { id: "1" } },
    ]) {
      await orders.toHaveNothing("published", none);
    }
  });

  it("TIM-5.5: that fails says what was expected, and what came closest", async () => {
    const { broker, client } = await openKit();
    await client.publish({ tag: "refunded", body: "a", properties: "KEYS:o-9" });
    await client.publish({ tag: "created", body: "b", properties: "KEYS:o-1" });
    const orders = broker.expect("orders");
    expect(await failureOf(orders.toHavePublished({ tag: "paid", key: "o-1", times: 1, ...AT_ONCE }))).toBe(
      [
        'Expected exactly 1 message published to orders with tag "paid", key "o-1"; there were none.',
        "Of the 2 published to orders, closest first:",
        '  ID tag "created", key "o-1", body "b": its tag is "created"',
        '  ID tag "refunded", key "o-9", body "a": its tag is "refunded", its key is "o-9"',
      ].join("\n"),
    );
    expect(await failureOf(orders.toHaveNothing("published", { key: "o-1" }))).toBe(
      [
        'Expected exactly 0 messages published to orders with key "o-1"; there was 1.',
        "These match:",
        '  ID tag "created", key "o-1", body "b"',
      ].join("\n"),
    );
    expect(await failureOf(orders.toHaveDelivered({ group: "GID_a", ...AT_ONCE }))).toBe(
      "Expected at least 1 message of orders delivered to GID_a; there were none.",
    );
  });

  it("TIM-5.5: names the other ways in which a message can differ", async () => {
    const { broker, client } = await openKit();
    await client.publish({ body: "b", properties: "a:1|__SHARDINGKEY:k" });
    await client.publish({ topic: "bare" });
    const wanted = { shardingKey: "j", attempt: 2, properties: { a: "2", c: "3" }, body: { x: 1 }, messageId: "M" };
    const told = await failureOf(broker.expect("orders").toHavePublished({ ...wanted, ...AT_ONCE }));
    expect(told).toContain('with id M, sharding key "j", attempt 2, property a "2", property c "3", body with {"x":1}');
    expect(told).toContain(
      'it is another message, its sharding key is "k", its attempt is 0, its property a is "1", it has no property c, its body is "b"',
    );
    expect(await failureOf(broker.expect("bare").toHavePublished({ ...wanted, ...AT_ONCE }))).toContain(
      "it has no sharding key",
    );
    expect(await failureOf(broker.expect("bare").toHavePublished({ body: /^x/, ...AT_ONCE }))).toContain(
      "body like /^x/",
    );
  });

  it("TIM-5.5: shows five, and says how many more there are", async () => {
    const { broker, client } = await openKit();
    for (let at = 0; at < 7; at++) await client.publish({ body: `${at}` });
    const told = await failureOf(broker.expect("orders").toHavePublished({ times: 1, ...AT_ONCE }));
    expect(told.split("\n")).toHaveLength(8);
    expect(told).toMatch(/; there were 7\.\n.*\n {2}and 2 more$/s);
  });

  it("TIM-5.5: names the topic that may have been meant", async () => {
    const { broker, client } = await openKit();
    await client.publish({ topic: "order_events" });
    expect(await failureOf(broker.expect("order_event").toHavePublished({ tag: "a", ...AT_ONCE }))).toBe(
      [
        'Expected at least 1 message published to order_event with tag "a"; there were none.',
        "Nothing is published to order_event at all.",
        "There is no topic order_event, but there is order_events.",
      ].join("\n"),
    );
  });

  it("TIM-5.5: tells of a half message that would match if it were committed", async () => {
    const { broker, client } = await openKit();
    const handles: string[] = [];
    for (const tag of ["open", "undone", "done"]) {
      const half = await client.publish({ topic: "pay", tag, properties: "__TransCheckT:10" });
      handles.push(...elementsOf(half, "ReceiptHandle"));
    }
    await client.acknowledge(handles.slice(1, 2), "pay", "GID_p", "&trans=rollback");
    await client.acknowledge(handles.slice(2), "pay", "GID_p", "&trans=commit");
    const pay = broker.expect("pay");
    await pay.toHavePublished({ times: 1, tag: "done" });
    const lastOf = async (tag: string) =>
      (await failureOf(pay.toHavePublished({ tag, ...AT_ONCE }))).split("\n").at(-1);
    expect(await lastOf("open")).toMatch(/^A half message matches, but its transaction has not ended: ID tag "open"/);
    expect(await lastOf("undone")).toMatch(/^A half message matches, but its transaction was rolled back: ID/);
  });

  it("counts half messages that a back-check committed", async () => {
    const { broker, client } = await openKit();
    await client.publish({ topic: "pay", properties: "__TransCheckT:10" });
    await broker.clock.advance("11s");
    const offer = await client.poll("pay", "GID_p", "&trans=pop");
    await client.acknowledge(elementsOf(offer, "ReceiptHandle"), "pay", "GID_p", "&trans=commit");
    await broker.expect("pay").toHavePublished({ times: 1 });
    await broker.expect("pay").toHaveNothing("half");
  });

  it("waits for what comes later, and no longer than it is told to", async () => {
    const { broker, client } = await openKit();
    const waiting = broker.expect("orders").toHavePublished({ times: 2, within: "60s" });
    await client.publish();
    await client.publish();
    expect(await waiting).toHaveLength(2);
    // More cannot become fewer.
    await failureOf(broker.expect("orders").toHavePublished({ times: 1, within: "60s" }));
    await failureOf(broker.expect("orders").toHavePublished({ times: 3, within: 20 }));
  });

  it("counts what was given back as not delivered", async () => {
    const { broker, client } = await openKit();
    await client.publish();
    broker.delay("receive", "1h");
    const poll = client.poll();
    await broker.expect("orders").toHaveDelivered({ times: 1 });
    client.close();
    await expect(poll).rejects.toThrow();
    await broker.expect("orders").toHaveNothing("delivered", { within: "10s" });
    await broker.expect("orders").toHave("ready", { attempt: 0, times: 1 });
  });

  it("says what is wrong with what it is asked", async () => {
    const { broker } = await openKit();
    const orders = broker.expect("orders");
    await expect(orders.toHave("in flight" as never)).rejects.toThrow("Did you mean in-flight?");
    await expect(orders.toHave("ready", { times: -1 })).rejects.toThrow(
      "times is -1; it must be a whole number, at least 0.",
    );
    await expect(orders.toHaveNothing("published", { tagg: "paid" } as never)).rejects.toThrow(
      "A message cannot be matched by tagg. Did you mean tag?",
    );
    await expect(orders.toHaveNothing("published", { colour: "red" } as never)).rejects.toThrow("There are tag, key,");
    await expect(orders.toHave("ready", { within: "long" })).rejects.toThrow('within is "long"');
    await expect(broker.messages("orders", { state: "gone" as never })).rejects.toThrow('state is "gone"');
  });
});
