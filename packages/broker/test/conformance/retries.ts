import { expect } from "vitest";
import { MINUTE } from "../../src/domain/time.ts";
import { type Bench, bodiesOf, INSTANCE, ordered, refusalsOf, watch } from "./bench.ts";
import type { Rule } from "./describe-messaging.ts";

const TOPIC = { instance: INSTANCE, topic: "orders" };
const GROUP = { instance: INSTANCE, group: "GID_a" };
const DEAD = "%DLQ%GID_a";

function deadCount(bench: Bench): number | undefined {
  return bench.engine.inspection.countSubscription(TOPIC, GROUP)?.dead;
}

/** Delivers what is ready so many times, letting each delivery run out. */
async function letRunOut(bench: Bench, times: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    await bench.receive();
    await bench.advance(5 * MINUTE);
  }
}

export function retriesRules(rule: Rule): void {
  attempts(rule);
  restarts(rule);
  starts(rule);
  turns(rule);
  settings(rule);
  handles(rule);
}

function attempts(rule: Rule): void {
  rule("DEL-9.1, WIRE-84", "a message is delivered at most 289 times, and is a dead letter then", async (bench) => {
    await bench.publish();
    const seen: number[] = [];
    for (let polls = 0; polls < 291; polls++) {
      seen.push(...(await bench.receive()).map(({ attempt }) => attempt));
      await bench.advance(5 * MINUTE);
    }
    expect(seen).toEqual(Array.from({ length: 289 }, (_, index) => index + 1));
    expect(bodiesOf(await bench.receive({ topic: DEAD }))).toEqual(["hello"]);
  });

  rule(
    "DEL-9.2",
    "when the last invisible time ends, the message goes to the dead letters without anybody polling",
    async (bench) => {
      await bench.publish({ body: "poison" });
      await letRunOut(bench, 2);
      await bench.receive();
      await bench.advance(5 * MINUTE - 1);
      expect(deadCount(bench)).toBe(0);
      await bench.advance(1);
      expect(deadCount(bench)).toBe(1);
      expect(bodiesOf(await bench.receive({ topic: DEAD }))).toEqual(["poison"]);
    },
    { settings: { maxRetries: 2 } },
  );

  rule(
    "DEL-9.3",
    "a due message without retries left is not offered at that very instant, before the sweep has run",
    async (bench) => {
      const early = atInstant(bench, 5 * MINUTE, () => bench.poll({ wait: 0 }));
      await bench.publish();
      expect(await bench.receive()).toHaveLength(1);
      await bench.advance(5 * MINUTE);
      expect(await early()).toEqual([]);
      expect(deadCount(bench)).toBe(1);
    },
    { settings: { maxRetries: 0 } },
  );

  rule(
    "DEL-9.3",
    "an ordered poll at that very instant writes the dead letter itself, and is given what comes after it",
    async (bench) => {
      const early = atInstant(bench, MINUTE, () => bench.poll({ mode: "ordered", wait: 0 }));
      await bench.publishAll(["0", "1"], { intent: ordered("a") });
      await bench.receive({ mode: "ordered", max: 1 });
      await bench.advance(MINUTE);
      expect(bodiesOf(await early())).toEqual(["1"]);
      expect(deadCount(bench)).toBe(1);
      expect(bodiesOf(await bench.receive({ topic: DEAD }))).toEqual(["0"]);
    },
    { settings: { maxRetries: 0 } },
  );

  rule(
    "DEL-9.4",
    "given-back deliveries do not count",
    async (bench) => {
      await bench.publish();
      for (let times = 0; times < 3; times++) await bench.giveBack(await bench.receive());
      const [delivery] = await bench.receive();
      expect(delivery?.attempt).toBe(1);
      await bench.advance(5 * MINUTE);
      await bench.giveBack(await bench.receive());
      const [again] = await bench.receive();
      expect(again?.attempt).toBe(2);
      expect(deadCount(bench)).toBe(0);
      await bench.advance(5 * MINUTE);
      expect(deadCount(bench)).toBe(1);
    },
    { settings: { maxRetries: 1 } },
  );
}

