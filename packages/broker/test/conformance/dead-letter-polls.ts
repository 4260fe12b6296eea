import { expect } from "vitest";
import { MINUTE } from "../../src/domain/time.ts";
import { bodiesOf, INSTANCE, ordered } from "./bench.ts";
import type { Rule } from "./describe-messaging.ts";

const DEAD = "%DLQ%GID_a";

export function deadLetterPollsRules(rule: Rule): void {
  rule(
    "DLQ-4.1",
    "a dead-letter topic can be polled as soon as its group exists, with either sort of poll",
    async (bench) => {
      await expect(bench.receive({ topic: DEAD })).rejects.toMatchObject({ code: "topic-not-found" });
      await bench.declareGroup("GID_a");
      await bench.declareGroup("GID_b");
      expect(await bench.receive({ topic: DEAD })).toEqual([]);
      expect(await bench.receive({ topic: "%DLQ%GID_b", group: "GID_b", mode: "ordered" })).toEqual([]);
      await expect(bench.receive({ topic: "%DLQ%GID_c" })).rejects.toMatchObject({ code: "topic-not-found" });
    },
    { settings: { makeByUse: false } },
  );

  rule(
    "DLQ-4.1",
    "an ordered poll of a dead-letter topic obeys the gate",
    async (bench) => {
      await bench.publishAll(["0", "1"]);
      await bench.receive();
      await bench.advance(5 * MINUTE);
      const [first] = await bench.receive({ topic: DEAD, mode: "ordered", max: 1 });
      expect(first?.message.body).toBe("0");
      expect(await bench.receive({ topic: DEAD, mode: "ordered" })).toEqual([]);
      await bench.acknowledge([first?.handle ?? ""], { topic: DEAD });
      expect(bodiesOf(await bench.receive({ topic: DEAD, mode: "ordered" }))).toEqual(["1"]);
    },
    { settings: { maxRetries: 0 } },
  );

  rule(
    "DLQ-4.2",
    "a dead-letter topic has one message queue, in the order of the moves",
    async (bench) => {
      await bench.publishAll(["0", "1"], { intent: ordered("a") });
      await bench.publishAll(["2", "3"], { intent: ordered("b") });
      const held = await bench.receive({ mode: "ordered", max: 2 });
      await bench.advance(1_000);
      const later = await bench.receive({ mode: "ordered", max: 2 });
      await bench.advance(MINUTE);
      const moved = await bench.receive({ topic: DEAD });
      expect(bodiesOf(moved)).toEqual([...bodiesOf(held), ...bodiesOf(later)]);
      expect(bench.engine.catalog.describeTopic({ instance: INSTANCE, topic: DEAD })).toMatchObject({ queues: 1 });
    },
    { settings: { maxRetries: 0 } },
  );

  rule("DLQ-4.2", "nobody declares a dead-letter topic otherwise", async (bench) => {
    await expect(bench.declareTopic(DEAD, "ordered", 8)).rejects.toMatchObject({ code: "invalid-argument" });
    expect(bench.engine.catalog.describeTopic({ instance: INSTANCE, topic: DEAD })).toBeUndefined();
  });

  rule("DLQ-4.3", "clients never publish to a dead-letter topic", async (bench) => {
    await bench.receive({ topic: DEAD });
    await expect(bench.publish({ topic: DEAD })).rejects.toMatchObject({ code: "invalid-argument" });
    const intent = { kind: "transactional", firstCheckAfter: 10_000 } as const;
    await expect(bench.publish({ topic: DEAD, intent })).rejects.toMatchObject({ code: "invalid-argument" });
    expect(await bench.receive({ topic: DEAD })).toEqual([]);
  });

  rule(
    "DLQ-4.5",
    "a message of a dead-letter topic is not dead-lettered again: it comes until it is acknowledged",
    async (bench) => {
      await bench.publish();
      await bench.receive();
      await bench.advance(5 * MINUTE);
      for (let attempt = 1; attempt <= 4; attempt++) {
        const mode = attempt % 2 === 0 ? "ordered" : "concurrent";
        const [delivery] = await bench.receive({ topic: DEAD, mode });
        expect(delivery?.attempt).toBe(attempt);
        await bench.advance(5 * MINUTE);
      }
      await bench.acknowledge(await bench.receive({ topic: DEAD }), { topic: DEAD });
      await bench.advance(5 * MINUTE);
      expect(await bench.receive({ topic: DEAD })).toEqual([]);
    },
    { settings: { maxRetries: 0 } },
  );
}
