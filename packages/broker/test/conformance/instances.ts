import { expect } from "vitest";
import { bodiesOf, INSTANCE, refusalsOf } from "./bench.ts";
import type { Rule } from "./describe-messaging.ts";

const OTHER = "MQ_INST_other";

export function instanceRules(rule: Rule): void {
  rule("INS-1.2", "an instance is made on first use, by a publish or a poll", async (bench) => {
    await bench.publish({ instance: OTHER });
    expect(await bench.receive({ instance: OTHER })).toHaveLength(1);
    expect(await bench.receive({ instance: "MQ_INST_third" })).toEqual([]);
    expect(bench.engine.catalog.listInstances()).toEqual(expect.arrayContaining([OTHER, "MQ_INST_third"]));
  });

  rule(
    "INS-1.3",
    "where use makes nothing, an unknown instance has no topic",
    async (bench) => {
      await bench.declareTopic("orders", "normal");
      await bench.declareGroup("GID_a");
      const refusal = { code: "topic-not-found" };
      await expect(bench.publish({ instance: OTHER })).rejects.toMatchObject(refusal);
      await expect(bench.receive({ instance: OTHER })).rejects.toMatchObject(refusal);
      await expect(bench.acknowledge(["x"], { instance: OTHER })).rejects.toMatchObject(refusal);
      await expect(bench.publish({ instance: OTHER })).rejects.toThrow(OTHER);
      expect(bench.engine.catalog.listInstances()).toEqual([INSTANCE]);
    },
    { settings: { makeByUse: false } },
  );

  rule("INS-2.1", "topics of one instance are invisible to another", async (bench) => {
    await bench.publish({ body: "here" });
    await bench.publish({ body: "there", instance: OTHER });
    await bench.publish({ topic: "bills", instance: OTHER });
    expect(bodiesOf(await bench.receive())).toEqual(["here"]);
    expect(bodiesOf(await bench.receive({ instance: OTHER }))).toEqual(["there"]);
    expect(bench.engine.catalog.listTopics(INSTANCE)).toEqual(["orders"]);
    expect(bench.engine.catalog.describeTopic({ instance: INSTANCE, topic: "bills" })).toBeUndefined();
  });

  rule("INS-2.1", "a publish in one instance wakes no poll of another", async (bench) => {
    const poll = bench.poll({ wait: 1_000 });
    await bench.settle();
    await bench.publish({ instance: OTHER });
    await bench.advance(1_000);
    expect(await poll).toEqual([]);
  });

  rule("INS-2.1", "a group of one instance is another than that of the same name", async (bench) => {
    await bench.declareGroup("GID_a", { invisibleFor: 2_000, from: "earliest" });
    await bench.publish({ instance: OTHER });
    expect(await bench.receive({ instance: OTHER })).toMatchObject([{ visibleAgainAt: bench.now + 300_000 }]);
  });

  rule("INS-2.1", "a handle of one instance is none in another, and the refusal says nothing of it", async (bench) => {
    await bench.publish();
    await bench.publish({ instance: OTHER });
    const here = await bench.receive();
    await bench.receive({ instance: OTHER });
    const outcomes = await bench.acknowledge(here, { instance: OTHER });
    expect(outcomes).toEqual([{ handle: here[0]?.handle, refusal: "invalid" }]);
    expect(refusalsOf(await bench.acknowledge(here))).toEqual([undefined]);
  });

  rule("INS-2.1", "a transaction handle of one instance is none in another", async (bench) => {
    const intent = { kind: "transactional", firstCheckAfter: 10_000 } as const;
    const { transactionHandle } = await bench.publish({ intent });
    await bench.publish({ intent, instance: OTHER });
    expect(refusalsOf(await bench.end("commit", [transactionHandle], { instance: OTHER }))).toEqual(["invalid"]);
    await bench.advance(11_000);
    expect(await bench.receiveHalf({ instance: "MQ_INST_third" })).toEqual([]);
    expect(await bench.receiveHalf()).toHaveLength(1);
    expect(await bench.receiveHalf({ instance: OTHER })).toHaveLength(1);
  });

  rule(
    "INS-2.1",
    "dead letters of one instance are invisible to another",
    async (bench) => {
      await bench.publish();
      await bench.receive();
      await bench.advance(300_000);
      expect(await bench.receive({ topic: "%DLQ%GID_a", instance: OTHER })).toEqual([]);
      expect(await bench.receive({ topic: "%DLQ%GID_a" })).toHaveLength(1);
    },
    { settings: { maxRetries: 0 } },
  );
}