/** Runs something at an instant ahead, before anything that the engine sets for that instant from now on. */
function atInstant<Answer>(bench: Bench, after: number, run: () => Promise<Answer>): () => Promise<Answer> {
  let answer: Promise<Answer> | undefined;
  bench.clock.alarm(bench.now + after, () => {
    answer = run();
  });
  return async () => {
    if (answer === undefined) throw new Error("it has not run");
    return answer;
  };
}

function restarts(rule: Rule): void {
  rule(
    "DEL-10.1",
    "acknowledgements, attempts and handles survive a crash",
    async (bench) => {
      await bench.publishAll(["acknowledged", "before", "after"]);
      const [acknowledged, before] = await bench.receive();
      await bench.acknowledge([acknowledged?.handle ?? ""]);
      await bench.restart({ crash: true });
      expect(refusalsOf(await bench.acknowledge([before?.handle ?? ""]))).toEqual([undefined]);
      await bench.restart({ crash: true });
      await bench.advance(5 * MINUTE);
      const again = await bench.receive();
      expect(bodiesOf(again)).toEqual(["after"]);
      expect(again[0]?.attempt).toBe(2);
    },
    { restarts: true },
  );

  rule(
    "DEL-10.2",
    "what was in flight before a crash is in flight after it, until its NextConsumeTime",
    async (bench) => {
      await bench.publish();
      const [delivery] = await bench.receive();
      await bench.advance(MINUTE);
      await bench.restart({ crash: true });
      expect(await bench.receive()).toEqual([]);
      await bench.advance(4 * MINUTE - 1);
      expect(await bench.receive()).toEqual([]);
      await bench.advance(1);
      const [again] = await bench.receive();
      expect(again).toMatchObject({ attempt: 2, firstDeliveredAt: delivery?.firstDeliveredAt });
    },
    { restarts: true },
  );
}

function starts(rule: Rule): void {
  rule(
    "DEL-11.1",
    "the first poll fixes where a group starts, also when it finds nothing and the broker crashes",
    async (bench) => {
      await bench.publish({ body: "old" });
      expect(await bench.receive()).toEqual([]);
      await bench.restart({ crash: true });
      await bench.publish({ body: "new" });
      expect(bodiesOf(await bench.receive())).toEqual(["new"]);
    },
    { settings: { from: "latest" }, restarts: true },
  );

  rule(
    "DEL-11.1",
    "a declaration fixes where a group starts, on every topic that is there",
    async (bench) => {
      await bench.publish({ body: "old" });
      await bench.declareGroup("GID_a");
      await bench.publish({ body: "between" });
      await bench.restart({ crash: true });
      await bench.publish({ body: "new" });
      expect(bodiesOf(await bench.receive())).toEqual(["between", "new"]);
    },
    { restarts: true },
  );

  rule(
    "DEL-11.1",
    "no poll is answered before the disk has where the group starts, nor the one that comes second",
    async (bench) => {
      await bench.publish();
      bench.holdSyncs();
      const polls = [bench.poll({ wait: 0 }), bench.poll({ wait: 0 })];
      const answered = polls.map(watch);
      await bench.settle();
      expect(answered.map((is) => is())).toEqual([false, false]);
      bench.releaseSyncs();
      expect(await Promise.all(polls)).toEqual([[], []]);
    },
    { settings: { from: "latest" }, restarts: true },
  );

  rule("DEL-11.2", "a group made by its first poll starts with the oldest message", async (bench) => {
    await bench.publishAll(["0", "1"]);
    expect(bodiesOf(await bench.receive())).toEqual(["0", "1"]);
  });

  rule(
    "DEL-11.2",
    "a broker that starts groups with the oldest message starts declared ones there too",
    async (bench) => {
      await bench.publish({ body: "before" });
      await bench.declareGroup("GID_a");
      expect(bodiesOf(await bench.receive())).toEqual(["before"]);
    },
    { settings: { from: "earliest" } },
  );

  rule("DEL-11.2", "a group declared with `from: earliest` starts with the oldest message", async (bench) => {
    await bench.publish({ body: "old" });
    await bench.declareGroup("GID_a", { from: "earliest" });
    await bench.publish({ body: "new" });
    expect(bodiesOf(await bench.receive())).toEqual(["old", "new"]);
  });

  rule(
    "DEL-11.3",
    "`from: latest`, the default of a declared group, is what becomes visible from then on",
    async (bench) => {
      await bench.publish({ body: "old" });
      await bench.publish({ body: "due later", intent: { kind: "delayed", deliverAt: bench.now + 1_000 } });
      await bench.declareGroup("GID_a");
      await bench.advance(1_000);
      expect(bodiesOf(await bench.receive())).toEqual(["due later"]);
    },
  );

  rule(
    "DEL-11.3",
    "a group made by its first poll starts at the end where the broker is told so",
    async (bench) => {
      await bench.publish({ body: "old" });
      expect(await bench.receive()).toEqual([]);
      await bench.publish({ body: "new" });
      expect(bodiesOf(await bench.receive())).toEqual(["new"]);
    },
    { settings: { from: "latest" } },
  );

  rule("DEL-11.4", "a topic younger than the group is read from its beginning", async (bench) => {
    await bench.declareGroup("GID_a");
    await bench.publishAll(["0", "1"]);
    expect(bodiesOf(await bench.receive())).toEqual(["0", "1"]);
  });

  rule(
    "DEL-11.4",
    "a group made by use reads a younger topic from its beginning, whatever its `from`",
    async (bench) => {
      await bench.receive({ topic: "another" });
      await bench.publish();
      expect(await bench.receive()).toHaveLength(1);
    },
    { settings: { from: "latest" } },
  );

  rule(
    "DEL-11.4",
    "a dead-letter topic is always read from the oldest message",
    async (bench) => {
      await bench.receive();
      await bench.publish({ body: "dead" });
      await letRunOut(bench, 1);
      await bench.declareGroup("GID_watcher", { from: "latest" });
      expect(bodiesOf(await bench.receive({ topic: DEAD, group: "GID_watcher" }))).toEqual(["dead"]);
      expect(bodiesOf(await bench.receive({ topic: DEAD, group: "GID_by_use" }))).toEqual(["dead"]);
    },
    { settings: { maxRetries: 0, from: "latest" } },
  );
}

