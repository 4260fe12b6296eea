import { expect } from "vitest";
import { bodiesOf, INSTANCE, ordered, refusalsOf } from "./bench.ts";
import type { Rule } from "./describe-messaging.ts";

export function deliveryRules(rule: Rule): void {
  rule("DEL-1.1", "a visible message is delivered to every group until it is acknowledged", async (bench) => {
    await bench.publish();
    for (const attempt of [1, 2, 3]) {
      for (const group of ["GID_a", "GID_b"]) {
        expect((await bench.receive({ group })).map((delivery) => delivery.attempt)).toEqual([attempt]);
      }
      await bench.advance(300_000);
    }
    await bench.acknowledge(await bench.receive());
    await bench.advance(86_400_000);
    expect(await bench.receive()).toEqual([]);
    expect(await bench.receive({ group: "GID_b" })).toHaveLength(1);
    expect(await bench.receive({ group: "GID_c" })).toHaveLength(1);
  });

  rule("DEL-1.1", "a message is delivered until it is dead-lettered", async (bench) => {
    await bench.declareGroup("GID_a", { maxRetries: 1, from: "earliest" });
    await bench.publish();
    for (const attempt of [1, 2]) {
      expect((await bench.receive()).map((delivery) => delivery.attempt)).toEqual([attempt]);
      await bench.advance(300_000);
    }
    expect(await bench.receive()).toEqual([]);
    expect(await bench.receive({ topic: "%DLQ%GID_a" })).toHaveLength(1);
  });

  rule("DEL-1.2", "what a filter ended is counted", async (bench) => {
    await bench.publishAll(["0", "1", "2"], { tag: "B" });
    await bench.publish({ body: "3", tag: "A" });
    await bench.publish({ body: "4", tag: "B" });
    expect(bodiesOf(await bench.receive({ tags: "A" }))).toEqual(["3"]);
    expect(await bench.receive({ tags: "A" })).toEqual([]);
    await bench.advance(1_000);
    const count = (group: string) =>
      bench.engine.inspection.countSubscription({ instance: INSTANCE, topic: "orders" }, { instance: INSTANCE, group });
    expect(count("GID_a")).toMatchObject({ ready: 0, inFlight: 1, dead: 0, passedOver: 4 });
  });

  rule("DEL-2.1, WIRE-82", "every group gets every message; the consumers of one group share them", async (bench) => {
    await bench.publishAll(["0", "1", "2", "3"]);
    const one = await bench.receive({ max: 2 });
    const other = await bench.receive();
    expect([...bodiesOf(one), ...bodiesOf(other)]).toEqual(["0", "1", "2", "3"]);
    expect(bodiesOf(await bench.receive({ group: "GID_b" }))).toEqual(["0", "1", "2", "3"]);
  });

  rule("DEL-2.1", "what one group acknowledges another still gets", async (bench) => {
    await bench.publish();
    await bench.acknowledge(await bench.receive());
    expect(await bench.receive({ group: "GID_b" })).toHaveLength(1);
  });

  rule("DEL-3.1", "a plain delivery hides its message for 5 min", async (bench) => {
    await bench.publish();
    await bench.receive();
    await bench.advance(299_999);
    expect(await bench.receive()).toEqual([]);
    expect(await bench.receive({ mode: "ordered" })).toEqual([]);
    await bench.advance(1);
    expect(await bench.receive()).toHaveLength(1);
  });

  rule("DEL-3.1", "an ordered delivery hides its message for 1 min", async (bench) => {
    await bench.publish({ intent: ordered("a") });
    await bench.receive({ mode: "ordered" });
    await bench.advance(59_999);
    expect(await bench.receive({ mode: "ordered" })).toEqual([]);
    await bench.advance(1);
    expect(await bench.receive({ mode: "ordered" })).toHaveLength(1);
  });

  rule("DEL-3.1", "the offer of a half message hides it for 10 s", async (bench) => {
    await bench.publish({ intent: { kind: "transactional", firstCheckAfter: 10_000 } });
    await bench.advance(11_000);
    expect(await bench.receiveHalf()).toHaveLength(1);
    await bench.advance(9_999);
    expect(await bench.receiveHalf()).toEqual([]);
    await bench.advance(1);
    expect(await bench.receiveHalf()).toHaveLength(1);
  });

  rule("DEL-3.1", "how long is the group's to set", async (bench) => {
    await bench.declareGroup("GID_a", { invisibleFor: 2_000, orderedInvisibleFor: 3_000, from: "earliest" });
    await bench.publish();
    expect((await bench.receive())[0]?.visibleAgainAt).toBe(bench.now + 2_000);
    await bench.advance(2_000);
    expect((await bench.receive({ mode: "ordered" }))[0]?.visibleAgainAt).toBe(bench.now + 3_000);
    expect((await bench.receive({ group: "GID_b" }))[0]?.visibleAgainAt).toBe(bench.now + 300_000);
  });

  rule("DEL-3.2", "a delivery says until when its message is hidden", async (bench) => {
    await bench.publish();
    expect((await bench.receive())[0]?.visibleAgainAt).toBe(bench.now + 300_000);
    expect((await bench.receive({ group: "GID_b", mode: "ordered" }))[0]?.visibleAgainAt).toBe(bench.now + 60_000);
    await bench.publish({ intent: { kind: "transactional", firstCheckAfter: 10_000 } });
    await bench.advance(11_000);
    expect((await bench.receiveHalf())[0]?.visibleAgainAt).toBe(bench.now + 10_000);
  });

  rule("DEL-3.3", "before that instant it is not delivered again, unless it was given back", async (bench) => {
    await bench.publish();
    const first = await bench.receive();
    const poll = bench.poll({ wait: 30_000 });
    await bench.settle();
    await bench.advance(29_999);
    expect(await bench.receive()).toEqual([]);
    await bench.giveBack(first);
    expect(bodiesOf(await poll)).toEqual(["hello"]);
  });

  rule("DEL-3.3", "what another delivery's end has woken does not come before its own", async (bench) => {
    await bench.publish({ body: "sooner" });
    await bench.publish({ body: "later" });
    await bench.receive({ max: 1 });
    await bench.advance(500);
    await bench.receive({ max: 1 });
    await bench.advance(299_500);
    expect(bodiesOf(await bench.receive())).toEqual(["sooner"]);
    await bench.advance(500);
    expect(bodiesOf(await bench.receive())).toEqual(["later"]);
  });

  for (const mode of ["concurrent", "ordered"] as const) {
    rule("DEL-3.4", `after that instant a waiting consumer gets it within 1 s (${mode})`, async (bench) => {
      await bench.publish();
      const [first] = await bench.receive({ mode });
      const until = first?.visibleAgainAt ?? 0;
      await bench.advance(until - bench.now - 10_000);
      const poll = bench.poll({ mode });
      await bench.settle();
      await bench.advance(10_000);
      const [again] = await poll;
      expect(again?.visibleAgainAt).toBe(until + until - (first?.firstDeliveredAt ?? 0));
    });
  }

  for (const mode of ["concurrent", "ordered"] as const) {
    rule("DEL-4.1", `the attempt is 1 on the first delivery and grows by 1 (${mode})`, async (bench) => {
      await bench.publish();
      for (const attempt of [1, 2, 3, 4]) {
        expect((await bench.receive({ mode })).map((delivery) => delivery.attempt)).toEqual([attempt]);
        await bench.advance(300_000);
      }
    });

    rule("DEL-4.2", `the instant of the first delivery and the message id stay (${mode})`, async (bench) => {
      const { messageId } = await bench.publish();
      await bench.advance(1_234);
      const firstDeliveredAt = bench.now;
      const publishedAt = firstDeliveredAt - 1_234;
      for (const attempt of [1, 2, 3]) {
        expect(await bench.receive({ mode })).toMatchObject([{ attempt, messageId, firstDeliveredAt, publishedAt }]);
        await bench.advance(300_000);
      }
    });

    rule("DEL-4.3", `the receipt handle is new each time (${mode})`, async (bench) => {
      await bench.publishAll(["0", "1"]);
      const handles = new Set<string>();
      for (let delivery = 0; delivery < 4; delivery++) {
        for (const { handle } of await bench.receive({ mode })) handles.add(handle);
        await bench.advance(300_000);
      }
      for (const { handle } of await bench.receive({ mode, group: "GID_b" })) handles.add(handle);
      expect(handles.size).toBe(10);
    });
  }

  rule("DEL-4.2", "a group that comes later counts from its own first delivery", async (bench) => {
    await bench.publish();
    await bench.receive();
    await bench.advance(5_000);
    expect(await bench.receive({ group: "GID_b" })).toMatchObject([{ attempt: 1, firstDeliveredAt: bench.now }]);
  });

  rule(
    "DEL-8.5",
    "if the broker dies before an answer was handed over, what was in flight is so after the crash",
    async (bench) => {
      await bench.publish();
      const [lost] = await bench.receive();
      await bench.restart({ crash: true });
      expect(await bench.receive()).toEqual([]);
      await bench.advance(299_999);
      expect(refusalsOf(await bench.acknowledge([lost?.handle ?? ""]))).toEqual([undefined]);
      await bench.advance(1);
      expect(await bench.receive()).toEqual([]);
    },
    { restarts: true },
  );

  rule(
    "DEL-8.5",
    "if the broker dies before what was given back is on disk, it comes again after its time",
    async (bench) => {
      await bench.publish();
      const deliveries = await bench.receive();
      bench.holdSyncs();
      const givenBack = bench.engine.giveBack(
        { caller: "test", requestId: "R", signal: new AbortController().signal },
        { handles: deliveries.map(({ handle }) => handle) },
      );
      await bench.settle();
      await bench.restart({ crash: true });
      expect(await Promise.race([givenBack, "never answered"])).toBe("never answered");
      expect(await bench.receive()).toEqual([]);
      await bench.advance(300_000);
      expect(await bench.receive()).toMatchObject([{ attempt: 2 }]);
    },
    { restarts: true },
  );
}
