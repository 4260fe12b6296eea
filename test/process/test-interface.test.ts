import { readdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, it } from "vitest";
import { ask, bodiesOf, elementsOf, headerOf, verdictOf } from "./ask.ts";
import { BrokerProcess, cleanUp, newDirectory } from "./broker-process.ts";
import { acknowledge, poll, publish } from "./signed-request.ts";

afterAll(cleanUp);

describe.concurrent("the test interface", () => {
  async function postTo(broker: BrokerProcess, path: string, body: string, method = "POST") {
    const response = await fetch(`${broker.ready.test}${path}`, { method, ...(method === "POST" ? { body } : {}) });
    return { status: response.status, answer: (await response.json()) as { now?: string; error?: string } };
  }

  it("TIM-4.1: time stands still until it is advanced, and the Date header goes on", async ({ expect }) => {
    const broker = await BrokerProcess.start({ args: ["--clock", "simulated"] });
    expect(new URL(broker.ready.test ?? "").hostname).toBe("127.0.0.1");
    const before = await broker.advance("0s");
    const response = await ask(broker, publish("orders"));
    await sleep(50);
    expect(await broker.advance("0s")).toEqual(before);
    await broker.advance("90d");
    for (const dated of [response, await ask(broker, publish("orders"))]) {
      expect(verdictOf(dated)).toBe("201");
      expect(Math.abs(Date.parse(headerOf(dated, "Date") ?? "") - Date.now())).toBeLessThan(600_000);
    }
    await broker.stop();
  });

  it("TIM-4.2: a long poll ends when its wait has passed on either clock", async ({ expect }) => {
    const broker = await BrokerProcess.start({ args: ["--clock", "simulated"] });
    const onTheirs = ask(broker, poll("orders", "GID_a", "waitseconds=1"));
    expect(verdictOf(await onTheirs)).toBe("404 MessageNotExist");
    let isAnswered = false;
    const onOurs = ask(broker, poll("orders", "GID_a", "waitseconds=30")).finally(() => {
      isAnswered = true;
    });
    const startedAt = performance.now();
    // The poll may not have come yet when the first of them is asked for.
    while (!isAnswered) await broker.advance("30s");
    expect(verdictOf(await onOurs)).toBe("404 MessageNotExist");
    expect(performance.now() - startedAt).toBeLessThan(29_000);
    await broker.stop();
  });

  it("TIM-4.3: without --data nothing is kept", async ({ expect }) => {
    const startedIn = await newDirectory();
    const broker = await BrokerProcess.start({ args: ["--clock", "simulated"], startedIn });
    await ask(broker, publish("orders"));
    expect(broker.ready.dataDirectory).toBeUndefined();
    expect(await readdir(startedIn)).toEqual([]);
    await broker.stop();
  });

  it("forgets at a reset what no file declares, and leaves the clock", async ({ expect }) => {
    const broker = await BrokerProcess.start({ args: ["--clock", "simulated", "--data", await newDirectory()] });
    await ask(broker, publish("orders"));
    const handle = elementsOf(await ask(broker, poll("orders", "GID_a")), "ReceiptHandle");
    const before = await broker.advance("1h");
    await broker.reset();
    expect(await broker.advance("0s")).toEqual(before);
    expect(verdictOf(await ask(broker, acknowledge("orders", "GID_a", ...handle)))).toMatch(/^404 /);
    expect(await bodiesOf(broker, poll("orders", "GID_b"))).toEqual([]);
    expect(verdictOf(await ask(broker, publish("orders", { properties: "__SHARDINGKEY:k|" })))).toBe("201");
    expect(await bodiesOf(broker, poll("orders", "GID_b", "trans=order"))).toEqual(["hello"]);
    await broker.stop();
  });

  it("TIM-5.6: lists messages by state, and says what it expected", async ({ expect }) => {
    const broker = await BrokerProcess.start({ args: ["--clock", "simulated"] });
    const post = (verb: string, body: object) => postTo(broker, `/api/v1/test/${verb}`, JSON.stringify(body));
    await ask(broker, publish("orders", { tag: "paid", properties: "KEYS:o-1|" }));
    expect(await post("messages", { topic: "orders", state: "ready" })).toMatchObject({
      status: 200,
      answer: { messages: [{ topic: "orders", state: "ready", tag: "paid", key: "o-1", body: "hello", attempt: 0 }] },
    });
    await ask(broker, poll("orders", "GID_a"));
    const { answer } = await post("messages", { topic: "orders", state: "in-flight", group: "GID_a" });
    const { now = "" } = (await post("advance", { by: "0s" })).answer;
    const dueAt = new Date(Date.parse(now) + 300_000).toISOString();
    expect(answer).toMatchObject({ messages: [{ group: "GID_a", attempt: 1, dueAt }] });

    const met = await post("expect", { topic: "orders", state: "published", tag: "paid", body: "hello", times: 1 });
    expect(met).toMatchObject({ status: 200, answer: { messages: [{ key: "o-1" }] } });
    const missed = await post("expect", { topic: "orders", state: "published", tag: "sent", within: "0s" });
    expect(missed.status).toBe(409);
    expect(missed.answer.error).toContain('with tag "sent"; there were none.');
    await broker.reset();
    expect(await post("messages", { topic: "orders", state: "published" })).toMatchObject({ answer: { messages: [] } });
    await broker.stop();
  });

  it("TIM-5.6: lets requests fail, answers come late, twice or not at all", async ({ expect }) => {
    const broker = await BrokerProcess.start({ args: ["--clock", "simulated"] });
    const post = (verb: string, body: object) => postTo(broker, `/api/v1/test/${verb}`, JSON.stringify(body));
    expect(await post("fail", { operation: "publish", code: "QpsLimitExceeded", topic: "orders" })).toEqual({
      status: 200,
      answer: { faults: [{ operation: "publish", kind: "fail", code: "QpsLimitExceeded", times: 1, topic: "orders" }] },
    });
    expect(verdictOf(await ask(broker, publish("orders")))).toBe("400 QpsLimitExceeded");
    await post("drop", { operation: "publish" });
    await expect(ask(broker, publish("orders"))).rejects.toThrow();
    await post("duplicate", {});
    expect(await bodiesOf(broker, poll("orders", "GID_a"))).toEqual(["hello"]);
    expect(await bodiesOf(broker, poll("orders", "GID_a"))).toEqual(["hello"]);
    await post("delay", { operation: "publish", by: "1h", times: 1 });
    const late = ask(broker, publish("orders"));
    await post("expect", { topic: "orders", state: "published", times: 2 });
    await broker.advance("1h");
    expect(verdictOf(await late)).toBe("201");
    await post("fail", { operation: "receive", code: "InternalError", times: 9 });
    expect(await post("clear-faults", {})).toEqual({ status: 200, answer: { faults: [] } });
    expect(await post("faults", {})).toEqual({ status: 200, answer: { faults: [] } });
    await broker.stop();
  });

  it("TIM-5.6: says what is wrong with what it is asked, and what would be right", async ({ expect }) => {
    const broker = await BrokerProcess.start({ args: ["--clock", "simulated"] });
    for (const [verb, body, sentence] of [
      ["fail", '{"operation":"acknowlege","code":"InternalError"}', "Did you mean acknowledge?"],
      ["fail", '{"operation":"publish","kode":"InternalError"}', '"kode" is no field; there are operation, code,'],
      ["fail", '{"operation":5}', "operation is 5; it must be text."],
      ["fail", "[]", 'The body is no JSON object. fail takes {"operation":"acknowledge"'],
      ["messages", '{"topic":"orders","state":"gone"}', 'state is "gone"; it must be one of published, delivered,'],
      ["expect", '{"topic":"orders","state":"ready","properties":{"a":1}}', "it must be an object of texts."],
      ["expect", '{"topic":"orders","state":"ready","times":"2"}', 'times is "2"; it must be a number.'],
      ["drop", '{"operation":"publish","lose":"all"}', 'lose is "all"'],
      ["delay", '{"operation":"publish"}', 'delay takes {"operation":"publish","by":"200ms"}.'],
    ] as const) {
      const { status, answer } = await postTo(broker, `/api/v1/test/${verb}`, body);
      expect([status, answer.error]).toEqual([400, expect.stringContaining(sentence)]);
    }
    const unknown = await postTo(broker, "/api/v1/test/fial", "{}");
    expect([unknown.status, unknown.answer.error]).toEqual([404, expect.stringContaining("advance, reset, messages,")]);
    await broker.stop();
  });

  it("says what is wrong with what it is asked", async ({ expect }) => {
    const broker = await BrokerProcess.start({ args: ["--clock", "simulated"] });
    const before = await broker.advance("0s");
    for (const body of [
      "",
      "{}",
      '{"by":5}',
      '{"by":"-5m"}',
      '{"by":"5 parsecs"}',
      '{"by":"9999d"}',
      "[",
      "null",
      "x".repeat(99_999),
    ]) {
      const { status, answer } = await postTo(broker, "/api/v1/test/advance", body);
      expect([body.slice(0, 20), status, answer.error]).toEqual([
        body.slice(0, 20),
        400,
        expect.stringContaining('{"by":"5m"}'),
      ]);
    }
    const unknown = await postTo(broker, "/api/v1/test/rewind", "{}");
    expect([unknown.status, unknown.answer.error]).toEqual([404, expect.stringContaining("/api/v1/test/advance")]);
    expect((await postTo(broker, "/api/v1/test/advance", "", "GET")).status).toBe(404);
    expect(await broker.advance("0s")).toEqual(before);
    await broker.stop();
  });
});
