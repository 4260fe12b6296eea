import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import type { Delivery } from "../../src/engine/engine.ts";
import { DEFAULT_HTTP_LIMITS } from "../../src/http/http-front.ts";
import { type OpenFront, openFront, verdictOf } from "./open-front.ts";
import type { RawClient } from "./raw-client.ts";
import { aDelivery } from "./scripted-engine.ts";
import { aMessage, POLL } from "./signed-request.ts";

const GET = { method: "GET", target: POLL };
/** 20 MiB on the wire: more than any socket takes at once. */
const LARGE = "&".repeat(4 * 1_024 * 1_024);

/** An engine's poll that answers with `deliveries` as soon as its caller has hung up. */
function onceHungUp(deliveries: Delivery[]) {
  return (_request: unknown, { signal }: { signal: AbortSignal }) =>
    new Promise<Delivery[]>((resolve) => signal.addEventListener("abort", () => resolve(deliveries)));
}

/** A front where one client, `stuck`, does not read and has all the room there is. */
async function openFullFront(): Promise<OpenFront & { stuck: RawClient }> {
  const open = await openFront({ options: { sharedAnswerBytes: LARGE.length } });
  open.engine.onReceive = () => [aDelivery({ handle: "not read", body: LARGE })];
  const stuck = await open.connect();
  stuck.socket.pause();
  stuck.send(open.format(GET));
  await open.engine.untilAsked("receive");
  return { ...open, stuck };
}

