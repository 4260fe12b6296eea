import { describe, expect, it } from "vitest";
import type { EngineSettings } from "../../src/embedded/settings.ts";
import { FaultyDisk } from "../../src/testing/faulty-disk.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { SimulatedClock } from "../../src/testing/simulated-clock.ts";
import { type Bench, bodiesOf, INSTANCE } from "./bench.ts";
import { openOnDisk } from "./open-embedded.ts";

const HOUR = 3_600_000;
const RETENTION = 72 * HOUR;
const TOPIC = { instance: INSTANCE, topic: "orders" };
const GROUP = { instance: INSTANCE, group: "GID_a" };
const AT_EVERY_STOP = { snapshotAtStopAfterBytes: 1 };

/** A broker that can be stopped, with a snapshot, and killed, without one. */
async function aBroker(settings: Partial<EngineSettings> = { housekeeping: AT_EVERY_STOP }) {
  const random = new SeededRandom(1);
  const clock = new SimulatedClock();
  let disk = new FaultyDisk(random);
  let bench = await openOnDisk(disk, { clock, random, settings });
  return {
    get bench(): Bench {
      return bench;
    },
    restart: async (how: "killed" | "stopped"): Promise<void> => {
      if (how === "killed") disk = disk.crash("kept");
      else await bench.close();
      bench = await openOnDisk(disk, { clock, random, settings });
    },
    idleSince: (): readonly (number | undefined)[] => {
      const { catalog } = bench.engine;
      return [catalog.describeTopic(TOPIC)?.idleSince, catalog.describeGroup(GROUP)?.idleSince];
    },
    exists: (group = "GID_a"): boolean =>
      bench.engine.catalog.describeGroup({ instance: INSTANCE, group }) !== undefined,
  };
}

describe("when something was used last, after a restart", () => {
  it("GRP-1.2: from a snapshot it is known", async () => {
    const broker = await aBroker();
    await broker.bench.receive();
    const usedAt = broker.bench.now;
    await broker.bench.advance(HOUR);
    await broker.restart("stopped");
    await broker.bench.advance(HOUR);
    expect(broker.idleSince()).toEqual([usedAt, usedAt]);
  });

  it("GRP-1.2: it is known on and on, until the next use", async () => {
    const broker = await aBroker();
    await broker.bench.receive();
    const usedAt = broker.bench.now;
    for (let restart = 0; restart < 3; restart++) {
      await broker.bench.advance(HOUR);
      await broker.bench.publish({ topic: "another" });
      await broker.restart("stopped");
    }
    expect(broker.idleSince()).toEqual([usedAt, usedAt]);
    await broker.bench.advance(HOUR);
    await broker.bench.receive();
    expect(broker.idleSince()).toEqual([broker.bench.now, broker.bench.now]);
  });

  it("GRP-1.2: a poll that still waited when the snapshot was taken is a use up to then", async () => {
    const settings = { housekeeping: { snapshotAfterBytes: 4_096, snapshotAfterAtMostBytes: 4_096 } };
    const broker = await aBroker(settings);
    const poll = broker.bench.poll({ wait: HOUR });
    await broker.bench.advance(HOUR / 2);
    const usedAt = broker.bench.now;
    for (const body of ["x".repeat(5_000), "y"]) await broker.bench.publish({ topic: "another", body });
    await broker.bench.settle();
    await broker.bench.advance(HOUR);
    await poll;
    await broker.restart("killed");
    expect(broker.idleSince()).toEqual([usedAt, usedAt]);
  });

  it("GRP-1.2: without a snapshot it is unknown, not never", async () => {
    const broker = await aBroker({});
    await broker.bench.receive();
    await broker.bench.advance(HOUR);
    await broker.restart("killed");
    expect(broker.idleSince()).toEqual([undefined, undefined]);
    expect(broker.exists()).toBe(true);
  });

  it("GRP-1.1: what the snapshot says is no reason to forget too early: there may have been polls after it", async () => {
    const broker = await aBroker();
    await broker.bench.receive();
    await broker.restart("stopped");
    await broker.bench.advance(RETENTION - HOUR);
    expect(await broker.bench.receive()).toEqual([]);
    await broker.restart("killed");
    await broker.bench.advance(RETENTION - 1);
    expect(broker.exists()).toBe(true);
    await broker.bench.advance(1);
    expect(broker.exists()).toBe(false);
  });

  it("GRP-1.1: forgotten after a restart and polled again, a group gets what a new one gets", async () => {
    const broker = await aBroker();
    await broker.bench.receive({ group: "GID_ghost" });
    await broker.restart("stopped");
    for (let day = 1; day <= 4; day++) {
      await broker.bench.publish({ body: `${day}` });
      await broker.bench.advance(24 * HOUR);
    }
    expect(broker.exists("GID_ghost")).toBe(false);
    const [fresh, again] = [
      await broker.bench.receive({ group: "GID_new" }),
      await broker.bench.receive({ group: "GID_ghost" }),
    ];
    expect(bodiesOf(fresh)).toEqual(["3", "4"]);
    expect(bodiesOf(again)).toEqual(bodiesOf(fresh));
  });

  it("RET-1.6: a group that polled between the snapshot and the restart has missed what is dropped within the retention", async () => {
    const broker = await aBroker();
    await broker.bench.declareGroup("GID_a", { from: "earliest" });
    await broker.bench.declareTopic("orders", "normal");
    await broker.bench.receive();
    await broker.restart("stopped");
    await broker.bench.advance(HOUR);
    await broker.bench.receive();
    await broker.bench.publish();
    await broker.restart("killed");
    await broker.bench.advance(RETENTION);
    expect(broker.bench.engine.inspection.countSubscription(TOPIC, GROUP)).toMatchObject({ droppedUnread: 1 });
  });
});
