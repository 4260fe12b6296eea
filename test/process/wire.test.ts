import { afterAll, beforeAll, describe, it } from "vitest";
import { ask, askOn, bodiesOf, elementsOf, verdictOf } from "./ask.ts";
import { BrokerProcess, cleanUp } from "./broker-process.ts";
import { RawClient } from "./raw-client.ts";
import { type AnyRequest, acknowledge, poll, publish } from "./signed-request.ts";

const KIB = 1_024;
const MIB = 1_024 * KIB;
const DAY = 86_400_000;
const HALF = "__TransCheckT:10|";
const INVALID = "400 InvalidArgument";

/** Its clock is simulated: time stands still unless a test moves it. Each test has a topic of its own. */
let broker: BrokerProcess;

beforeAll(async () => {
  broker = await BrokerProcess.start({ args: ["--clock", "simulated"] });
});

afterAll(async () => {
  await broker.stop();
  await cleanUp();
});

const now = async (): Promise<number> => (await broker.advance("0s")).getTime();
const verdictOn = async (request: AnyRequest): Promise<string> => verdictOf(await ask(broker, request));
const handleOf = async (request: AnyRequest): Promise<string> =>
  elementsOf(await ask(broker, request), "ReceiptHandle")[0] ?? "";
const commit = (topic: string, handle: string): AnyRequest => acknowledge(topic, "&trans=commit", handle);

/** What a poll got, message by message. */
async function deliveriesOf(request: AnyRequest) {
  const response = await ask(broker, request);
  const text = (name: string, at: number): string => elementsOf(response, name)[at] ?? "";
  return elementsOf(response, "MessageId").map((id, at) => ({
    id,
    handle: text("ReceiptHandle", at),
    attempt: Number(text("ConsumedTimes", at)),
    firstDeliveredAt: Number(text("FirstConsumeTime", at)),
    visibleAgainAt: Number(text("NextConsumeTime", at)),
  }));
}

describe("transport", () => {
  it("WIRE-20: plain http is offered", async ({ expect }) => {
    expect(new URL(broker.endpoint).protocol).toBe("http:");
    expect(await verdictOn(publish("plain"))).toBe("201");
  });

  it("WIRE-18: publish and acknowledge answer in time while 32 clients ask", async ({ expect }) => {
    const busy = await BrokerProcess.start();
    const slowest = await Promise.all(Array.from({ length: 32 }, () => publishAndAcknowledge(busy, 20)));
    // Five times what the most impatient SDK waits: the machine may be as busy as the broker.
    expect(Math.max(...slowest)).toBeLessThan(5 * 3_000);
    await busy.stop();
  });

  /** The longest that one of the answers took, in milliseconds. */
  async function publishAndAcknowledge(to: BrokerProcess, rounds: number): Promise<number> {
    const client = await RawClient.connect(to.endpoint);
    let longest = 0;
    const timed = async (request: AnyRequest, verdict: string): Promise<void> => {
      const startedAt = performance.now();
      const answered = verdictOf(await askOn(client, request));
      if (answered !== verdict) throw new Error(`${request.method} is ${answered}`);
      longest = Math.max(longest, performance.now() - startedAt);
    };
    for (let round = 0; round < rounds; round++) {
      await timed(publish("orders"), "201");
      const handles = elementsOf(await askOn(client, poll("orders", "GID_a")), "ReceiptHandle");
      if (handles.length > 0) await timed(acknowledge("orders", "GID_a", ...handles), "204");
    }
    client.close();
    return longest;
  }
});

