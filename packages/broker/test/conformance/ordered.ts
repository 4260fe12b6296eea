import { expect } from "vitest";
import { MINUTE } from "../../src/domain/time.ts";
import { type Bench, bodiesOf, INSTANCE, ordered, refusalsOf } from "./bench.ts";
import type { Rule } from "./describe-messaging.ts";

const TOPIC = { instance: INSTANCE, topic: "orders" };
const GROUP = { instance: INSTANCE, group: "GID_a" };
/** Keys of four message queues out of eight: 1, 2, 3, 4. */
const [A, B, C, D] = [ordered("a"), ordered("b"), ordered("c"), ordered("d")] as const;

export function orderedRules(rule: Rule): void {
  queues(rule);
  gate(rule);
  comingAgain(rule);
  batches(rule);
  exhausted(rule);
  filters(rule);
  sorts(rule);
}

function queuesOf(bench: Bench, topic = "orders"): number | undefined {
  return bench.engine.catalog.describeTopic({ instance: INSTANCE, topic })?.queues;
}

/** The message queue of each message published so far, as the log says it. */
async function queuesInLog(bench: Bench): Promise<unknown[]> {
  await bench.settle();
  return bench.log.of("message.published").map(({ fields }) => fields.queue);
}

function queues(rule: Rule): void {
  rule("ORD-1.1", "the message queue is abs(javaStringHash(key) % queues)", async (bench) => {
    // Their hashes in Java: 97, 99162322, -2147483648, -1207111310, -147182656, 646394.
    for (const key of ["a", "hello", "polygenelubricants", "order-1", "user-42", "中文"]) {
      await bench.publish({ intent: ordered(key) });
    }
    expect(await queuesInLog(bench)).toEqual([1, 2, 0, 6, 0, 2]);
  });

  rule(
    "ORD-1.1, WIRE-86",
    "messages with one sharding key keep the order in which they were accepted",
    async (bench) => {
      for (let index = 0; index < 12; index++) {
        await bench.publish({ body: `${index}`, intent: ordered(`key-${index % 3}`) });
      }
      const bodies = bodiesOf(await bench.receive({ mode: "ordered" }));
      for (let key = 0; key < 3; key++) {
        const ofKey = bodies.filter((body) => Number(body) % 3 === key);
        expect(ofKey).toEqual([0, 3, 6, 9].map((index) => `${index + key}`));
      }
    },
  );

  rule("ORD-1.2", "a partitionally ordered topic has 8 queues, a globally ordered one 1", async (bench) => {
    await bench.publish({ topic: "by-use", intent: A });
    await bench.declareTopic("declared", "ordered");
    await bench.declareTopic("global", "ordered", 1);
    expect(["by-use", "declared", "global"].map((topic) => queuesOf(bench, topic))).toEqual([8, 8, 1]);
  });

  rule(
    "ORD-1.2",
    "how many queues an ordered topic gets can be set",
    async (bench) => {
      await bench.publish({ intent: A });
      expect(queuesOf(bench)).toBe(3);
    },
    { settings: { orderedQueues: 3 } },
  );

  rule(
    "ORD-1.3",
    "the number of queues changes while the topic is empty, and not while it holds messages",
    async (bench) => {
      await bench.declareTopic("orders", "ordered", 4);
      await bench.declareTopic("orders", "ordered", 2);
      expect(queuesOf(bench)).toBe(2);
      await bench.publish({ intent: A });
      await expect(bench.declareTopic("orders", "ordered", 4)).rejects.toMatchObject({ code: "invalid-argument" });
      await expect(bench.declareTopic("orders", "normal")).rejects.toMatchObject({ code: "invalid-argument" });
      expect(queuesOf(bench)).toBe(2);
    },
  );

  rule(
    "ORD-1.3",
    "a changed default leaves the queues of a topic that holds messages as they are",
    async (bench) => {
      await bench.publish({ intent: A });
      await bench.restart({ settings: { orderedQueues: 3 } });
      await bench.publish({ intent: B });
      expect(queuesOf(bench)).toBe(8);
    },
    { restarts: true },
  );

  rule(
    "ORD-1.4",
    "under `enforce` an absent or empty key is refused on more than one queue",
    async (bench) => {
      await bench.publish({ intent: A });
      for (const intent of [{ kind: "ordered" }, ordered(""), { kind: "normal" }] as const) {
        await expect(bench.publish({ intent })).rejects.toMatchObject({ code: "invalid-argument" });
      }
      expect(bodiesOf(await bench.receive())).toHaveLength(1);
    },
    { settings: { typeCheck: "enforce" } },
  );

  rule("ORD-1.4", 'otherwise an absent or empty key is the key "", of queue 0', async (bench) => {
    await bench.publish({ intent: ordered("d") });
    for (const intent of [{ kind: "ordered" }, ordered(""), { kind: "normal" }] as const)
      await bench.publish({ intent });
    expect(await queuesInLog(bench)).toEqual([4, 0, 0, 0]);
  });

  rule(
    "ORD-1.5",
    "on one queue any key or none will do",
    async (bench) => {
      await bench.declareTopic("orders", "ordered", 1);
      for (const intent of [A, { kind: "ordered" }, ordered(""), B, { kind: "normal" }] as const) {
        await bench.publish({ intent });
      }
      expect(await queuesInLog(bench)).toEqual([0, 0, 0, 0, 0]);
    },
    { settings: { typeCheck: "enforce" } },
  );
}

