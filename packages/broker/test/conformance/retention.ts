import { expect } from "vitest";
import { DAY, HOUR, MINUTE } from "../../src/domain/time.ts";
import { type Bench, bodiesOf, INSTANCE, ordered, refusalsOf, watch } from "./bench.ts";
import type { Rule } from "./describe-messaging.ts";

const RETENTION = 72 * HOUR;
const DEAD_LETTERS = "%DLQ%GID_a";
const TRANSACTIONAL = { kind: "transactional", firstCheckAfter: 10_000 } as const;

export function retentionRules(rule: Rule): void {
  byAge(rule);
  dropped(rule);
  notTouched(rule);
  abandoned(rule);
  missed(rule);
}

function byAge(rule: Rule): void {
  rule("RET-1.1", "a message is kept for the retention, consumed or not, and not longer", async (bench) => {
    await bench.publish({ body: "consumed" });
    await bench.acknowledge(await bench.receive());
    await bench.publish({ body: "not" });
    await bench.advance(RETENTION - 1);
    expect(bodiesOf(await bench.receive({ group: "GID_b" }))).toEqual(["consumed", "not"]);
    await bench.advance(1);
    expect(stored(bench)).toBe(0);
    expect(await bench.receive({ group: "GID_c" })).toEqual([]);
  });

  rule("RET-1.1", "for a committed message it counts from the commit", async (bench) => {
    const { transactionHandle } = await bench.publish({ intent: { ...TRANSACTIONAL, firstCheckAfter: 300_000 } });
    await bench.advance(4 * MINUTE);
    await bench.end("commit", [transactionHandle]);
    await bench.advance(RETENTION - 1);
    expect(await bench.receive()).toHaveLength(1);
    await bench.advance(1);
    expect(stored(bench)).toBe(0);
  });

  rule("DLY-3.2", "for a delayed message it counts from the due time", async (bench) => {
    await bench.publish({ intent: { kind: "delayed", deliverAt: bench.now + 10 * DAY } });
    await bench.advance(10 * DAY + RETENTION - 1);
    expect(await bench.receive()).toHaveLength(1);
    await bench.advance(1);
    expect(stored(bench)).toBe(0);
  });

  rule(
    "DLQ-3.1",
    "for a dead letter it counts from the move",
    async (bench) => {
      await bench.publish();
      await bench.advance(2 * DAY);
      await bench.receive();
      await bench.advance(5 * MINUTE);
      await bench.advance(RETENTION - 1);
      expect(stored(bench)).toBe(0);
      expect(await bench.receive({ topic: DEAD_LETTERS })).toHaveLength(1);
      await bench.advance(1);
      expect(stored(bench, DEAD_LETTERS)).toBe(0);
    },
    { settings: { maxRetries: 0 } },
  );

  rule(
    "DLQ-4.5",
    "a dead letter comes again until it is too old",
    async (bench) => {
      await bench.publish();
      await bench.receive();
      await bench.advance(5 * MINUTE);
      expect(await bench.receive({ topic: DEAD_LETTERS })).toMatchObject([{ attempt: 1 }]);
      await bench.advance(RETENTION - 1);
      expect(await bench.receive({ topic: DEAD_LETTERS })).toMatchObject([{ attempt: 2 }]);
      await bench.advance(5 * MINUTE);
      expect(await bench.receive({ topic: DEAD_LETTERS })).toEqual([]);
    },
    { settings: { maxRetries: 0 } },
  );

  rule(
    "DEL-13.4",
    "a shorter retention acts at the next sweep",
    async (bench) => {
      await bench.publish({ body: "old" });
      await bench.advance(2 * HOUR);
      await bench.publish({ body: "new" });
      await bench.restart({ settings: { retentionAge: HOUR } });
      await bench.settle();
      expect(stored(bench)).toBe(1);
      expect(bodiesOf(await bench.receive())).toEqual(["new"]);
    },
    { restarts: true },
  );

  rule("TIM-1.6", "retention is compared with the wall clock: set back, messages are kept longer", async (bench) => {
    await bench.publish();
    await bench.clock.step(-10 * MINUTE);
    await bench.advance(RETENTION + 10 * MINUTE - 1);
    expect(await bench.receive()).toHaveLength(1);
    await bench.advance(MINUTE);
    expect(stored(bench)).toBe(0);
  });

  rule("RET-1.1", "what was dropped stays dropped, and offsets go on", async (bench) => {
    await bench.publishAll(["0", "1"]);
    await bench.advance(RETENTION);
    await bench.publish({ body: "2" });
    expect(bodiesOf(await bench.receive())).toEqual(["2"]);
    expect(bodiesOf(await bench.receive({ group: "GID_b" }))).toEqual(["2"]);
    expect(stored(bench)).toBe(1);
  });
}