describe("a publish", () => {
  it("WIRE-54: a body over 4 MiB, or over 64 KiB if delayed or transactional, is 400 InvalidArgument", async ({
    expect,
  }) => {
    const delayed = `__STARTDELIVERTIME:${(await now()) + DAY}|`;
    for (const [topic, properties, limit] of [
      ["large", "", 4 * MIB],
      ["large-delayed", delayed, 64 * KIB],
      ["large-half", HALF, 64 * KIB],
    ] as const) {
      const ofSize = (bytes: number) => publish(topic, { body: "x".repeat(bytes), properties });
      expect([topic, await verdictOn(ofSize(limit))]).toEqual([topic, "201"]);
      expect([topic, await verdictOn(ofSize(limit + 1))]).toEqual([topic, INVALID]);
    }
  });

  it("WIRE-55: properties over 16 KiB are 400 InvalidArgument", async ({ expect }) => {
    const ofSize = (bytes: number) => publish("properties", { properties: `k:${"x".repeat(bytes - "k:|".length)}|` });
    expect(await verdictOn(ofSize(16 * KIB))).toBe("201");
    expect(await verdictOn(ofSize(16 * KIB + 1))).toBe(INVALID);
  });

  it("WIRE-57: a delivery time in the past delivers at once, until one ahead the message is invisible", async ({
    expect,
  }) => {
    const publishAt = async (body: string, ahead: number) =>
      ask(broker, publish("later", { body, properties: `__STARTDELIVERTIME:${(await now()) + ahead}|` }));
    await publishAt("past", -1);
    await publishAt("ahead", 10_000);
    expect(await bodiesOf(broker, poll("later", "GID_a"))).toEqual(["past"]);
    await broker.advance("9999ms");
    expect(await verdictOn(poll("later", "GID_a"))).toBe("404 MessageNotExist");
    await broker.advance("1ms");
    expect(await bodiesOf(broker, poll("later", "GID_a"))).toEqual(["ahead"]);
  });

  it("WIRE-58: a delivery time more than 40 days ahead is 400 InvalidArgument", async ({ expect }) => {
    const limit = (await now()) + 40 * DAY;
    const publishAt = (at: number) => publish("much-later", { properties: `__STARTDELIVERTIME:${at}|` });
    expect(await verdictOn(publishAt(limit))).toBe("201");
    expect(await verdictOn(publishAt(limit + 1))).toBe(INVALID);
  });
});

describe("a delivery", () => {
  it("WIRE-70, WIRE-71 and WIRE-72: is hidden for 300,000 ms, an ordered one for 60,000, a half message for 10,000", async ({
    expect,
  }) => {
    await ask(broker, publish("hidden"));
    await ask(broker, publish("hidden-half", { properties: HALF }));
    await broker.advance("11s");
    const hiddenFor = async (request: AnyRequest) => {
      const [delivery] = await deliveriesOf(request);
      return (delivery?.visibleAgainAt ?? 0) - (await now());
    };
    expect(await hiddenFor(poll("hidden", "GID_a"))).toBe(300_000);
    expect(await hiddenFor(poll("hidden", "GID_b", "trans=order"))).toBe(60_000);
    expect(await hiddenFor(poll("hidden-half", "GID_a", "trans=pop"))).toBe(10_000);
  });

  it("WIRE-69, WIRE-73 and WIRE-74: counts from 1, and returns after NextConsumeTime with a new handle, all else as it was", async ({
    expect,
  }) => {
    await ask(broker, publish("again"));
    const [first] = await deliveriesOf(poll("again", "GID_a"));
    const handles = new Set([first?.handle]);
    for (const attempt of [2, 3]) {
      await broker.advance("299999ms");
      expect(await verdictOn(poll("again", "GID_a"))).toBe("404 MessageNotExist");
      await broker.advance("1ms");
      const [again] = await deliveriesOf(poll("again", "GID_a"));
      expect(again).toMatchObject({ id: first?.id, firstDeliveredAt: first?.firstDeliveredAt, attempt });
      handles.add(again?.handle);
    }
    expect([first?.attempt, handles.size]).toEqual([1, 3]);
  });

  it("WIRE-81: the filter A||B delivers tags A and B only, * and an empty one deliver all", async ({ expect }) => {
    for (const tag of ["A", "B", "C", ""]) await ask(broker, publish("tagged", { body: `of ${tag}`, tag }));
    const all = ["of A", "of B", "of C", "of "];
    expect(await bodiesOf(broker, poll("tagged", "GID_a", "tag=A%7C%7CB"))).toEqual(["of A", "of B"]);
    expect(await bodiesOf(broker, poll("tagged", "GID_b", "tag=*"))).toEqual(all);
    expect(await bodiesOf(broker, poll("tagged", "GID_c", "tag="))).toEqual(all);
    expect(await bodiesOf(broker, poll("tagged", "GID_d"))).toEqual(all);
  });

  it("WIRE-85: a message of 4 MiB is delivered to all seven SDKs", async ({ expect }) => {
    const body = "x".repeat(4 * MIB);
    await ask(broker, publish("of-4-mib", { body }));
    // The answer is read by the models of all seven.
    expect((await bodiesOf(broker, poll("of-4-mib", "GID_a")))[0] === body).toBe(true);
  });

  it("WIRE-87: a message queue with an unacknowledged batch yields nothing, until all is acknowledged or due", async ({
    expect,
  }) => {
    const publishNext = (body: string) => ask(broker, publish("gated", { body, properties: "__SHARDINGKEY:k|" }));
    const ordered = poll("gated", "GID_a", "trans=order");
    await publishNext("0");
    await publishNext("1");
    const [first, second] = await deliveriesOf(ordered);
    await publishNext("2");
    expect(await verdictOn(acknowledge("gated", "GID_a", first?.handle ?? ""))).toBe("204");
    expect(await verdictOn(ordered)).toBe("404 MessageNotExist");
    expect(await verdictOn(acknowledge("gated", "GID_a", second?.handle ?? ""))).toBe("204");
    expect(await bodiesOf(broker, ordered)).toEqual(["2"]);
    await broker.advance("59999ms");
    expect(await verdictOn(ordered)).toBe("404 MessageNotExist");
    await broker.advance("1ms");
    expect(await bodiesOf(broker, ordered)).toEqual(["2"]);
  });
});

