import { expect, it } from "vitest";
import { DAY, HOUR } from "../../src/domain/time.ts";
import type { Fact, Position } from "../../src/embedded/journal/fact.ts";
import { FileJournal } from "../../src/embedded/journal/file-journal.ts";
import type { Recorded } from "../../src/embedded/journal/journal.ts";
import { MemoryJournal } from "../../src/embedded/journal/memory-journal.ts";
import type { EngineSettings } from "../../src/embedded/settings.ts";
import { FaultyDisk } from "../../src/testing/faulty-disk.ts";
import { RecordingLog } from "../../src/testing/recording-log.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { SimulatedClock } from "../../src/testing/simulated-clock.ts";
import { type Bench, bodiesOf, INSTANCE, refusalsOf } from "../conformance/bench.ts";
import { openOnDisk, openOver } from "../conformance/open-embedded.ts";

const ORDERS = { instance: INSTANCE, topic: "orders" };
const HALF = { kind: "transactional", firstCheckAfter: 300_000 } as const;
const FILLING = "x".repeat(2_000);
const HOUSEKEEPING = {
  snapshotAfterBytes: 4_096,
  snapshotAfterAtMostBytes: 4_096,
  snapshotAtStopAfterBytes: 4_096,
  roundEvery: HOUR,
};

/** A broker with small segments, whose old ones go soon. */
async function aBroker(settings: Partial<EngineSettings> = {}) {
  const random = new SeededRandom(3);
  const clock = new SimulatedClock();
  let disk = new FaultyDisk(random);
  const world = {
    random,
    clock,
    settings: { retentionAge: 72 * HOUR, checkFor: 60 * DAY, housekeeping: HOUSEKEEPING, ...settings },
  };
  const open = (): Promise<Bench> => openOnDisk(disk, world, { segmentBytes: 8_192 });
  let bench = await open();
  return {
    clock,
    get disk() {
      return disk;
    },
    get bench() {
      return bench;
    },
    segments: (): number[] =>
      disk.paths().flatMap((path) => (path.endsWith(".seg") ? [Number.parseInt(path.slice(-12), 10)] : [])),
    /** Fills a few segments with what nobody asks for. */
    fill: async () => {
      for (let count = 0; count < 20; count++) await bench.publish({ topic: "filling", body: FILLING });
    },
    restart: async (how: "killed" | "stopped") => {
      if (how === "killed") disk = disk.crash("lost");
      else await bench.close();
      bench = await open();
    },
  };
}

for (const how of ["killed", "stopped"] as const) {
  it(`RET-1.4: what may not be dropped is read back after its segment has gone, and the broker was ${how}`, async () => {
    const broker = await aBroker({ maxRetries: 0 });
    const { clock } = broker;
    await broker.bench.declareGroup("GID_a", { from: "earliest" });
    await broker.bench.publish({ body: "dead" });
    await broker.bench.publish({
      topic: "later",
      body: "later",
      intent: { kind: "delayed", deliverAt: clock.wall() + 30 * DAY },
    });
    await broker.bench.publish({ topic: "half", body: "half", intent: HALF });
    await broker.bench.publish({
      topic: "half",
      body: "half, later",
      intent: { ...HALF, deliverAt: clock.wall() + 20 * DAY },
    });
    await broker.fill();
    expect(broker.segments()[0]).toBe(1);

    await clock.advance(60 * HOUR);
    expect(bodiesOf(await broker.bench.receive())).toEqual(["dead"]);
    const checks = await broker.bench.receiveHalf({ topic: "half" });
    expect(bodiesOf(checks)).toEqual(["half", "half, later"]);
    expect(refusalsOf(await broker.bench.end("commit", checks.slice(1), { topic: "half" }))).toEqual([undefined]);
    await broker.fill();
    await clock.advance(20 * HOUR);
    const first = broker.segments()[0] ?? 0;
    expect(first).toBeGreaterThan(4);

    await broker.restart(how);
    expect(broker.segments()[0]).toBe(first);
    const [dead] = await broker.bench.receive({ topic: "%DLQ%GID_a" });
    expect(dead).toMatchObject({ message: { body: "dead" }, deadLetter: { topic: "orders", attempts: 1 } });
    expect(dead?.deadLetter?.messageId).toBe(dead?.messageId);
    const again = await broker.bench.receiveHalf({ topic: "half" });
    expect(bodiesOf(again)).toEqual(["half"]);
    await broker.bench.end("commit", again, { topic: "half" });
    expect(bodiesOf(await broker.bench.receive({ topic: "half" }))).toEqual(["half"]);
    await clock.advance(17 * DAY); // 80 h have passed
    expect(bodiesOf(await broker.bench.receive({ topic: "half" }))).toEqual(["half, later"]);
    await clock.advance(10 * DAY);
    expect(bodiesOf(await broker.bench.receive({ topic: "later" }))).toEqual(["later"]);
    await broker.bench.close();
  });
}

