import { describe, expect, it } from "vitest";
import { startTestBroker, type TestLogLine } from "../../src/testing/index.ts";
import { KitClient, openKit, verdictOf } from "./kit-client.ts";

describe("startTestBroker", () => {
  it("TIM-5.1: serves on a port of its own, several at once, each with its own messages", async () => {
    const [one, other] = await Promise.all([openKit(), openKit()]);
    expect(one.broker.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(one.broker.endpoint).not.toBe(other.broker.endpoint);
    await one.client.publish({ body: "to one" });
    expect(await other.client.consume()).toEqual([]);
    expect(await one.client.consume()).toEqual(["to one"]);
  });

  it("ends when it is disposed of, and stops twice without harm", async () => {
    const broker = await startTestBroker();
    const client = new KitClient(broker);
    expect(verdictOf(await client.publish())).toBe("201");
    await broker[Symbol.asyncDispose]();
    await broker.stop();
    await expect(client.publish()).rejects.toThrow("ECONNREFUSED");
  });

  it("lets in its own key alone", async () => {
    const { client } = await openKit({ credentials: { accessKeyId: "shop", accessKeySecret: "s3cret" } });
    expect(verdictOf(await client.publish())).toBe("201");
    expect(verdictOf(await client.ask({ accessKeyId: "dev" }))).toBe("403 InvalidAccessKeyId");
    expect(verdictOf(await client.ask({ secret: "wrong" }))).toBe("403 SignatureDoesNotMatch");
  });

  it("takes an instance, which requests may name", async () => {
    const { broker, client } = await openKit({ instance: "MQ_INST_shop" });
    await client.ask({
      target: "/topics/orders/messages?ns=MQ_INST_shop",
      body: "<Message><MessageBody>a</MessageBody></Message>",
    });
    await client.ask({
      target: "/topics/orders/messages?ns=MQ_INST_other",
      body: "<Message><MessageBody>b</MessageBody></Message>",
    });
    await broker.expect("orders").toHavePublished({ times: 1 });
    await broker.expect("orders", { instance: "MQ_INST_other" }).toHavePublished({ times: 1 });
    expect(await broker.messages("orders", { state: "ready", instance: "MQ_INST_other" })).toHaveLength(1);
  });

  it("declares topics and groups, and refuses others where it is told to", async () => {
    const { broker, client } = await openKit({
      topics: { steps: { kind: "ordered", queues: 1 }, orders: "normal" },
      groups: { GID_a: { maxRetries: 0, invisibleFor: "30s" } },
      settings: { makeByUse: false, typeCheck: "enforce" },
    });
    expect(verdictOf(await client.publish({ topic: "others" }))).toBe("404 TopicNotExist");
    expect(verdictOf(await client.poll("orders", "GID_b"))).toBe("404 SubscriptionNotExist");
    expect(verdictOf(await client.publish({ properties: "__SHARDINGKEY:k" }))).toBe("400 InvalidArgument");
    expect(verdictOf(await client.publish({ topic: "steps", properties: "__SHARDINGKEY:k" }))).toBe("201");
    await client.publish();
    await client.poll();
    await broker.clock.advance("30s");
    await broker.expect("orders").toHaveDeadLettered({ group: "GID_a", times: 1 });
  });

  it("takes settings as the file has them, durations in milliseconds too", async () => {
    const { broker, client } = await openKit({ settings: { invisibleFor: 2_000, maxRetries: 1 } });
    await client.publish();
    for (const attempt of [1, 2]) {
      await client.poll();
      await broker.expect("orders").toHaveDelivered({ attempt, times: 1 });
      await broker.clock.advance(2_000);
    }
    await broker.expect("orders").toHaveDeadLettered({ times: 1 });
  });

  it("names every mistake in its options", async () => {
    await expect(
      startTestBroker({
        topics: { orders: "orderly" as never, steps: { kind: "ordered", queues: 0 } },
        groups: { GID_a: { invisibleFor: "soon", maxRetrys: 3 } as never },
        settings: { from: "first" as never },
      }),
    ).rejects.toThrow(
      [
        'settings.from is "first"; it must be one of earliest, latest.',
        'topics.orders.kind is "orderly"; it must be one of normal, delayed, ordered, transactional.',
        "topics.steps.queues is 0; it must be a whole number from 1 to 1,024.",
        'groups.GID_a.invisibleFor is "soon"; it must be a ',
      ].join("\n"),
    );
    await expect(startTestBroker({ clock: "fast" as never })).rejects.toThrow('clock is "fast"');
    await expect(startTestBroker({ groups: { GID_a: { maxRetrys: 3 } as never } })).rejects.toThrow(
      "groups.GID_a.maxRetrys is no setting. Did you mean maxRetries?",
    );
  });

  it("is silent unless it is given somebody to tell", async () => {
    const lines: TestLogLine[] = [];
    const { client } = await openKit({ log: (line) => lines.push(line) });
    await client.publish();
    await client.consume();
    expect(lines.map(({ event }) => event)).toContain("message.acknowledged");
  });

  it("TIM-4.1: stands still until it is advanced", async () => {
    const { broker } = await openKit();
    const before = broker.clock.now();
    expect(await broker.clock.advance("0s")).toEqual(before);
    const after = await broker.clock.advance("5m");
    expect(after.getTime() - before.getTime()).toBe(300_000);
    expect(broker.clock.now()).toEqual(after);
    await expect(broker.clock.advance("5 parsecs")).rejects.toThrow(
      'by is "5 parsecs"; it must be milliseconds, or like "5m"',
    );
    await expect(broker.clock.advance(-1)).rejects.toThrow("by is -1");
  });

  it("runs by itself with the system's clock, which cannot be advanced", async () => {
    const { broker, client } = await openKit({ clock: "system" });
    await expect(broker.clock.advance("5m")).rejects.toThrow('only with clock "simulated"');
    const waiting = broker.expect("orders").toHavePublished({ within: "30s", times: 1 });
    await client.publish();
    expect(await waiting).toHaveLength(1);
    await broker.reset();
    await broker.expect("orders").toHaveNothing("published");
  });

  it("TIM-5.2: what came due has happened when an advance resolves", async () => {
    const { broker, client } = await openKit({ settings: { maxRetries: 1 } });
    const at = broker.clock.now().getTime();
    await client.publish();
    await client.publish({ topic: "later", properties: `__STARTDELIVERTIME:${at + 60_000}` });
    await client.publish({ topic: "pay", properties: "__TransCheckT:10" });
    await client.poll();
    expect(await broker.messages("orders", { state: "in-flight" })).toMatchObject([
      { group: "GID_a", attempt: 1, dueAt: new Date(at + 300_000) },
    ]);

    await broker.clock.advance("12s");
    expect(await client.poll("pay", "GID_p", "&trans=pop")).toMatchObject({ status: 200 });
    await broker.clock.advance("5m");
    expect(await broker.messages("later", { state: "delayed" })).toEqual([]);
    expect(await broker.messages("later", { state: "ready" })).toHaveLength(1);
    expect(await broker.messages("orders", { state: "in-flight" })).toEqual([]);
    expect(await broker.messages("orders", { state: "ready" })).toMatchObject([{ attempt: 1 }]);
    await client.poll();
    await broker.clock.advance("5m");
    expect(await broker.messages("orders", { state: "dead" })).toMatchObject([{ group: "GID_a", attempt: 2 }]);
  });

  it("TIM-5.2: a poll that waits has been answered", async () => {
    const { broker, client } = await openKit({ settings: { invisibleFor: "5s" } });
    await client.publish();
    await client.poll();
    let isAnswered = false;
    const poll = client.poll("orders", "GID_a", "&waitseconds=30").finally(() => {
      isAnswered = true;
    });
    // It may not have come yet when the first of them is asked for.
    while (!isAnswered) await broker.clock.advance("5s");
    expect(verdictOf(await poll)).toBe("200");
  });

  it("TIM-5.4: forgets at a reset what is not declared, and leaves the clock", async () => {
    const { broker, client } = await openKit({ topics: { orders: "ordered" }, settings: { makeByUse: true } });
    await client.publish({ body: "old" });
    await client.publish({ topic: "others" });
    broker.failNext("publish", "InternalError", { times: 9 });
    const before = await broker.clock.advance("1h");
    await broker.reset();
    expect(broker.clock.now()).toEqual(before);
    expect(broker.faults()).toEqual([]);
    expect(await broker.messages("orders", { state: "published" })).toEqual([]);
    expect(await broker.messages("orders", { state: "ready" })).toEqual([]);
    expect(verdictOf(await client.publish({ body: "new" }))).toBe("201");
    expect(await client.consume()).toEqual(["new"]);
  });
});