function gate(rule: Rule): void {
  rule(
    "ORD-2.1",
    "while a delivered batch has an unacknowledged message, the group gets nothing more from that queue",
    async (bench) => {
      await bench.publishAll(["0", "1", "2"], { intent: A });
      const batch = await bench.receive({ mode: "ordered", max: 2 });
      expect(bodiesOf(batch)).toEqual(["0", "1"]);
      expect(await bench.receive({ mode: "ordered" })).toEqual([]);
      expect(refusalsOf(await bench.acknowledge(batch.slice(0, 1)))).toEqual([undefined]);
      expect(await bench.receive({ mode: "ordered" })).toEqual([]);
      await bench.acknowledge(batch.slice(1));
      expect(bodiesOf(await bench.receive({ mode: "ordered" }))).toEqual(["2"]);
    },
  );

  rule("ORD-2.1", "the gate of one group is open to another", async (bench) => {
    await bench.publishAll(["0", "1"], { intent: A });
    await bench.receive({ mode: "ordered", max: 1 });
    expect(bodiesOf(await bench.receive({ mode: "ordered", group: "GID_b" }))).toEqual(["0", "1"]);
  });

  rule("ORD-2.2", "when the last is acknowledged, waiting polls are woken at once", async (bench) => {
    await bench.publishAll(["0", "1"], { intent: A });
    const batch = await bench.receive({ mode: "ordered", max: 1 });
    const poll = bench.poll({ mode: "ordered" });
    await bench.settle();
    await bench.acknowledge(batch);
    expect(bodiesOf(await poll)).toEqual(["1"]);
  });
}

function comingAgain(rule: Rule): void {
  rule(
    "ORD-3.1, WIRE-89",
    "exactly the unacknowledged messages come again, in order, with new handles, and nothing newer joins them",
    async (bench) => {
      await bench.publishAll(["0", "1", "2", "3"], { intent: A });
      const first = await bench.receive({ mode: "ordered", max: 3 });
      await bench.acknowledge(first.slice(1, 2));
      await bench.advance(MINUTE);
      const again = await bench.receive({ mode: "ordered" });
      expect(bodiesOf(again)).toEqual(["0", "2"]);
      expect(again.map(({ attempt }) => attempt)).toEqual([2, 2]);
      expect(refusalsOf(await bench.acknowledge([first[0]?.handle ?? ""]))).toEqual(["expired"]);
    },
  );

  rule("ORD-3.2", "a poll that takes fewer gets the first of them", async (bench) => {
    await letBatchRunOut(bench);
    expect(bodiesOf(await bench.receive({ mode: "ordered", max: 2 }))).toEqual(["0", "1"]);
    expect(await bench.receive({ mode: "ordered" })).toEqual([]);
  });

  rule(
    "ORD-3.3",
    "the rest stay due, uncounted, their old handles dead, and come next, before anything newer",
    async (bench) => {
      const first = await letBatchRunOut(bench);
      const some = await bench.receive({ mode: "ordered", max: 1 });
      expect(refusalsOf(await bench.acknowledge(first.slice(1)))).toEqual(["expired", "expired"]);
      await bench.acknowledge(some);
      const rest = await bench.receive({ mode: "ordered" });
      expect(rest.map(({ message, attempt }) => [message.body, attempt])).toEqual([
        ["1", 2],
        ["2", 2],
      ]);
      await bench.acknowledge(rest);
      expect(bodiesOf(await bench.receive({ mode: "ordered" }))).toEqual(["3"]);
    },
  );

  rule("ORD-3.3", "the rest come next although the first of them runs out again", async (bench) => {
    await letBatchRunOut(bench);
    await bench.receive({ mode: "ordered", max: 1 });
    await bench.advance(MINUTE);
    const all = await bench.receive({ mode: "ordered" });
    expect(all.map(({ message, attempt }) => [message.body, attempt])).toEqual([
      ["0", 3],
      ["1", 2],
      ["2", 2],
    ]);
  });

  rule("ORD-3.4", "what was acknowledged never repeats", async (bench) => {
    await bench.publishAll(["0", "1", "2"], { intent: A });
    await bench.acknowledge((await bench.receive({ mode: "ordered" })).slice(0, 2));
    for (let attempt = 2; attempt <= 4; attempt++) {
      await bench.advance(MINUTE);
      expect(bodiesOf(await bench.receive({ mode: "ordered" }))).toEqual(["2"]);
    }
  });
}