function dropped(rule: Rule): void {
  for (const mode of ["concurrent", "ordered"] as const) {
    rule("RET-1.2", `what is too old is never offered (${mode}), even before anybody has swept`, async (bench) => {
      await bench.publish({ topic: "steps", body: "0", intent: ordered("a") });
      await bench.advance(5_000);
      await bench.publish({ topic: "steps", body: "1", intent: ordered("a") });
      await bench.advance(RETENTION - 5_000);
      // The next sweep is due ten seconds after that one.
      await bench.advance(5_000);
      await bench.publish({ topic: "steps", body: "2", intent: ordered("a") });
      expect(bodiesOf(await bench.receive({ topic: "steps", mode }))).toEqual(["2"]);
    });
  }

  rule("RET-1.3", "a dropped message's handle, in time, acknowledges it", async (bench) => {
    await bench.publish();
    await bench.advance(RETENTION - 1);
    const deliveries = await bench.receive();
    await bench.advance(1);
    expect(stored(bench)).toBe(0);
    expect(refusalsOf(await bench.acknowledge(deliveries))).toEqual([undefined]);
    expect(refusalsOf(await bench.acknowledge(deliveries))).toEqual([undefined]);
    await bench.advance(5 * MINUTE);
    expect(refusalsOf(await bench.acknowledge(deliveries))).toEqual(["expired"]);
    expect(await bench.receive()).toEqual([]);
  });

  rule("RET-1.3", "what is dropped opens the gate, and who waits there is woken", async (bench) => {
    await bench.publish({ body: "held", intent: ordered("a") });
    await bench.advance(1_000);
    await bench.publish({ body: "next", intent: ordered("a") });
    await bench.advance(RETENTION - 1_001);
    expect(bodiesOf(await bench.receive({ mode: "ordered", max: 1 }))).toEqual(["held"]);
    const poll = bench.poll({ mode: "ordered" });
    const hasEnded = watch(poll);
    await bench.settle();
    expect(hasEnded()).toBe(false);
    await bench.clock.advance(1);
    expect(bodiesOf(await poll)).toEqual(["next"]);
  });

  rule(
    "RET-1.3",
    "what is dropped without retries left is no dead letter",
    async (bench) => {
      await bench.publish();
      await bench.advance(RETENTION - 1);
      await bench.receive();
      await bench.advance(5 * MINUTE);
      expect(counts(bench)).toMatchObject({ dead: 0, inFlight: 0, ready: 0 });
      expect(await bench.receive({ topic: DEAD_LETTERS })).toEqual([]);
    },
    { settings: { maxRetries: 0 } },
  );
}

function notTouched(rule: Rule): void {
  rule("RET-1.4", "a half message without an outcome is not touched", async (bench) => {
    await bench.publish({ intent: TRANSACTIONAL });
    await bench.advance(RETENTION - MINUTE);
    const [first] = await bench.receiveHalf();
    expect(first).toMatchObject({ attempt: 1 });
    await bench.advance(HOUR);
    const [offer] = await bench.receiveHalf();
    expect(refusalsOf(await bench.end("commit", [offer]))).toEqual([undefined]);
    await bench.advance(RETENTION - 1);
    expect(await bench.receive()).toHaveLength(1);
  });

  rule("RET-1.4", "a message that is not due yet is not touched", async (bench) => {
    await bench.publish({ intent: { kind: "delayed", deliverAt: bench.now + 30 * DAY } });
    await bench.advance(30 * DAY - 1);
    expect(bench.engine.inspection.countTopic(TOPIC)).toMatchObject({ stored: 0, delayed: 1 });
    await bench.advance(1);
    expect(await bench.receive()).toHaveLength(1);
  });
}

