import { describe, expect, it } from "vitest";
import { MINUTE, SECOND } from "../../src/domain/time.ts";
import type { MessageQuery } from "../../src/engine/engine.ts";
import { Bench, DEFAULTS, INSTANCE, ordered } from "./bench.ts";
import { engines } from "./engines.ts";

const TOPIC = { instance: INSTANCE, topic: "orders" };
const GROUP = { instance: INSTANCE, group: "GID_a" };

describe.each(engines)("messages by state, $name", (under) => {
  async function aBench(settings = {}): Promise<Bench> {
    return new Bench(under, await under.open({ ...DEFAULTS, ...settings }));
  }

  async function list(bench: Bench, query: Partial<MessageQuery> & Pick<MessageQuery, "state">): Promise<unknown[]> {
    const { messages, isCut } = await bench.engine.inspection.listMessages({ topic: TOPIC, limit: 100, ...query });
    expect(isCut).toBe(false);
    return messages.map(({ message, group, attempt, dueAt, isAbandoned, deadLetter }) => [
      message.body,
      group?.group,
      attempt,
      dueAt === undefined ? undefined : dueAt - bench.now,
      ...(isAbandoned ? ["abandoned"] : []),
      ...(deadLetter === undefined ? [] : [deadLetter.reason]),
    ]);
  }

  it("lists nothing of a topic that does not exist", async () => {
    const bench = await aBench();
    for (const state of ["ready", "in-flight", "delayed", "half", "dead"] as const) {
      expect(await list(bench, { state })).toEqual([]);
    }
  });

  it("lists as ready what no group has polled, and what a named one would be given", async () => {
    const bench = await aBench();
    await bench.publishAll(["one", "two"]);
    await bench.declareGroup("GID_late");
    await bench.publish({ body: "three" });
    expect(await list(bench, { state: "ready" })).toEqual([
      ["one", undefined, 0, undefined],
      ["two", undefined, 0, undefined],
      ["three", undefined, 0, undefined],
    ]);
    const late = { instance: INSTANCE, group: "GID_late" };
    expect(await list(bench, { state: "ready", group: late })).toEqual([["three", "GID_late", 0, undefined]]);
    expect(await list(bench, { state: "ready", group: GROUP })).toHaveLength(3);
  });

  it("lists for each group what is in flight, until when, and what is ready, in the order of its queue", async () => {
    const bench = await aBench();
    await bench.publishAll(["one", "two", "three"]);
    await bench.receive({ max: 1 });
    await bench.advance(MINUTE);
    const [two] = await bench.receive({ max: 1 });
    await bench.receive({ group: "GID_b", max: 1 });
    expect(await list(bench, { state: "in-flight", group: GROUP })).toEqual([
      ["one", "GID_a", 1, 4 * MINUTE],
      ["two", "GID_a", 1, 5 * MINUTE],
    ]);
    expect(await list(bench, { state: "in-flight" })).toHaveLength(3);
    expect(await list(bench, { state: "ready", group: GROUP })).toEqual([["three", "GID_a", 0, undefined]]);

    await bench.acknowledge([two ?? ""]);
    await bench.advance(4 * MINUTE);
    expect(await list(bench, { state: "in-flight", group: GROUP })).toEqual([]);
    expect(await list(bench, { state: "ready", group: GROUP })).toEqual([
      ["one", "GID_a", 1, undefined],
      ["three", "GID_a", 0, undefined],
    ]);
  });

  it("lists what was given back as ready, and once", async () => {
    const bench = await aBench();
    await bench.publish();
    await bench.giveBack(await bench.receive());
    expect(await list(bench, { state: "ready" })).toEqual([["hello", "GID_a", 0, undefined]]);
    expect(await list(bench, { state: "in-flight" })).toEqual([]);
  });

  it("lists ordered messages of every message queue", async () => {
    const bench = await aBench();
    for (const key of ["a", "b", "c"]) await bench.publish({ body: key, intent: ordered(key) });
    const listed = (await list(bench, { state: "ready" })) as [string][];
    expect(listed.map(([body]) => body).sort()).toEqual(["a", "b", "c"]);
  });

  it("lists delayed messages in due order", async () => {
    const bench = await aBench();
    for (const [body, ahead] of [
      ["late", 20 * MINUTE],
      ["soon", MINUTE],
    ] as const) {
      await bench.publish({ body, intent: { kind: "delayed", deliverAt: bench.clock.wall() + ahead } });
    }
    await bench.publish({ topic: "other", intent: { kind: "delayed", deliverAt: bench.clock.wall() + MINUTE } });
    expect(await list(bench, { state: "delayed" })).toEqual([
      ["soon", undefined, 0, MINUTE],
      ["late", undefined, 0, 20 * MINUTE],
    ]);
    await bench.advance(MINUTE);
    expect(await list(bench, { state: "delayed" })).toEqual([["late", undefined, 0, 19 * MINUTE]]);
  });

  it("lists half messages with their checks, and abandoned ones, until they end", async () => {
    const bench = await aBench({ checkFor: 20 * SECOND });
    await bench.advance(SECOND - (bench.now % SECOND)); // TX-3: checks come at whole seconds
    const intent = { kind: "transactional", firstCheckAfter: 10 * SECOND } as const;
    const { transactionHandle } = await bench.publish({ body: "ended", intent });
    await bench.publish({ body: "open", intent });
    await bench.end("commit", [transactionHandle]);
    expect(await list(bench, { state: "half" })).toEqual([["open", undefined, 0, 10 * SECOND]]);
    await bench.advance(11 * SECOND);
    await bench.receiveHalf();
    expect(await list(bench, { state: "half" })).toEqual([["open", undefined, 1, 10 * SECOND]]);
    await bench.advance(MINUTE);
    expect(await list(bench, { state: "half" })).toEqual([["open", undefined, 1, undefined, "abandoned"]]);
  });

  it("lists the dead letters of a topic, with the group that could not consume them", async () => {
    const bench = await aBench({ maxRetries: 0 });
    await bench.publish({ body: "bad" });
    await bench.publish({ topic: "other", body: "bad too" });
    await bench.receive();
    await bench.receive({ topic: "other" });
    await bench.advance(5 * MINUTE);
    expect(await list(bench, { state: "dead" })).toEqual([["bad", "GID_a", 1, undefined, "retries-used-up"]]);
    expect(await list(bench, { state: "dead", group: { instance: INSTANCE, group: "GID_b" } })).toEqual([]);
    const letters = { instance: INSTANCE, topic: "%DLQ%GID_a" };
    expect(await list(bench, { topic: letters, state: "ready" })).toHaveLength(2);
  });

  it("says when there are more", async () => {
    const bench = await aBench({ maxRetries: 0 });
    await bench.publishAll(["one", "two", "three"]);
    const cut = (state: MessageQuery["state"], limit: number) =>
      bench.engine.inspection.listMessages({ topic: TOPIC, state, limit });
    expect(await cut("ready", 2)).toMatchObject({ messages: [{}, {}], isCut: true });
    expect(await cut("ready", 3)).toMatchObject({ messages: [{}, {}, {}], isCut: false });
    await bench.receive();
    await bench.advance(5 * MINUTE);
    expect(await cut("dead", 2)).toMatchObject({ messages: [{}, {}], isCut: true });
    expect(await cut("dead", 3)).toMatchObject({ messages: [{}, {}, {}], isCut: false });
  });
});