describe("a client that goes away", () => {
  it.each([
    ["is cut off", (socket: { destroy(): unknown }) => socket.destroy()],
    ["closes its half", (socket: { end(): unknown }) => socket.end()],
  ] as const)(
    "DEL-8.1: during the wait ends it, and what was committed all the same is given back: %s",
    async (_how, leave) => {
      const { connect, format, engine } = await openFront();
      engine.onReceive = onceHungUp([aDelivery({ handle: "h1" }), aDelivery({ handle: "h2" })]);
      const client = await connect();
      client.send(format(GET));
      await engine.untilAsked("receive");
      leave(client.socket);
      await engine.untilAsked("giveBack");
      expect(engine.requests("giveBack")).toEqual([{ handles: ["h1", "h2"] }]);
      expect(engine.asked.at(-1)?.call.signal.aborted).toBe(false);
    },
  );

  it("DEL-8.1: one that waits and then goes has nothing to give back", async () => {
    const { connect, format, engine, front } = await openFront();
    engine.onReceive = onceHungUp([]);
    const client = await connect();
    client.send(format(GET));
    await engine.untilAsked("receive");
    client.close();
    await front.stop();
    expect(engine.requests("giveBack")).toEqual([]);
  });

  it.each([
    ["after the status line", 1],
    ["in the middle of a large answer", 3_000_000],
  ])("DEL-8.1: cut off %s it has received nothing", async (_when, bytes) => {
    const { connect, format, engine } = await openFront();
    engine.onReceive = () => [aDelivery({ body: LARGE })];
    const client = await connect();
    let received = 0;
    client.socket.on("data", (chunk) => {
      received += chunk.length;
      if (received >= bytes) client.close();
    });
    client.send(format(GET));
    await engine.untilAsked("giveBack");
    expect(engine.requests("giveBack")).toEqual([{ handles: ["handle-1"] }]);
  });

  it("DEL-8.1: half-closed in the middle of a large answer it has received nothing", async () => {
    const { connect, format, engine } = await openFront();
    engine.onReceive = () => [aDelivery({ body: LARGE })];
    const client = await connect();
    client.socket.once("data", () => client.socket.pause().end());
    client.send(format(GET));
    await engine.untilAsked("giveBack");
    expect(engine.requests("giveBack")).toEqual([{ handles: ["handle-1"] }]);
  });

  it("DEL-8.1 and REQ-2.4: one that takes nothing of its answer for a minute is cut off and has received nothing", async () => {
    const { connect, format, engine, steadyClock } = await openFront();
    engine.onReceive = () => [aDelivery({ body: LARGE })];
    const client = await connect();
    client.socket.pause();
    client.send(format(GET));
    await engine.untilAsked("receive");
    await steadyClock.advance(DEFAULT_HTTP_LIMITS.answerTimeout - 1);
    expect(engine.requests("giveBack")).toEqual([]);
    // What the sockets swallowed was taken: the minute begins with the last of it.
    while (engine.requests("giveBack").length === 0) await steadyClock.advance(DEFAULT_HTTP_LIMITS.answerTimeout);
    expect(engine.requests("giveBack")).toEqual([{ handles: ["handle-1"] }]);
  });

  it("REQ-2.4: a step of the wall clock cuts nobody off", async () => {
    const { connect, format, engine, clock } = await openFront();
    engine.onReceive = () => [aDelivery({ body: LARGE })];
    const client = await connect();
    client.socket.pause();
    client.send(format(GET));
    await engine.untilAsked("receive");
    await clock.settle();
    await clock.step(10 * DEFAULT_HTTP_LIMITS.answerTimeout);
    expect(engine.requests("giveBack")).toEqual([]);
    client.socket.resume();
    expect((await client.response("GET")).status).toBe(200);
  });

  it("REQ-2.4: one that takes its answer slowly gets it whole", async () => {
    const { port, format, engine, steadyClock } = await openFront();
    engine.onReceive = () => [aDelivery({ body: LARGE })];
    const startedAt = steadyClock.now();
    const socket = connect(port, "127.0.0.1").on("error", () => {});
    socket.write(format(GET));
    let received = 0;
    let sinceBreak = 0;
    for await (const chunk of socket) {
      received += chunk.length;
      sinceBreak += chunk.length;
      if (received > LARGE.length * "&amp;".length) break;
      if (sinceBreak < 3_000_000) continue;
      sinceBreak = 0;
      await steadyClock.advance(DEFAULT_HTTP_LIMITS.answerTimeout / 2);
    }
    expect(received).toBeGreaterThan(LARGE.length * "&amp;".length);
    expect(steadyClock.now() - startedAt).toBeGreaterThan(2 * DEFAULT_HTTP_LIMITS.answerTimeout);
  });

  it("REQ-2.5: without room for a large answer it is 503 and its deliveries are given back, while small ones go on", async () => {
    const { ask, engine, stuck } = await openFullFront();
    engine.onReceive = () => [aDelivery({ handle: "no room", body: "x".repeat(100_000) })];
    expect(verdictOf(await ask(GET))).toBe("503 InternalServerError");
    expect(engine.requests("giveBack")).toEqual([{ handles: ["no room"], noRoom: true }]);
    engine.onReceive = () => [aDelivery({ body: "x".repeat(50_000) })];
    expect((await ask(GET)).status).toBe(200);
    expect((await ask({ body: aMessage() })).status).toBe(201);
    stuck.close();
    await engine.untilAsked("giveBack", 2);
    engine.onReceive = () => [aDelivery({ body: "x".repeat(100_000) })];
    expect((await ask(GET)).status).toBe(200);
  });

  it("REQ-2.5: who takes nothing makes way for who does", async () => {
    const { ask, steadyClock, engine } = await openFullFront();
    engine.onReceive = () => [aDelivery({ handle: "read", body: "x".repeat(100_000) })];
    const startedAt = steadyClock.now();
    while ((await ask(GET)).status !== 200) await steadyClock.advance(5_000);
    expect(steadyClock.now() - startedAt).toBeLessThan(DEFAULT_HTTP_LIMITS.answerTimeout);
    expect(engine.requests("giveBack")).toContainEqual({ handles: ["not read"] });
  });

  it("DEL-8.1: an answer that was handed to the operating system stands", async () => {
    const { connect, format, engine, front } = await openFront();
    engine.onReceive = () => [aDelivery()];
    const client = await connect();
    client.send(format(GET));
    expect((await client.response("GET")).status).toBe(200);
    client.close();
    await front.stop();
    expect(engine.requests("giveBack")).toEqual([]);
  });

  it("DEL-8.1: of two polls in one pipeline both are given back", async () => {
    const { connect, format, engine } = await openFront();
    let answer: (deliveries: Delivery[]) => void = () => {};
    engine.onReceive = () => {
      engine.onReceive = () => [aDelivery({ handle: "second" })];
      return new Promise((resolve) => {
        answer = resolve;
      });
    };
    const client = await connect();
    client.send(format(GET), format(GET));
    await engine.untilAsked("receive", 2);
    client.close();
    await engine.untilAsked("giveBack");
    answer([aDelivery({ handle: "first" })]);
    await engine.untilAsked("giveBack", 2);
    expect(engine.requests("giveBack")).toEqual([{ handles: ["second"] }, { handles: ["first"] }]);
  });

  it("a give-back that fails is said, and harms nobody", async () => {
    const { ask, connect, format, engine, log } = await openFront();
    engine.onReceive = onceHungUp([aDelivery()]);
    engine.onGiveBack = () => {
      throw new Error("no");
    };
    const client = await connect();
    client.send(format(GET));
    await engine.untilAsked("receive");
    client.close();
    await engine.untilAsked("giveBack");
    engine.onReceive = () => [];
    expect(verdictOf(await ask(GET))).toBe("404 MessageNotExist");
    expect(log.of("request.failed")).toHaveLength(1);
  });

  it("REQ-2.2: one that leaves while its body comes leaves its room", async () => {
    const { ask, connect, format, engine } = await openFront({ options: { sharedReadBytes: 200_000 } });
    const large = aMessage({ body: "x".repeat(150_000) });
    const client = await connect();
    client.send(format({ body: large }).subarray(0, 100_000));
    client.socket.end();
    expect((await ask({ body: large })).status).toBe(201);
    expect(engine.requests("publish")).toHaveLength(1);
  });
});
