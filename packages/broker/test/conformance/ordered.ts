import { expect } from "vitest";
import { bodiesOf, ordered, refusalsOf } from "./bench.ts";
import type { Rule } from "./describe-messaging.ts";

export function orderedRules(rule: Rule): void {
  rule(
    "ORD-2.1",
    "while a delivered batch has an unacknowledged message, the group gets nothing more from that queue",
    async (bench) => {
      await bench.publishAll(["0", "1", "2"], { intent: ordered("a") });
      const batch = await bench.receive({ mode: "ordered", max: 2 });
      expect(bodiesOf(batch)).toEqual(["0", "1"]);
      expect(await bench.receive({ mode: "ordered" })).toEqual([]);
      expect(refusalsOf(await bench.acknowledge(batch.slice(0, 1)))).toEqual([undefined]);
      expect(await bench.receive({ mode: "ordered" })).toEqual([]);
      await bench.acknowledge(batch.slice(1));
      expect(bodiesOf(await bench.receive({ mode: "ordered" }))).toEqual(["2"]);
    },
  );

  rule("ORD-2.2", "when the last is acknowledged, waiting polls are woken at once", async (bench) => {
    await bench.publishAll(["0", "1"], { intent: ordered("a") });
    const batch = await bench.receive({ mode: "ordered", max: 1 });
    const poll = bench.poll({ mode: "ordered" });
    await bench.settle();
    await bench.acknowledge(batch);
    expect(bodiesOf(await poll)).toEqual(["1"]);
  });

  rule(
    "ORD-3.1",
    "exactly the unacknowledged messages come again, in order, with new handles, and nothing newer joins them",
    async (bench) => {
      await bench.publishAll(["0", "1", "2", "3"], { intent: ordered("a") });
      const first = await bench.receive({ mode: "ordered", max: 3 });
      await bench.acknowledge(first.slice(1, 2));
      await bench.advance(60_000);
      const again = await bench.receive({ mode: "ordered" });
      expect(bodiesOf(again)).toEqual(["0", "2"]);
      expect(again.map(({ attempt }) => attempt)).toEqual([2, 2]);
      expect(refusalsOf(await bench.acknowledge([first[0]?.handle ?? ""]))).toEqual(["expired"]);
    },
  );
}
