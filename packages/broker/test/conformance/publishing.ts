import { expect } from "vitest";
import type { PublishIntent } from "../../src/domain/message.ts";
import type { TopicKind } from "../../src/domain/topic.ts";
import { type Bench, bodiesOf, INSTANCE, ordered, refusalsOf } from "./bench.ts";
import type { Rule } from "./describe-messaging.ts";

const NORMAL: PublishIntent = { kind: "normal" };
const TRANSACTIONAL: PublishIntent = { kind: "transactional", firstCheckAfter: 10_000 };
const KINDS: readonly TopicKind[] = ["normal", "delayed", "ordered", "transactional"];
const SERVE = { settings: { makeByUse: false, typeCheck: "enforce" } } as const;
const ENFORCE = { settings: { typeCheck: "enforce" } } as const;

export function publishingRules(rule: Rule): void {
  rule("PUB-2.1", "a topic has one kind: normal, delayed, ordered or transactional", async (bench) => {
    for (const kind of KINDS) {
      await bench.declareTopic(`a-${kind}`, kind);
      expect(describe(bench, `a-${kind}`)).toMatchObject({ kind, queues: kind === "ordered" ? 8 : 1 });
    }
    await bench.declareTopic("global", "ordered", 1);
    expect(describe(bench, "global")).toMatchObject({ kind: "ordered", queues: 1 });
  });

  rule("PUB-2.1", "the one kind stays, whatever is published after the first message", async (bench) => {
    await bench.publish({ intent: NORMAL });
    for (const intent of [delayed(bench, 1_000), ordered("a"), TRANSACTIONAL]) await bench.publish({ intent });
    expect(describe(bench)).toMatchObject({ kind: "normal", queues: 1 });
  });

  rule(
    "PUB-2.3",
    "normal and delayed topics take each other's messages",
    async (bench) => {
      await bench.declareTopic("plain", "normal");
      await bench.declareTopic("later", "delayed");
      for (const topic of ["plain", "later"]) {
        await bench.publish({ topic, intent: NORMAL, body: "now" });
        await bench.publish({ topic, intent: delayed(bench, 1_000), body: "soon" });
        expect(bodiesOf(await bench.receive({ topic }))).toEqual(["now"]);
        await bench.advance(1_000);
        expect(bodiesOf(await bench.receive({ topic }))).toEqual(["soon"]);
      }
    },
    ENFORCE,
  );

  rule(
    "PUB-2.4",
    "any other mismatch is refused with a message that names both kinds",
    async (bench) => {
      for (const kind of KINDS) await bench.declareTopic(kind, kind);
      for (const [topic, message] of MISMATCHES) {
        const refused = bench.publish({ topic, intent: intentOf(bench, message) });
        await expect(refused).rejects.toMatchObject({ code: "invalid-argument" });
        await expect(refused).rejects.toThrow(new RegExp(`is ${topic}, this message is ${message}`));
        expect(bench.engine.inspection.countTopic({ instance: INSTANCE, topic })).toMatchObject(NOTHING);
      }
    },
    ENFORCE,
  );

  rule("PUB-2.4", "typeCheck: warn lets a mismatch through and says so", async (bench) => {
    await bench.declareTopic("plain", "normal");
    await bench.publish({ topic: "plain", intent: ordered("a") });
    expect(bench.log.of("topic.kind-mismatch").map(({ fields }) => fields)).toMatchObject([
      { topic: "plain", topicKind: "normal", messageKind: "ordered" },
    ]);
    expect(await bench.receive({ topic: "plain" })).toHaveLength(1);
  });

  rule(
    "PUB-2.4",
    "typeCheck: off lets a mismatch through in silence",
    async (bench) => {
      await bench.declareTopic("plain", "normal");
      await bench.publish({ topic: "plain", intent: ordered("a") });
      expect(bench.log.of("topic.kind-mismatch")).toEqual([]);
      expect(await bench.receive({ topic: "plain" })).toHaveLength(1);
    },
    { settings: { typeCheck: "off" } },
  );

  for (const kind of KINDS) {
    rule("PUB-2.5", `the first message sets the kind of a topic that has none: ${kind}`, async (bench) => {
      await bench.publish({ topic: "fresh", intent: intentOf(bench, kind) });
      expect(describe(bench, "fresh")?.kind).toBe(kind);
      await bench.receive({ topic: "polled" });
      await bench.publish({ topic: "polled", intent: intentOf(bench, kind) });
      expect(describe(bench, "polled")).toMatchObject({ kind, queues: kind === "ordered" ? 8 : 1 });
    });
  }

  rule("PUB-2.6", "what is let through is treated by its own properties", async (bench) => {
    await bench.declareTopic("plain", "normal");
    await bench.declareTopic("pay", "transactional");
    await bench.publish({ topic: "plain", intent: TRANSACTIONAL });
    await bench.publish({ topic: "pay", intent: delayed(bench, 1_000), body: "soon" });
    await bench.publish({ topic: "pay", intent: NORMAL, body: "now" });
    expect(await bench.receive({ topic: "plain" })).toEqual([]);
    expect(bodiesOf(await bench.receive({ topic: "pay" }))).toEqual(["now"]);
    await bench.advance(1_000);
    expect(bodiesOf(await bench.receive({ topic: "pay" }))).toEqual(["soon"]);
    await bench.advance(10_000);
    expect(await bench.receiveHalf({ topic: "plain" })).toHaveLength(1);
  });

  rule("PUB-2.7", "on an ordered topic a message without a key is ordered", async (bench) => {
    await bench.declareTopic("steps", "ordered");
    await bench.publishAll(["0", "1"], { topic: "steps", intent: NORMAL });
    await bench.publish({ topic: "steps", intent: ordered(""), body: "2" });
    expect(bench.log.of("topic.kind-mismatch")).toEqual([]);
    expect(bodiesOf(await bench.receive({ topic: "steps", mode: "ordered", max: 1 }))).toEqual(["0"]);
    expect(await bench.receive({ topic: "steps", mode: "ordered" })).toEqual([]);
  });

  for (const typeCheck of ["enforce", "warn", "off"] as const) {
    rule(
      "PUB-2.8",
      `delayed and transactional messages are refused on an ordered topic under typeCheck: ${typeCheck}`,
      async (bench) => {
        await bench.declareTopic("steps", "ordered");
        for (const intent of [delayed(bench, 1), TRANSACTIONAL]) {
          const refused = bench.publish({ topic: "steps", intent });
          await expect(refused).rejects.toMatchObject({ code: "invalid-argument" });
          await expect(refused).rejects.not.toThrow(/typeCheck/);
        }
        expect(bench.engine.inspection.countTopic({ instance: INSTANCE, topic: "steps" })).toMatchObject(NOTHING);
      },
      { settings: { typeCheck } },
    );
  }

  rule("PUB-2.8", "a delayed message that is due already is taken, and ordered by its key", async (bench) => {
    await bench.declareTopic("steps", "ordered");
    await bench.publish({ topic: "steps", intent: ordered("a"), body: "0" });
    await bench.publish({ topic: "steps", intent: { ...delayed(bench, 0), shardingKey: "a" }, body: "1" });
    expect(bodiesOf(await bench.receive({ topic: "steps", mode: "ordered", max: 1 }))).toEqual(["0"]);
    expect(await bench.receive({ topic: "steps", mode: "ordered" })).toEqual([]);
  });

  rule("PUB-2.9", "elsewhere a sharding key beside a time orders nothing, and is carried along", async (bench) => {
    const properties = [["__SHARDINGKEY", "a"]] as const;
    const publish = (body: string, ahead: number): Promise<unknown> =>
      bench.publish({ body, properties, intent: { ...delayed(bench, ahead), shardingKey: "a" } });
    await publish("later", 2_000);
    await publish("sooner", 1_000);
    await bench.advance(1_000);
    const [sooner] = await bench.receive();
    expect(sooner?.message).toMatchObject({ body: "sooner", properties });
    await bench.advance(1_000);
    expect(bodiesOf(await bench.receive())).toEqual(["later"]);
  });

  rule(
    "PUB-2.9",
    "elsewhere a sharding key beside a transaction orders nothing, and is carried along",
    async (bench) => {
      const properties = [["__SHARDINGKEY", "a"]] as const;
      const first = await bench.publish({ body: "0", properties, intent: TRANSACTIONAL });
      const second = await bench.publish({ body: "1", properties, intent: TRANSACTIONAL });
      await bench.end("commit", [second.transactionHandle]);
      const [delivery] = await bench.receive();
      expect(delivery?.message).toMatchObject({ body: "1", properties });
      expect(refusalsOf(await bench.end("commit", [first.transactionHandle]))).toEqual([undefined]);
      expect(bodiesOf(await bench.receive())).toEqual(["0"]);
    },
  );

  rule(
    "PUB-3.1, WIRE-46",
    "a message id is 32 upper-case hex digits, unique, and the same in every delivery",
    async (bench) => {
      const ids: string[] = [];
      for (const body of ["0", "1", "2"]) ids.push((await bench.publish({ body })).messageId);
      ids.push((await bench.publish({ intent: delayed(bench, 1), body: "3" })).messageId);
      const half = await bench.publish({ intent: TRANSACTIONAL, body: "4" });
      ids.push(half.messageId);
      for (const id of ids) expect(id).toMatch(/^[0-9A-F]{32}$/);
      expect(new Set(ids).size).toBe(5);

      await bench.advance(1);
      await bench.end("commit", [half.transactionHandle]);
      for (const group of ["GID_a", "GID_a", "GID_b"]) {
        const deliveries = await bench.receive({ group });
        const byBody = deliveries.sort((one, other) => one.message.body.localeCompare(other.message.body));
        expect(byBody.map(({ messageId }) => messageId)).toEqual(ids);
        await bench.advance(300_000);
      }
    },
  );

  rule(
    "PUB-3.1",
    "a message id that a crash cut off is not given again",
    async (bench) => {
      await bench.publish();
      bench.holdSyncs();
      const cut = bench.engine.publish(
        { caller: "test", requestId: "R", signal: new AbortController().signal },
        {
          topic: { instance: INSTANCE, topic: "orders" },
          message: { body: "cut", tag: "", key: "k", properties: [] },
          intent: NORMAL,
        },
      );
      await bench.settle();
      await bench.restart({ crash: true });
      const ids = new Set<string>();
      for (let count = 0; count < 20; count++) ids.add((await bench.publish()).messageId);
      expect(ids.size).toBe(20);
      expect(await Promise.race([cut, "never answered"])).toBe("never answered");
      for (const { messageId } of await bench.receive()) ids.delete(messageId);
      expect(ids.size).toBe(20 - 15); // the first of sixteen is the one from before the crash
    },
    { restarts: true },
  );

  const bodies = [
    "\r\n",
    "a\rb\nc\r\n",
    "\t tabs \t",
    "  blanks  ",
    "🚀 é 漢字 \u{10FFFF}",
    "]]>",
    "<a>&amp;</a>",
    "x".repeat(99_999),
  ];
  rule("PUB-5.1", "a body comes back byte for byte", async (bench) => {
    await bench.publishAll(bodies);
    expect(bodiesOf(await bench.receive())).toEqual(bodies);
    await bench.advance(300_000);
    expect(bodiesOf(await bench.receive())).toEqual(bodies);
  });

  rule("PUB-5.1", "so do tag, key and properties, in their order", async (bench) => {
    const input = {
      tag: "税 & 🚀",
      key: " k:|\t",
      properties: [
        ["b", "2:|"],
        ["a", ""],
        ["b", "3"],
      ],
    } as const;
    await bench.publish(input);
    const [delivery] = await bench.receive();
    expect(delivery?.message).toEqual({ body: "hello", ...input });
  });

  rule(
    "PUB-6.1",
    "what a stopping broker refuses is not stored, and what it took before is confirmed",
    async (bench) => {
      await bench.publish({ body: "before" });
      bench.holdSyncs();
      const accepted = bench.publish({ body: "accepted" });
      const stopped = bench.engine.stop();
      const refused = bench.publish({ body: "refused" });
      await expect(refused).rejects.toMatchObject({ code: "stopping" });
      bench.releaseSyncs();
      await accepted;
      await stopped;
      await bench.restart();
      expect(bodiesOf(await bench.receive())).toEqual(["before", "accepted"]);
    },
    { restarts: true, notWithRestarts: "the test stops the broker while a publish is under way" },
  );

  rule(
    "PUB-8.1",
    "an unknown topic is refused by every verb where use does not make it, and is not made",
    async (bench) => {
      await bench.declareGroup("GID_a");
      await bench.declareGroup("GID_producer");
      const refusal = { code: "topic-not-found" };
      await expect(bench.publish()).rejects.toMatchObject(refusal);
      await expect(bench.receive()).rejects.toMatchObject(refusal);
      await expect(bench.receive({ mode: "ordered" })).rejects.toMatchObject(refusal);
      await expect(bench.receiveHalf()).rejects.toMatchObject(refusal);
      await expect(bench.acknowledge(["x"])).rejects.toMatchObject(refusal);
      await expect(bench.end("commit", ["x"])).rejects.toMatchObject(refusal);
      expect(describe(bench)).toBeUndefined();
    },
    SERVE,
  );

  rule("PUB-8.2", "a publish makes the topic", async (bench) => {
    expect(describe(bench)).toBeUndefined();
    await bench.publish();
    expect(describe(bench)).toMatchObject({ kind: "normal", queues: 1, origin: "use" });
  });

  rule("PUB-8.2", "a poll makes the topic, without kind and queues until its first message", async (bench) => {
    await bench.receive({ topic: "plain" });
    await bench.receive({ topic: "ordered", mode: "ordered" });
    await bench.receiveHalf({ topic: "half" });
    for (const topic of ["plain", "ordered", "half"]) {
      const description = describe(bench, topic);
      expect(description).toMatchObject({ ref: { instance: INSTANCE, topic }, queues: 0, origin: "use" });
      expect(description).not.toHaveProperty("kind");
      await bench.publish({ topic, intent: ordered("a") });
      expect(describe(bench, topic)).toMatchObject({ kind: "ordered", queues: 8, origin: "use" });
      expect(await bench.receive({ topic, mode: "ordered" })).toHaveLength(1);
    }
  });

  rule("PUB-8.3", "an acknowledgement and the end of a transaction make no topic", async (bench) => {
    await expect(bench.acknowledge(["x"])).rejects.toMatchObject({ code: "topic-not-found" });
    await expect(bench.end("rollback", ["x"])).rejects.toMatchObject({ code: "topic-not-found" });
    expect(describe(bench)).toBeUndefined();
  });

  rule(
    "PUB-8.3",
    "an acknowledgement makes no group",
    async (bench) => {
      await bench.publish();
      expect(refusalsOf(await bench.acknowledge(["x"], { group: "GID_typo" }))).toEqual(["invalid"]);
      await bench.restart({ settings: { makeByUse: false } });
      await expect(bench.receive({ group: "GID_typo" })).rejects.toMatchObject({ code: "group-not-found" });
    },
    { restarts: true },
  );

  rule(
    "PUB-8.4",
    "an unknown group is refused on polls and acknowledgements where use does not make it",
    async (bench) => {
      await bench.declareTopic("orders", "normal");
      const refusal = { code: "group-not-found" };
      await expect(bench.receive()).rejects.toMatchObject(refusal);
      await expect(bench.receive({ mode: "ordered" })).rejects.toMatchObject(refusal);
      await expect(bench.receiveHalf()).rejects.toMatchObject(refusal);
      await expect(bench.acknowledge(["x"])).rejects.toMatchObject(refusal);
      await bench.declareGroup("GID_a", { from: "earliest" });
      await bench.publish();
      expect(await bench.receive()).toHaveLength(1);
    },
    SERVE,
  );
}

/** Topic and message, where typeCheck: enforce refuses. */
const MISMATCHES: readonly (readonly [TopicKind, TopicKind])[] = [
  ["normal", "ordered"],
  ["normal", "transactional"],
  ["delayed", "ordered"],
  ["delayed", "transactional"],
  ["ordered", "delayed"],
  ["ordered", "transactional"],
  ["transactional", "normal"],
  ["transactional", "delayed"],
  ["transactional", "ordered"],
];

const NOTHING = { stored: 0, delayed: 0, half: 0 };

function describe(bench: Bench, topic = "orders") {
  return bench.engine.catalog.describeTopic({ instance: INSTANCE, topic });
}

function delayed(bench: Bench, ahead: number) {
  return { kind: "delayed", deliverAt: bench.clock.wall() + ahead } as const;
}

function intentOf(bench: Bench, kind: TopicKind): PublishIntent {
  const intents: Record<TopicKind, PublishIntent> = {
    normal: NORMAL,
    delayed: delayed(bench, 1_000),
    ordered: ordered("a"),
    transactional: TRANSACTIONAL,
  };
  return intents[kind];
}