it("RET-1.1: what is still retained keeps its segments", async () => {
  const broker = await aBroker();
  await broker.fill();
  await broker.clock.advance(48 * HOUR);
  expect(broker.segments()[0]).toBe(1);
  expect(await broker.bench.receive({ topic: "filling" })).toHaveLength(16);
  await broker.bench.close();
});

it("RET-1.1: the space of what was dropped is given back, also where nothing happens any more", async () => {
  const broker = await aBroker();
  await broker.fill();
  const before = broker.segments().length;
  await broker.clock.advance(80 * HOUR);
  expect(broker.segments().length).toBeLessThan(3);
  expect(before).toBeGreaterThan(4);
  await broker.bench.close();
});

it("what waits for weeks is not copied again and again, and does not keep what is dropped behind it", async () => {
  const broker = await aBroker();
  const intent = { kind: "delayed", deliverAt: broker.clock.wall() + 30 * DAY } as const;
  for (let count = 0; count < 20; count++) await broker.bench.publish({ topic: "later", body: FILLING, intent });
  await broker.clock.advance(10 * HOUR);
  const [first, last] = [broker.segments()[0], broker.segments().at(-1)];
  await broker.clock.advance(30 * HOUR);
  expect([broker.segments()[0], broker.segments().at(-1)]).toEqual([first, last]);

  await broker.fill();
  await broker.fill();
  const all = broker.segments().length;
  await broker.clock.advance(80 * HOUR);
  expect(broker.segments().length).toBeLessThan(all - 5);
  await broker.clock.advance(27 * DAY);
  expect(await broker.bench.receive({ topic: "later", max: 16 })).toHaveLength(16);
  await broker.bench.close();
});

it("RET-1.1: in memory too all that was dropped is given back, however much it is", async () => {
  const clock = new SimulatedClock();
  const journal = new MemoryJournal(new SeededRandom(1).bytes(32));
  const bench = await openOver(journal, { clock });
  for (let count = 0; count < 160; count++) await bench.publish({ body: "x".repeat(65_536) });
  expect(journal.segments.length).toBeGreaterThan(30);
  await clock.advance(72 * HOUR + 60_000);
  expect(journal.segments.length).toBeLessThan(3);
  await bench.close();
});

it("DUR-1.2: the oldest segment is missed where a message still stands there, though no start replays it", async () => {
  const broker = await aBroker();
  await broker.fill();
  await broker.disk.remove("/data/00000001.seg");
  await expect(broker.restart("stopped")).rejects.toThrow(
    "Damaged data in /data: segment 1 is missing, and messages of filling that stand there or before.",
  );
});

it("damage in an old segment is found while the broker runs, and ends it", async () => {
  const broker = await aBroker();
  await broker.fill();
  await broker.clock.advance(0);
  broker.disk.flipBit("/data/00000002.seg", 8 * 4_000);
  await broker.clock.advance(2 * HOUR + 1);
  await expect(broker.bench.publish()).rejects.toMatchObject({ code: "storage-failed" });
  await broker.bench.close();
});

it("a message that was taken is read, though all that is not pinned is forgotten meanwhile", async () => {
  let hold: Promise<void> | undefined;
  class Slow extends MemoryJournal {
    override async synced(): Promise<void> {
      await hold;
    }
  }
  const journal = new Slow(new SeededRandom(1).bytes(32));
  const bench = await openOver(journal);
  await bench.publish({ body: "taken" });
  const letGo = aGate();
  hold = letGo.promise;
  const taken = bench.receive();
  await bench.settle();
  const filling: Fact = { kind: "half-offer-given-back", id: 1, topic: 1, why: "hung-up" };
  for (let count = 0; count < 50_000; count++) journal.append([filling]);
  await journal.forget(journal.replaysFrom as Position);
  letGo.open();
  expect(bodiesOf(await taken)).toEqual(["taken"]);
  await bench.close();
});