/** A batch of 0, 1 and 2, delivered and due again, with 3 behind it. */
async function letBatchRunOut(bench: Bench) {
  await bench.publishAll(["0", "1", "2"], { intent: A });
  const batch = await bench.receive({ mode: "ordered" });
  await bench.publish({ body: "3", intent: A });
  await bench.advance(MINUTE);
  return batch;
}

function batches(rule: Rule): void {
  rule(
    "ORD-4.1, WIRE-88",
    "one response holds messages of several queues, each queue's in order and together",
    async (bench) => {
      await bench.publish({ body: "a0", intent: A });
      await bench.publish({ body: "b0", intent: B });
      await bench.publish({ body: "a1", intent: A });
      await bench.publish({ body: "c0", intent: C });
      await bench.publish({ body: "b1", intent: B });
      const bodies = bodiesOf(await bench.receive({ mode: "ordered" }));
      expect(bodies.toSorted()).toEqual(["a0", "a1", "b0", "b1", "c0"]);
      expect(bodies.indexOf("a1")).toBe(bodies.indexOf("a0") + 1);
      expect(bodies.indexOf("b1")).toBe(bodies.indexOf("b0") + 1);
    },
  );

  rule("ORD-4.2", "each queue in turn gives all it may until the batch is full", async (bench) => {
    await publishEverywhere(bench);
    expect(bodiesOf(await bench.receive({ mode: "ordered", max: 5 }))).toEqual(["a0", "a1", "b0", "b1", "c0"]);
  });

  rule(
    "ORD-4.2",
    "the start rotates, for each group by itself",
    async (bench) => {
      await publishEverywhere(bench);
      const starts: string[] = [];
      for (let poll = 0; poll < 4; poll++) {
        // Queue 0 is empty: the first two polls both begin with queue 1.
        const [first] = await bench.receive({ mode: "ordered", max: 1 });
        starts.push(first?.message.body ?? "");
        await bench.acknowledge([first?.handle ?? ""]);
      }
      expect(starts).toEqual(["a0", "a1", "b0", "c0"]);
      const [ofAnother] = await bench.receive({ mode: "ordered", max: 1, group: "GID_b" });
      expect(ofAnother?.message.body).toBe("a0");
    },
    { notWithRestarts: "a restart may forget whose turn it is" },
  );

  rule("ORD-4.3", "a gated queue is closed to all consumers of the group, the others are open", async (bench) => {
    await publishEverywhere(bench);
    const polls = [1, 2, 3].map(() => bench.poll({ mode: "ordered", max: 1, wait: 0 }));
    const bodies = (await Promise.all(polls)).flatMap(bodiesOf);
    expect(bodies).toEqual(["a0", "b0", "c0"]);
    await bench.settle();
    expect(bodiesOf(await bench.receive({ mode: "ordered" }))).toEqual(["d0", "d1"]);
  });

  rule(
    "ORD-5.1",
    "the gate survives a crash",
    async (bench) => {
      await bench.publishAll(["0", "1", "2"], { intent: A });
      const batch = await bench.receive({ mode: "ordered", max: 2 });
      await bench.acknowledge(batch.slice(0, 1));
      await bench.restart({ crash: true });
      expect(await bench.receive({ mode: "ordered" })).toEqual([]);
      await bench.advance(MINUTE - 1);
      await bench.restart({ crash: true });
      expect(await bench.receive({ mode: "ordered" })).toEqual([]);
      await bench.advance(1);
      const again = await bench.receive({ mode: "ordered" });
      expect(bodiesOf(again)).toEqual(["1"]);
      await bench.acknowledge(again);
      await bench.restart({ crash: true });
      expect(bodiesOf(await bench.receive({ mode: "ordered" }))).toEqual(["2"]);
    },
    { restarts: true },
  );
}

