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