for (const moves of ["falls due", "is committed"] as const) {
  it(`RET-1.4: a message that ${moves} while old segments are copied forward is not left behind in them`, async () => {
    let hold: Promise<void> | undefined;
    let isHeld = false;
    /** Holds up whoever reads a dead letter: these are looked for last. */
    class Slow extends MemoryJournal {
      override async read(position: Position): Promise<Fact> {
        const fact = await super.read(position);
        isHeld = hold !== undefined && fact.kind === "message-dead-lettered";
        if (isHeld) await hold;
        return fact;
      }
    }
    const clock = new SimulatedClock();
    const settings = { maxRetries: 0, checkFor: 60 * DAY, messageLogLevel: "debug" } as const;
    const journal = new Slow(new SeededRandom(1).bytes(32));
    const bench = await openOver(journal, { clock, settings });
    await bench.declareGroup("GID_a", { from: "earliest" });
    await bench.publish({ body: "dead" });
    const deliverAt = clock.wall() + 80 * HOUR;
    await bench.publish({ topic: "later", body: "moved", intent: { kind: "delayed", deliverAt } });
    await bench.publish({ topic: "half", body: "moved", intent: HALF });
    for (let count = 0; count < 400; count++) await bench.publish({ topic: "filling", body: FILLING });
    await clock.advance(60 * HOUR);
    await bench.receive();
    await bench.receiveHalf({ topic: "half" });
    await clock.advance(HOUR);

    const letGo = aGate();
    hold = letGo.promise;
    await clock.advance(12 * HOUR);
    expect(isHeld).toBe(true);
    if (moves === "falls due") await clock.advance(8 * HOUR);
    else await bench.end("commit", await bench.receiveHalf({ topic: "half" }), { topic: "half" });
    hold = undefined;
    letGo.open();
    await clock.advance(HOUR);
    expect(journal.segments[0]?.number).toBeGreaterThan(1);
    const topic = moves === "falls due" ? "later" : "half";
    expect(bodiesOf(await bench.receive({ topic }))).toEqual(["moved"]);
    await bench.close();
  });
}

it("RUN-2.3: a stop does not wait for a snapshot that is under way, and none of it is left", async () => {
  const broker = await aBroker({
    housekeeping: { ...HOUSEKEEPING, snapshotAtStopAfterBytes: Number.POSITIVE_INFINITY },
  });
  broker.disk.slowDown(() => broker.bench.settle());
  await broker.fill();
  await broker.restart("stopped");
  expect(broker.disk.paths().filter((path) => path.endsWith(".new"))).toEqual([]);
  expect(await broker.bench.receive({ topic: "filling" })).toHaveLength(16);
  await broker.bench.close();
});

it("a snapshot for which there was no space is tried again, and the broker goes on", async () => {
  const broker = await aBroker();
  await broker.fill();
  await broker.clock.advance(0);
  const snapshots = (): string[] => broker.disk.paths().filter((path) => path.endsWith(".snap"));
  const before = snapshots();
  broker.disk.failNext("rename", "ENOSPC");
  await broker.fill();
  await broker.clock.advance(0);
  expect(broker.bench.log.of("housekeeping.failed")).toHaveLength(1);
  expect(snapshots()).toEqual(before);
  await broker.fill();
  await broker.clock.advance(0);
  expect(snapshots()).not.toEqual(before);
  await broker.bench.close();
});

it("RET-2.1: a start replays what came since the newest snapshot, however much is retained", async () => {
  class Counting extends FileJournal {
    replayed = 0;
    override async *replay(): AsyncGenerator<readonly Recorded[], void> {
      for await (const slice of super.replay()) {
        this.replayed += slice.length;
        yield slice;
      }
    }
  }
  const disk = new FaultyDisk(new SeededRandom(3));
  const runtime = { clock: new SimulatedClock(), random: new SeededRandom(4), log: new RecordingLog(), disk };
  const housekeeping = {
    snapshotAfterBytes: 16_384,
    snapshotAfterAtMostBytes: 16_384,
    snapshotAtStopAfterBytes: 16_384,
  };
  const start = async () => {
    const journal = new Counting(runtime, { directory: "/data", version: "0.0.0-test", segmentBytes: 65_536 });
    return { journal, bench: await openOver(journal, { ...runtime, settings: { housekeeping } }) };
  };
  let { bench, journal } = await start();
  for (const retained of [500, 1_000, 3_000]) {
    while ((bench.engine.inspection.countTopic(ORDERS)?.stored ?? 0) < retained) await bench.publish();
    await bench.close();
    ({ bench, journal } = await start());
    expect(bench.engine.inspection.countTopic(ORDERS)?.stored).toBe(retained);
    expect(journal.replayed).toBeLessThan(300);
  }
  await bench.close();
});

function aGate(): { readonly promise: Promise<void>; readonly open: () => void } {
  let open = (): void => {};
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}