function turns(rule: Rule): void {
  rule("DEL-12.1", "messages are offered in the order in which they became visible", async (bench) => {
    await bench.publish({ body: "2", intent: { kind: "delayed", deliverAt: bench.now + 1_000 } });
    await bench.publishAll(["0", "1"]);
    await bench.advance(1_000);
    await bench.publishAll(["3", "4", "5"]);
    const polls = [await bench.receive({ max: 2 }), await bench.receive({ max: 2 }), await bench.receive()];
    expect(polls.map(bodiesOf)).toEqual([
      ["0", "1"],
      ["2", "3"],
      ["4", "5"],
    ]);
  });

  rule(
    "DEL-12.1",
    "what was given back before it counted is no retry: it comes again in its old place",
    async (bench) => {
      const bodies = Array.from({ length: 12 }, (_, index) => `${index}`);
      await bench.publishAll(bodies);
      await bench.giveBack(await bench.receive({ max: 6 }));
      expect(bodiesOf(await bench.receive({ max: 8 }))).toEqual(bodies.slice(0, 8));
    },
  );

  rule("DEL-12.2", "ready retries are offered before new messages, oldest due first", async (bench) => {
    await bench.publishAll(["0", "1", "2"]);
    await bench.receive({ max: 1 });
    await bench.advance(1_000);
    await bench.receive({ max: 1 });
    await bench.advance(1_000);
    await bench.declareGroup("GID_a", { invisibleFor: 1_000 });
    await bench.receive({ max: 1 });
    await bench.publish({ body: "new" });
    await bench.advance(5 * MINUTE);
    expect(bodiesOf(await bench.receive({ max: 3 }))).toEqual(["2", "0", "1"]);
  });

  rule("DEL-12.3", "of four places in a row at least one goes to new messages", async (bench) => {
    await prepareRetries(bench);
    expect(bodiesOf(await bench.receive())).toEqual([..."rrrnrrrnnn"].map(numbered()));
  });

  rule(
    "DEL-12.3",
    "the places are counted on from poll to poll",
    async (bench) => {
      await prepareRetries(bench);
      const bodies: string[] = [];
      for (let poll = 0; poll < 5; poll++) bodies.push(...bodiesOf(await bench.receive({ max: 2 })));
      expect(bodies).toEqual([..."rrrnrrrnnn"].map(numbered()));
    },
    { notWithRestarts: "a restart may forget whose turn it is" },
  );

  rule(
    "DEL-12.3",
    "the share of new messages can be set",
    async (bench) => {
      await prepareRetries(bench);
      expect(bodiesOf(await bench.receive())).toEqual([..."rnrnrnrnrr"].map(numbered()));
    },
    { settings: { newShare: 2 } },
  );

  rule("DEL-12.3", "an ordered poll is given the retries of a message queue alone", async (bench) => {
    await prepareRetries(bench);
    expect(bodiesOf(await bench.receive({ mode: "ordered" }))).toEqual([..."rrrrrr"].map(numbered()));
  });

  rule("DEL-12.4", "a topic has one message queue unless it is partitionally ordered", async (bench) => {
    await bench.publish({ topic: "plain" });
    await bench.publish({ topic: "later", intent: { kind: "delayed", deliverAt: bench.now + 1_000 } });
    await bench.publish({ topic: "half", intent: { kind: "transactional", firstCheckAfter: 10_000 } });
    await bench.publish({ topic: "sharded", intent: ordered("a") });
    const queuesOf = (topic: string) => bench.engine.catalog.describeTopic({ instance: INSTANCE, topic })?.queues;
    expect(["plain", "later", "half", "sharded"].map(queuesOf)).toEqual([1, 1, 1, 8]);
  });
}