function abandoned(rule: Rule): void {
  rule("RET-1.5, TX-6.2", "an abandoned half message is kept for the retention from then on", async (bench) => {
    await bench.publish({ intent: TRANSACTIONAL });
    await bench.advance(11_000);
    await bench.receiveHalf();
    await bench.advance(DAY);
    expect(bench.engine.inspection.countTopic(TOPIC)).toMatchObject({ half: 0, abandoned: 1 });
    await bench.advance(RETENTION - 1);
    expect(bench.engine.inspection.countTopic(TOPIC)).toMatchObject({ abandoned: 1 });
    await bench.advance(1);
    expect(bench.engine.inspection.countTopic(TOPIC)?.abandoned ?? 0).toBe(0);
  });

  rule("TX-6.3", "one that nobody ever polled for is abandoned when it is as old as the retention", async (bench) => {
    await bench.publish({ intent: TRANSACTIONAL });
    await bench.advance(RETENTION - 1);
    expect(bench.engine.inspection.countTopic(TOPIC)).toMatchObject({ half: 1, abandoned: 0 });
    await bench.advance(1);
    expect(bench.engine.inspection.countTopic(TOPIC)).toMatchObject({ half: 0, abandoned: 1 });
    expect(await bench.receiveHalf()).toEqual([]);
    await bench.advance(RETENTION);
    expect(bench.engine.inspection.countTopic(TOPIC)?.abandoned ?? 0).toBe(0);
  });

  rule("TX-6.3", "a check that was given back was no poll", async (bench) => {
    await bench.publish({ intent: TRANSACTIONAL });
    await bench.advance(11_000);
    await bench.giveBack(await bench.receiveHalf());
    await bench.advance(RETENTION - 11_000);
    expect(bench.engine.inspection.countTopic(TOPIC)).toMatchObject({ half: 0, abandoned: 1 });
  });

  rule("TX-6.3", "it is not asked about any more then, even before anybody has swept", async (bench) => {
    await bench.publish({ intent: TRANSACTIONAL });
    await bench.advance(5_000);
    await bench.publish({ intent: TRANSACTIONAL });
    await bench.advance(RETENTION);
    expect(await bench.receiveHalf()).toEqual([]);
  });
}

function missed(rule: Rule): void {
  rule("RET-1.6, DEL-1.2", "what a group has missed by it is counted, and logged", async (bench) => {
    await bench.publishAll(["0", "1", "2", "3"]);
    await bench.receive({ group: "GID_b" });
    await bench.advance(RETENTION - MINUTE);
    const [first] = await bench.receive({ max: 2 });
    await bench.acknowledge(first === undefined ? [] : [first]);
    await bench.advance(MINUTE);
    expect(counts(bench)).toMatchObject({ ready: 0, inFlight: 0, droppedUnread: 2, droppedUnacknowledged: 1 });
    const lines = bench.log.of("messages.missed").map(({ fields }) => fields);
    const sentence = "GID_a has missed 3 of the messages of orders that were dropped for their age";
    expect(lines).toContainEqual(
      expect.objectContaining({
        sentence,
        topic: "orders",
        group: "GID_a",
        unread: 2,
        unacknowledged: 1,
        reason: "age",
      }),
    );
  });

  rule(
    "RET-1.6",
    "a group that has not polled within the retention misses nothing",
    async (bench) => {
      await bench.declareTopic("orders", "normal");
      for (const group of ["GID_idle", "GID_a"]) await bench.declareGroup(group, { from: "earliest" });
      await bench.receive({ group: "GID_idle" });
      await bench.advance(1);
      await bench.receive();
      await bench.publish();
      await bench.advance(RETENTION);
      expect(counts(bench)).toMatchObject({ droppedUnread: 1 });
      expect(counts(bench, "GID_idle")).toMatchObject({ ready: 0, droppedUnread: 0 });
    },
    { notWithRestarts: "a restart forgets who polled when" },
  );

  rule("RET-1.6", "nor does one that polls for the first time after that", async (bench) => {
    await bench.publish();
    await bench.advance(5_000);
    await bench.publish();
    await bench.advance(RETENTION);
    await bench.receive();
    expect(counts(bench)).toMatchObject({ droppedUnread: 0 });
  });

  rule(
    "RET-1.6",
    "what was counted survives a restart",
    async (bench) => {
      await bench.declareGroup("GID_a", { from: "earliest" });
      await bench.declareTopic("orders", "normal");
      await bench.receive();
      await bench.publish();
      await bench.advance(RETENTION);
      await bench.restart({ crash: true });
      expect(counts(bench)).toMatchObject({ droppedUnread: 1 });
      expect(stored(bench)).toBe(0);
    },
    { restarts: true },
  );
}

const TOPIC = { instance: INSTANCE, topic: "orders" };

function stored(bench: Bench, topic = "orders"): number {
  return bench.engine.inspection.countTopic({ instance: INSTANCE, topic })?.stored ?? 0;
}

function counts(bench: Bench, group = "GID_a") {
  return bench.engine.inspection.countSubscription(TOPIC, { instance: INSTANCE, group });
}
