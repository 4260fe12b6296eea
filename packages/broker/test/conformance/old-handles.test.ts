import { expect, it } from "vitest";
import { FaultyDisk } from "../../src/testing/faulty-disk.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { SimulatedClock } from "../../src/testing/simulated-clock.ts";
import { type Bench, bodiesOf, refusalsOf } from "./bench.ts";
import { openOnDisk } from "./open-embedded.ts";

const HALF = { kind: "transactional", firstCheckAfter: 10_000 } as const;

/** A broker whose directory can be put back to what it was. */
async function aBroker(prepare: (bench: Bench) => Promise<unknown>) {
  const random = new SeededRandom(7);
  const clock = new SimulatedClock();
  const disk = new FaultyDisk(random);
  // Every start is from a snapshot: what it holds of deliveries must refuse old handles just as well.
  const world = { random, clock, settings: { housekeeping: { snapshotAtStopAfterBytes: 0 } } };
  const first = await openOnDisk(disk, world);
  await prepare(first);
  await first.close();
  const copy = new Map(disk.paths().map((path) => [path, disk.bytesOf(path)]));
  const bench = await openOnDisk(disk, world);
  const restore = async (): Promise<Bench> => {
    await bench.close();
    const restored = new FaultyDisk(random);
    for (const [path, bytes] of copy) restored.plant(path, bytes);
    return openOnDisk(restored, world);
  };
  return { bench, restore, random, clock };
}

it("DEL-14.2: against a restored directory the handle of a lost delivery ends nothing, and the message comes", async () => {
  const { bench, restore } = await aBroker(async (broker) => {
    await broker.publish({ body: "m" });
    await broker.receive({ topic: "another" });
  });
  const lost = await bench.receive();
  const restored = await restore();
  expect(refusalsOf(await restored.acknowledge(lost))).toEqual(["expired"]);
  expect(bodiesOf(await restored.receive())).toEqual(["m"]);
});

it("DEL-14.2: against a restored directory an old handle does not fit the delivery that is made again", async () => {
  const { bench, restore, clock } = await aBroker(async (broker) => {
    await broker.receive();
    await broker.publishAll(["0", "1"]);
  });
  const lost = await bench.receive();
  const restored = await restore();
  expect(refusalsOf(await restored.acknowledge(lost))).toEqual(["expired", "expired"]);
  const [first] = await restored.receive();
  expect(refusalsOf(await restored.acknowledge(lost))).toEqual(["expired", "expired"]);
  await restored.giveBack(lost);
  expect(await restored.receive()).toEqual([]);
  await clock.advance(300_000);
  const again = await restored.receive();
  expect(again.map(({ attempt }) => attempt)).toEqual([2, 2]);
  expect(again[0]?.messageId).toBe(first?.messageId);
});

it("DEL-14.2: an old handle does not fit a topic that has the number of the lost one", async () => {
  const { bench, restore } = await aBroker((broker) => broker.receive({ topic: "there" }));
  await bench.publish({ topic: "lost" });
  const lost = await bench.receive({ topic: "lost" });
  const restored = await restore();
  await restored.publish({ topic: "new" });
  expect(refusalsOf(await restored.acknowledge(lost, { topic: "new" }))).toEqual(["expired"]);
  await restored.receive({ topic: "new" });
  expect(refusalsOf(await restored.acknowledge(lost, { topic: "new" }))).toEqual(["expired"]);
});

it("DEL-14.2: an old transaction handle does not fit a half message of the same number", async () => {
  const { bench, restore } = await aBroker((broker) => broker.publish({ intent: HALF }));
  const { transactionHandle: lost } = await bench.publish({ body: "lost", intent: HALF });
  const restored = await restore();
  expect(refusalsOf(await restored.end("commit", [lost]))).toEqual(["expired"]);
  await restored.publish({ body: "new", intent: HALF });
  expect(refusalsOf(await restored.end("commit", [lost]))).toEqual(["expired"]);
  expect(await restored.receive()).toEqual([]);
});

it("DEL-14.2: against a cut journal the handle of a lost delivery ends nothing, then or after the next delivery", async () => {
  const random = new SeededRandom(7);
  const clock = new SimulatedClock();
  const disk = new FaultyDisk(random);
  const bench = await openOnDisk(disk, { random, clock }, { durability: "relaxed" });
  await bench.receive();
  await bench.publish({ body: "m" });
  await clock.advance(1_000);
  const lost = await bench.receive();
  expect(bodiesOf(lost)).toEqual(["m"]);
  const cut = await openOnDisk(disk.crash("lost"), { random, clock });
  expect(refusalsOf(await cut.acknowledge(lost))).toEqual(["expired"]);
  expect(bodiesOf(await cut.receive())).toEqual(["m"]);
  expect(refusalsOf(await cut.acknowledge(lost))).toEqual(["expired"]);
});

it("DEL-14.2: against a directory made anew an old handle was never issued", async () => {
  const { bench, random, clock } = await aBroker((broker) => broker.publish());
  const old = await bench.receive();
  const { transactionHandle } = await bench.publish({ intent: HALF });
  const anew = await openOnDisk(new FaultyDisk(random), { random, clock });
  await anew.publish();
  expect(await anew.receive()).toHaveLength(1);
  expect(refusalsOf(await anew.acknowledge(old))).toEqual(["invalid"]);
  expect(refusalsOf(await anew.end("commit", [transactionHandle]))).toEqual(["invalid"]);
});
