import { expect } from "vitest";
import { HOUR, MINUTE } from "../../src/domain/time.ts";
import { type Bench, bodiesOf, INSTANCE, refusalsOf } from "./bench.ts";
import type { Rule } from "./describe-messaging.ts";

const RETENTION = 72 * HOUR;
/** Within which what is idle is looked at again. */
const A_WHILE = HOUR;
const FORGETS_USES = { notWithRestarts: "a restart forgets when something was used last" } as const;

export function forgettingRules(rule: Rule): void {
  rule(
    "GRP-1.1",
    "a topic and a group made by use are forgotten when they are idle for the retention, not before",
    async (bench) => {
      await bench.receive();
      await bench.advance(RETENTION - 1);
      expect(exist(bench)).toEqual({ topic: true, group: true });
      await bench.advance(1);
      expect(exist(bench)).toEqual({ topic: false, group: false });
      expect(bench.log.of("topic.forgotten")).toHaveLength(1);
      expect(bench.log.of("group.forgotten")).toHaveLength(1);
    },
    FORGETS_USES,
  );

  rule(
    "GRP-1.1",
    "what is declared is never forgotten",
    async (bench) => {
      await bench.declareTopic("orders", "normal");
      await bench.declareGroup("GID_a");
      await bench.advance(3 * RETENTION);
      expect(exist(bench)).toEqual({ topic: true, group: true });
    },
    FORGETS_USES,
  );

  rule(
    "GRP-1.1",
    "a poll that finds nothing is a use, and so is one that waits",
    async (bench) => {
      await bench.receive();
      await bench.advance(RETENTION - MINUTE);
      await bench.receive();
      await bench.advance(RETENTION - 10_000);
      const poll = bench.poll();
      await bench.clock.advance(20_000);
      expect(exist(bench)).toEqual({ topic: true, group: true });
      await bench.clock.advance(10_000);
      expect(await poll).toEqual([]);
      await bench.advance(RETENTION - 1);
      expect(exist(bench)).toEqual({ topic: true, group: true });
    },
    FORGETS_USES,
  );

  rule(
    "GRP-1.1",
    "a ghost group on a busy topic is forgotten, and gets what a new group gets when it polls again",
    async (bench) => {
      await bench.publish({ body: "0" });
      await bench.receive({ group: "GID_ghost", max: 1 });
      await bench.advance(HOUR);
      for (let day = 1; day <= 4; day++) {
        await bench.publish({ body: `${day}` });
        await bench.advance(24 * HOUR);
      }
      expect(exist(bench, "GID_ghost")).toEqual({ topic: true, group: false });
      const retained = ["3", "4"];
      expect(bodiesOf(await bench.receive({ group: "GID_new" }))).toEqual(retained);
      expect(bodiesOf(await bench.receive({ group: "GID_ghost" }))).toEqual(retained);
    },
    FORGETS_USES,
  );

  rule(
    "GRP-1.1",
    "a group that has read what is still retained is not forgotten: it would read it again",
    async (bench) => {
      await bench.publish({ body: "0" });
      await bench.receive();
      await bench.clock.step(10 * MINUTE);
      await bench.advance(1);
      await bench.publish({ body: "1" });
      const deliveries = await bench.receive();
      await bench.acknowledge(deliveries);
      // Kept longer than by age alone: the wall clock is behind.
      await bench.clock.step(-10 * MINUTE);
      await bench.advance(RETENTION + 5 * MINUTE);
      expect(exist(bench)).toMatchObject({ group: true });
      expect(await bench.receive()).toEqual([]);
      await bench.advance(RETENTION + A_WHILE);
      expect(exist(bench)).toEqual({ topic: false, group: false });
    },
    FORGETS_USES,
  );

  rule(
    "GRP-1.1",
    "what holds a message, also one that waits, is not forgotten",
    async (bench) => {
      await bench.publish({ topic: "later", intent: { kind: "delayed", deliverAt: bench.now + 10 * 24 * HOUR } });
      await bench.publish({ topic: "half", intent: { kind: "transactional", firstCheckAfter: 10_000 } });
      await bench.advance(RETENTION + A_WHILE);
      expect(bench.engine.catalog.describeTopic({ instance: INSTANCE, topic: "later" })).toBeDefined();
      expect(bench.engine.catalog.describeTopic({ instance: INSTANCE, topic: "half" })).toBeDefined();
      await bench.advance(10 * 24 * HOUR + RETENTION + A_WHILE);
      expect(bench.engine.catalog.describeTopic({ instance: INSTANCE, topic: "later" })).toBeUndefined();
      expect(bench.engine.catalog.describeTopic({ instance: INSTANCE, topic: "half" })).toBeUndefined();
    },
    FORGETS_USES,
  );

  rule(
    "GRP-1.1",
    "a group with dead letters stays, and so does the topic they came from",
    async (bench) => {
      await bench.publish();
      await bench.advance(RETENTION - HOUR);
      await bench.receive();
      await bench.advance(RETENTION - HOUR);
      const letters = await bench.receive({ topic: "%DLQ%GID_a", group: "GID_reader" });
      expect(letters).toMatchObject([{ deadLetter: { topic: "orders" } }]);
      // Idle for the retention by now; the letter came five minutes after the last poll.
      await bench.advance(HOUR + MINUTE);
      expect(exist(bench)).toEqual({ topic: true, group: true });
      await bench.advance(5 * MINUTE + A_WHILE);
      expect(exist(bench)).toEqual({ topic: false, group: false });
    },
    { ...FORGETS_USES, settings: { maxRetries: 0 } },
  );

  rule(
    "GRP-1.1",
    "nothing is lost by it: a group that made anew would begin at the newest gets what came before its next poll",
    async (bench) => {
      await bench.declareTopic("orders", "normal");
      await bench.receive();
      await bench.advance(RETENTION + A_WHILE);
      await bench.publish({ body: "while it was idle" });
      await bench.publish({ topic: "younger", body: "while it was idle" });
      expect(bodiesOf(await bench.receive())).toEqual(["while it was idle"]);
      expect(bodiesOf(await bench.receive({ topic: "younger" }))).toEqual(["while it was idle"]);
    },
    { ...FORGETS_USES, settings: { from: "latest" } },
  );

  rule(
    "GRP-1.1",
    "the handle of a delivery to what was forgotten and made again acknowledges nothing",
    async (bench) => {
      await bench.publish();
      const old = await bench.receive();
      await bench.advance(RETENTION + A_WHILE);
      expect(exist(bench)).toEqual({ topic: false, group: false });
      await bench.publish();
      await bench.receive();
      expect(refusalsOf(await bench.acknowledge(old))).toEqual(["invalid"]);
    },
    FORGETS_USES,
  );

  rule(
    "GRP-1.1",
    "after a restart it counts from the restart: nothing is forgotten too early, and what is forgotten stays so",
    async (bench) => {
      await bench.receive();
      await bench.advance(HOUR);
      await bench.restart({ crash: true });
      await bench.advance(RETENTION - 1);
      expect(exist(bench)).toEqual({ topic: true, group: true });
      await bench.advance(1);
      expect(exist(bench)).toEqual({ topic: false, group: false });
      await bench.restart({ crash: true });
      expect(exist(bench)).toEqual({ topic: false, group: false });
    },
    { restarts: true, ...FORGETS_USES },
  );

  rule(
    "GRP-1.2",
    "until then it is marked as made by use, and since when it is idle",
    async (bench) => {
      await bench.receive();
      const usedAt = bench.now;
      await bench.advance(HOUR);
      expect(bench.engine.catalog.describeTopic(TOPIC)).toMatchObject({ origin: "use", idleSince: usedAt });
      expect(bench.engine.catalog.describeGroup(GROUP)).toMatchObject({ origin: "use", idleSince: usedAt });
    },
    FORGETS_USES,
  );

  rule(
    "GRP-1.2",
    "after a restart without a snapshot it is unknown since when",
    async (bench) => {
      await bench.receive();
      await bench.restart();
      expect(bench.engine.catalog.describeGroup(GROUP)).toMatchObject({ origin: "use" });
      expect(bench.engine.catalog.describeGroup(GROUP)).not.toHaveProperty("idleSince");
      expect(bench.engine.catalog.describeTopic(TOPIC)).not.toHaveProperty("idleSince");
    },
    { restarts: true, notWithRestarts: "its snapshots know" },
  );
}

const TOPIC = { instance: INSTANCE, topic: "orders" };
const GROUP = { instance: INSTANCE, group: "GID_a" };

function exist(bench: Bench, group = "GID_a"): { topic: boolean; group: boolean } {
  const { catalog } = bench.engine;
  return {
    topic: catalog.describeTopic(TOPIC) !== undefined,
    group: catalog.describeGroup({ instance: INSTANCE, group }) !== undefined,
  };
}