/** Two messages on each of the queues 1 to 4: a0, a1, b0, … d1. */
async function publishEverywhere(bench: Bench): Promise<void> {
  for (const [name, intent] of Object.entries({ a: A, b: B, c: C, d: D })) {
    await bench.publishAll([`${name}0`, `${name}1`], { intent });
  }
}

function exhausted(rule: Rule): void {
  rule(
    "ORD-6.1",
    "after the last retry the message goes to the dead letters and the queue moves on",
    async (bench) => {
      await bench.publishAll(["0", "1"], { intent: A });
      await bench.receive({ mode: "ordered", max: 1 });
      await bench.advance(MINUTE);
      await bench.receive({ mode: "ordered", max: 1 });
      await bench.advance(MINUTE / 2);
      const poll = bench.poll({ mode: "ordered" });
      await bench.clock.advance(MINUTE / 2);
      expect(bodiesOf(await poll)).toEqual(["1"]);
      expect(bodiesOf(await bench.receive({ topic: "%DLQ%GID_a" }))).toEqual(["0"]);
    },
    {
      settings: { maxRetries: 1 },
    },
  );

  for (const mode of ["ordered", "concurrent"] as const) {
    rule(
      "ORD-6.2",
      `with \`block\` it comes again every minute, counted on (${mode} polls)`,
      async (bench) => {
        await bench.publish({ body: "0", intent: A });
        const seen: unknown[] = [];
        for (let minute = 0; minute < 5; minute++) {
          const [delivery] = await bench.receive({ mode, max: 1 });
          seen.push([delivery?.message.body, delivery?.attempt, (delivery?.visibleAgainAt ?? 0) - bench.now]);
          await bench.advance((delivery?.visibleAgainAt ?? 0) - bench.now);
        }
        expect(seen).toEqual([
          ["0", 1, 10_000],
          ["0", 2, 10_000],
          ["0", 3, MINUTE],
          ["0", 4, MINUTE],
          ["0", 5, MINUTE],
        ]);
        expect(bench.engine.inspection.countSubscription(TOPIC, GROUP)?.dead).toBe(0);
      },
      { settings: { maxRetries: 1, onExhausted: "block", invisibleFor: 10_000, orderedInvisibleFor: 10_000 } },
    );
  }

  rule(
    "ORD-6.2",
    "the log shows a blocked message, from the delivery on that would have been a dead letter",
    async (bench) => {
      await bench.publish({ intent: A });
      await bench.receive({ mode: "ordered" });
      await bench.advance(MINUTE);
      await bench.settle();
      expect(bench.log.of("message.blocked")).toEqual([]);
      await bench.receive({ mode: "ordered" });
      await bench.settle();
      expect(bench.log.of("message.blocked")).toMatchObject([
        { level: "warn", fields: { topic: "orders", attempt: 2 } },
      ]);
    },
    { settings: { maxRetries: 0, onExhausted: "block" } },
  );
}

function filters(rule: Rule): void {
  rule(
    "ORD-7.1",
    "a message that the filter does not match never blocks and is passed over for good",
    async (bench) => {
      for (const tag of ["x", "a", "x", "a"]) await bench.publish({ body: tag, tag, intent: A });
      const batch = await bench.receive({ mode: "ordered", tags: "a" });
      expect(bodiesOf(batch)).toEqual(["a", "a"]);
      await bench.acknowledge(batch);
      expect(await bench.receive({ mode: "ordered" })).toEqual([]);
      expect(await bench.receive({ mode: "ordered", tags: "x" })).toEqual([]);
    },
  );

  rule("ORD-7.1", "it is passed over although another poll of the group wants it", async (bench) => {
    await bench.receive({ mode: "ordered", tags: "x" });
    for (const tag of ["x", "a"]) await bench.publish({ body: tag, tag, intent: A });
    await bench.acknowledge(await bench.receive({ mode: "ordered", tags: "a" }));
    expect(await bench.receive({ mode: "ordered", tags: "x" })).toEqual([]);
  });

  rule("ORD-7.1", "a queue with nothing that matches is passed over without an answer", async (bench) => {
    await bench.publish({ tag: "x", intent: A });
    expect(await bench.receive({ mode: "ordered", tags: "a" })).toEqual([]);
    await bench.publish({ body: "new", tag: "x", intent: A });
    await bench.advance(1_000);
    expect(bodiesOf(await bench.receive({ mode: "ordered" }))).toEqual(["new"]);
  });

  rule("ORD-7.2", "what was delivered once comes again whatever the filter of the later poll", async (bench) => {
    for (const tag of ["a", "b"]) await bench.publish({ body: tag, tag, intent: A });
    await bench.receive({ mode: "ordered" });
    await bench.advance(MINUTE);
    expect(bodiesOf(await bench.receive({ mode: "ordered", tags: "b" }))).toEqual(["a", "b"]);
  });
}

