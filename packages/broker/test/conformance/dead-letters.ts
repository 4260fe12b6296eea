import { expect } from "vitest";
import { type Bench, INSTANCE, ordered } from "./bench.ts";
import type { Rule } from "./describe-messaging.ts";

const DEAD_LETTERS = "%DLQ%GID_a";
const AT_ONCE = { settings: { maxRetries: 0 } } as const;

export function deadLetterRules(rule: Rule): void {
  rule(
    "DLQ-1.1",
    "the dead-letter topic is made on first use, in the same instance",
    async (bench) => {
      await bench.publish();
      await bench.receive();
      expect(bench.engine.catalog.describeTopic({ instance: INSTANCE, topic: DEAD_LETTERS })).toBeUndefined();
      await bench.advance(300_000);
      const ref = { instance: INSTANCE, topic: DEAD_LETTERS };
      expect(bench.engine.catalog.describeTopic(ref)).toMatchObject({ ref, queues: 1 });
    },
    AT_ONCE,
  );

  rule(
    "DLQ-1.1",
    "it gets the message with its id, body, tag and properties, and where it came from",
    async (bench) => {
      await bench.declareGroup("GID_a", { maxRetries: 2, from: "earliest" });
      const message = { body: "\r\n🚀", tag: "A", key: "k1", properties: [["a", "1"]] } as const;
      const { messageId } = await bench.publish(message);
      const publishedAt = bench.clock.wall();
      for (let attempt = 1; attempt <= 3; attempt++) {
        expect(await bench.receive()).toHaveLength(1);
        await bench.advance(300_000);
      }
      const [letter] = await bench.receive({ topic: DEAD_LETTERS, group: "GID_reader" });
      expect(letter).toMatchObject({ messageId, message, publishedAt, attempt: 1, firstDeliveredAt: bench.now });
      expect(letter?.deadLetter).toEqual({ topic: "orders", messageId, reason: "retries-used-up", attempts: 3 });
    },
  );

  rule(
    "DLQ-1.1",
    "so it does for ordered, delayed and committed messages",
    async (bench) => {
      await bench.publish({ topic: "steps", body: "ordered", intent: ordered("a") });
      const deliverAt = bench.clock.wall() + 1_000;
      await bench.publish({ topic: "later", body: "delayed", intent: { kind: "delayed", deliverAt } });
      const intent = { kind: "transactional", firstCheckAfter: 10_000 } as const;
      const { transactionHandle } = await bench.publish({ topic: "pay", body: "half", intent });
      await bench.end("commit", [transactionHandle], { topic: "pay" });
      await bench.advance(1_000);
      await bench.receive({ topic: "steps", mode: "ordered" });
      await bench.receive({ topic: "later" });
      await bench.advance(1);
      await bench.receive({ topic: "pay" });
      await bench.advance(300_000);
      const letters = await bench.receive({ topic: DEAD_LETTERS });
      expect(letters.map(({ message, deadLetter }) => [message.body, deadLetter?.topic])).toEqual([
        ["ordered", "steps"],
        ["delayed", "later"],
        ["half", "pay"],
      ]);
    },
    AT_ONCE,
  );

  rule(
    "DLQ-1.1",
    "a filter finds dead letters by their tag",
    async (bench) => {
      await bench.publish({ tag: "A", body: "a" });
      await bench.publish({ tag: "B", body: "b" });
      await bench.receive();
      await bench.advance(300_000);
      const letters = await bench.receive({ topic: DEAD_LETTERS, tags: "B" });
      expect(letters.map(({ message }) => message.body)).toEqual(["b"]);
    },
    AT_ONCE,
  );

  rule(
    "DLQ-1.2",
    "the move ends the message's life in that group, and in no other",
    async (bench) => {
      await bench.publish();
      await bench.receive();
      await bench.advance(1_000);
      await bench.receive({ group: "GID_b" });
      await bench.advance(299_000);
      expect(counts(bench)).toMatchObject({ ready: 0, inFlight: 0, dead: 1 });
      expect(await bench.receive()).toEqual([]);
      expect(await bench.receive({ topic: DEAD_LETTERS })).toHaveLength(1);
      expect(await bench.receive({ topic: "%DLQ%GID_b" })).toEqual([]);
      await bench.advance(1_000);
      expect(await bench.receive({ topic: "%DLQ%GID_b" })).toHaveLength(1);
    },
    AT_ONCE,
  );

  rule(
    "DLQ-1.2",
    "a crash in the middle leaves it here or there, never in both places and never in none",
    async (bench) => {
      await bench.publish();
      await bench.receive();
      await bench.advance(299_999);
      bench.holdSyncs();
      await bench.clock.advance(1);
      await bench.restart({ crash: true, settings: { maxRetries: 288 } });
      // Nothing of the move was on disk, so it has not happened.
      expect(await bench.receive({ topic: DEAD_LETTERS })).toEqual([]);
      expect(await bench.receive()).toMatchObject([{ attempt: 2 }]);
    },
    { ...AT_ONCE, restarts: true },
  );

  rule(
    "DLQ-1.2",
    "a crash after the move leaves it there",
    async (bench) => {
      await bench.publish();
      await bench.receive();
      await bench.advance(300_000);
      expect(await bench.receive({ topic: DEAD_LETTERS })).toHaveLength(1);
      await bench.restart({ crash: true, settings: { maxRetries: 288 } });
      await bench.advance(300_000);
      expect(await bench.receive()).toEqual([]);
      expect(await bench.receive({ topic: DEAD_LETTERS })).toMatchObject([{ attempt: 2 }]);
    },
    { ...AT_ONCE, restarts: true },
  );
}

function counts(bench: Bench) {
  return bench.engine.inspection.countSubscription(
    { instance: INSTANCE, topic: "orders" },
    { instance: INSTANCE, group: "GID_a" },
  );
}