/** Six messages, r0 to r5, that are due again, and four new ones, n0 to n3. */
async function prepareRetries(bench: Bench): Promise<void> {
  await bench.publishAll(["r0", "r1", "r2", "r3", "r4", "r5"]);
  await bench.receive();
  await bench.publishAll(["n0", "n1", "n2", "n3"]);
  await bench.advance(5 * MINUTE);
}

/** Numbers each letter by itself: r, r, n → r0, r1, n0. */
function numbered(): (letter: string) => string {
  const counts = new Map<string, number>();
  return (letter) => {
    const count = counts.get(letter) ?? 0;
    counts.set(letter, count + 1);
    return `${letter}${count}`;
  };
}

function settings(rule: Rule): void {
  rule("DEL-13.1", "a changed invisible time holds from the next delivery on", async (bench) => {
    await bench.publish();
    const [first] = await bench.receive();
    await bench.declareGroup("GID_a", { invisibleFor: 10_000 });
    await bench.advance(10_000);
    expect(await bench.receive()).toEqual([]);
    await bench.advance(5 * MINUTE - 10_000);
    const [second] = await bench.receive();
    expect([first, second].map((delivery) => delivery?.visibleAgainAt)).toEqual([bench.now, bench.now + 10_000]);
  });

  rule("DEL-13.2", "a lower maxRetries sends what is over it to the dead letters when it is due", async (bench) => {
    await bench.publish();
    await letRunOut(bench, 2);
    await bench.receive();
    await bench.declareGroup("GID_a", { maxRetries: 1 });
    expect(deadCount(bench)).toBe(0);
    await bench.advance(5 * MINUTE);
    expect(deadCount(bench)).toBe(1);
    expect(await bench.receive()).toEqual([]);
  });

  rule("DEL-13.2", "what is over a lower maxRetries and due already is not offered any more", async (bench) => {
    await bench.publish();
    await letRunOut(bench, 2);
    await bench.declareGroup("GID_a", { maxRetries: 1 });
    expect(await bench.receive()).toEqual([]);
    await bench.settle();
    expect(deadCount(bench)).toBe(1);
  });

  rule(
    "DEL-13.2",
    "a lower maxRetries of the broker counts for what was delivered before it was lowered",
    async (bench) => {
      await bench.publish();
      await letRunOut(bench, 2);
      await bench.restart({ settings: { maxRetries: 1 } });
      expect(await bench.receive()).toEqual([]);
      await bench.settle();
      expect(deadCount(bench)).toBe(1);
    },
    { restarts: true },
  );

  rule("DEL-13.2", "a higher maxRetries brings nothing back from the dead letters", async (bench) => {
    await bench.declareGroup("GID_a", { maxRetries: 0, from: "earliest" });
    await bench.publish();
    await letRunOut(bench, 1);
    await bench.declareGroup("GID_a", { maxRetries: 9, from: "earliest" });
    await bench.advance(10 * MINUTE);
    expect(await bench.receive()).toEqual([]);
    expect(await bench.receive({ topic: DEAD })).toHaveLength(1);
  });

  rule("DEL-13.2", "a lower maxRetries means dead letters where the group was blocked before", async (bench) => {
    await bench.declareGroup("GID_a", { maxRetries: 0, from: "earliest", onExhausted: "block" });
    await bench.publish();
    await letRunOut(bench, 2);
    expect(deadCount(bench)).toBe(0);
    await bench.declareGroup("GID_a", { maxRetries: 0, from: "earliest" });
    await bench.settle();
    expect(deadCount(bench)).toBe(1);
  });

  rule("DEL-13.3", "a changed `from` touches no topic already started", async (bench) => {
    await bench.publish({ topic: "polled", body: "old" });
    await bench.publish({ topic: "declared", body: "old" });
    await bench.declareGroup("GID_a", { from: "latest" });
    expect(await bench.receive({ topic: "polled" })).toEqual([]);
    await bench.declareGroup("GID_a", { from: "earliest" });
    expect(await bench.receive({ topic: "polled" })).toEqual([]);
    expect(await bench.receive({ topic: "declared" })).toEqual([]);
  });
}