function sorts(rule: Rule): void {
  rule("ORD-8.1", "an ordered poll obeys the gate on a topic of any kind, for a minute", async (bench) => {
    await bench.publishAll(["0", "1"]);
    const [first] = await bench.receive({ mode: "ordered", max: 1 });
    expect(first?.visibleAgainAt).toBe(bench.now + MINUTE);
    expect(await bench.receive({ mode: "ordered" })).toEqual([]);
    await bench.acknowledge([first?.handle ?? ""]);
    expect(bodiesOf(await bench.receive({ mode: "ordered" }))).toEqual(["1"]);
  });

  rule("ORD-8.2", "a plain poll does not obey the gate on any kind, and hides for 5 minutes", async (bench) => {
    await bench.publishAll(["0", "1", "2"], { intent: A });
    const [first] = await bench.receive({ max: 1 });
    expect(first?.visibleAgainAt).toBe(bench.now + 5 * MINUTE);
    expect(bodiesOf(await bench.receive({ max: 1 }))).toEqual(["1"]);
    await bench.advance(5 * MINUTE);
    expect(bodiesOf(await bench.receive({ max: 1 }))).toEqual(["0"]);
  });

  rule("ORD-8.3", "both sorts of poll share one progress", async (bench) => {
    await bench.publishAll(["0", "1", "2"], { intent: A });
    await bench.acknowledge(await bench.receive({ max: 1 }));
    await bench.acknowledge(await bench.receive({ mode: "ordered", max: 1 }));
    expect(bodiesOf(await bench.receive())).toEqual(["2"]);
  });

  rule("ORD-8.4", "an ordered poll gets nothing where a plain poll has anything in flight", async (bench) => {
    await bench.publishAll(["0", "1"], { intent: A });
    await bench.publish({ body: "elsewhere", intent: B });
    const taken = await bench.receive({ max: 1 });
    expect(bodiesOf(await bench.receive({ mode: "ordered" }))).toEqual(["elsewhere"]);
    await bench.acknowledge(taken);
    expect(bodiesOf(await bench.receive({ mode: "ordered" }))).toEqual(["1"]);
  });

  rule("ORD-8.5", "an ordered poll gets first, alone and in order, what is due", async (bench) => {
    await bench.publishAll(["0", "1", "2", "3"], { intent: A });
    await bench.receive({ max: 1 });
    await bench.advance(1_000);
    await bench.acknowledge(await bench.receive({ max: 1 }));
    await bench.receive({ max: 1 });
    await bench.advance(5 * MINUTE);
    const due = await bench.receive({ mode: "ordered" });
    expect(bodiesOf(due)).toEqual(["0", "2"]);
    await bench.acknowledge(due);
    expect(bodiesOf(await bench.receive({ mode: "ordered" }))).toEqual(["3"]);
  });

  rule("ORD-8.6", "a plain poll passes by a queue held by an ordered batch", async (bench) => {
    await bench.publishAll(["0", "1"], { intent: A });
    await bench.publish({ body: "elsewhere", intent: B });
    const batch = await bench.receive({ mode: "ordered", max: 1 });
    expect(bodiesOf(batch)).toEqual(["0"]);
    expect(bodiesOf(await bench.receive())).toEqual(["elsewhere"]);
    await bench.acknowledge(batch);
    expect(bodiesOf(await bench.receive())).toEqual(["1"]);
  });

  rule("ORD-8.6", "a plain poll gets what an ordered batch let run out", async (bench) => {
    await bench.publishAll(["0", "1"], { intent: A });
    await bench.receive({ mode: "ordered", max: 1 });
    await bench.advance(MINUTE);
    expect(bodiesOf(await bench.receive())).toEqual(["0", "1"]);
  });

  rule(
    "ORD-8.7",
    "a group that polls one topic both ways within 5 minutes is told so in the log, once",
    async (bench) => {
      const said = () => bench.log.of("subscription.polled-both-ways");
      await bench.receive();
      await bench.advance(5 * MINUTE + 1);
      await bench.receive({ mode: "ordered" });
      expect(said()).toEqual([]);
      await bench.receive();
      await bench.receive({ mode: "ordered" });
      expect(said()).toMatchObject([{ level: "warn", fields: { topic: "orders", group: "GID_a" } }]);
    },
    { notWithRestarts: "a restart may forget how a group polled" },
  );
}