describe("a transaction", () => {
  const checks = (topic: string) => poll(topic, "GID_producer", "trans=pop");

  it("WIRE-99: a half message is invisible, is checked after its immunity, every 10 s for 24 h, then abandoned", async ({
    expect,
  }) => {
    const publishedAt = await now();
    await ask(broker, publish("undecided", { properties: HALF }));
    await broker.advance("9999ms");
    expect(await verdictOn(checks("undecided"))).toBe("404 MessageNotExist");
    await broker.advance(`${Math.ceil(publishedAt / 1_000) * 1_000 - publishedAt + 1}ms`);
    const [first] = await deliveriesOf(checks("undecided"));
    for (const attempt of [2, 3]) {
      await broker.advance("9999ms");
      expect(await verdictOn(checks("undecided"))).toBe("404 MessageNotExist");
      await broker.advance("1ms");
      expect(await deliveriesOf(checks("undecided"))).toMatchObject([{ id: first?.id, attempt }]);
    }
    const day = (first?.firstDeliveredAt ?? 0) + DAY;
    await broker.advance(`${day - (await now()) - 10_000}ms`);
    const [last] = await deliveriesOf(checks("undecided"));
    expect(last?.attempt).toBe(4);
    await broker.advance("10s");
    expect(await verdictOn(checks("undecided"))).toBe("404 MessageNotExist");
    expect(await verdictOn(commit("undecided", last?.handle ?? ""))).toBe("404 MessageNotExist");
    await broker.advance("1d");
    expect(await verdictOn(poll("undecided", "GID_a"))).toBe("404 MessageNotExist");
  });

  it("WIRE-100: the publish handle commits before the immunity ends, afterwards only the polled one", async ({
    expect,
  }) => {
    const early = await handleOf(publish("decided", { body: "early", properties: HALF }));
    const late = await handleOf(publish("decided", { body: "late", properties: HALF }));
    expect(await verdictOn(poll("decided", "GID_a"))).toBe("404 MessageNotExist");
    expect(await verdictOn(commit("decided", early))).toBe("204");
    expect(await bodiesOf(broker, poll("decided", "GID_a"))).toEqual(["early"]);
    await broker.advance("11s");
    const refused = await ask(broker, commit("decided", late));
    expect([verdictOf(refused), elementsOf(refused, "ReceiptHandle")]).toEqual(["404 MessageNotExist", [late]]);
    expect(await verdictOn(commit("decided", await handleOf(checks("decided"))))).toBe("204");
    expect(await bodiesOf(broker, poll("decided", "GID_a"))).toEqual(["late"]);
  });
});