function handles(rule: Rule): void {
  rule(
    "DEL-14.1",
    "a handle outlives a restart",
    async (bench) => {
      await bench.publish();
      const deliveries = await bench.receive();
      await bench.restart();
      expect(refusalsOf(await bench.acknowledge(deliveries))).toEqual([undefined]);
      await bench.advance(5 * MINUTE);
      expect(await bench.receive()).toEqual([]);
    },
    { restarts: true },
  );

  rule("DEL-14.3", "a handle of the wrong sort is invalid", async (bench) => {
    await bench.publish();
    const [delivery] = await bench.receive();
    const intent = { kind: "transactional", firstCheckAfter: 10_000 } as const;
    const { transactionHandle } = await bench.publish({ intent });
    expect(refusalsOf(await bench.acknowledge([transactionHandle ?? ""]))).toEqual(["invalid"]);
    expect(refusalsOf(await bench.end("commit", [delivery]))).toEqual(["invalid"]);
    expect(refusalsOf(await bench.acknowledge([delivery?.handle ?? ""]))).toEqual([undefined]);
    expect(refusalsOf(await bench.end("commit", [transactionHandle]))).toEqual([undefined]);
  });

  rule(
    "DEL-15.1",
    "a group with too many unacknowledged deliveries gets only what is due again, and the log says so",
    async (bench) => {
      for (let index = 0; index < 105; index++) await bench.publish({ body: `${index}` });
      const taken = [];
      for (let poll = 0; poll < 8; poll++) taken.push(...(await bench.receive()));
      expect(taken).toHaveLength(100);
      expect(bench.log.of("subscription.full").length).toBeGreaterThan(0);
      await bench.acknowledge(taken.slice(0, 2));
      expect(bodiesOf(await bench.receive())).toEqual(["100", "101"]);
      await bench.advance(5 * MINUTE);
      const again = [];
      for (let poll = 0; poll < 8; poll++) again.push(...(await bench.receive()));
      expect(new Set(bodiesOf(again))).toEqual(new Set(Array.from({ length: 100 }, (_, index) => `${index + 2}`)));
    },
    { settings: { maxOutstanding: 100 } },
  );

  rule(
    "DEL-15.1",
    "under ordered polls what is due again takes no place from new messages of other queues",
    async (bench) => {
      await bench.publishAll(["0", "1", "2"], { intent: ordered("a") });
      expect(await bench.receive({ mode: "ordered" })).toHaveLength(3);
      await bench.publishAll(["3", "4", "5"], { intent: ordered("b") });
      await bench.advance(MINUTE);
      const bodies = bodiesOf(await bench.receive({ mode: "ordered" }));
      expect(bodies.toSorted()).toEqual(["0", "1", "2", "3", "4"]);
    },
    { settings: { maxOutstanding: 5 } },
  );
}
