import { expect, it } from "vitest";
import { HOUR, MINUTE } from "../../src/domain/time.ts";
import { MemoryJournal } from "../../src/embedded/journal/memory-journal.ts";
import { FaultyDisk } from "../../src/testing/faulty-disk.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { SimulatedClock } from "../../src/testing/simulated-clock.ts";
import { watch } from "./bench.ts";
import { openOnDisk, openOver } from "./open-embedded.ts";

it("TIM-1.2: after a start with the wall clock set back, time goes on from the newest instant in the journal", async () => {
  const random = new SeededRandom(1);
  const disk = new FaultyDisk(random);
  const bench = await openOnDisk(disk, { random });
  await bench.publish();
  await bench.receive();
  const deliveredAt = bench.now;
  await bench.close();

  const clock = new SimulatedClock(deliveredAt - HOUR);
  const later = await openOnDisk(disk, { random, clock });
  expect(clock.now()).toBe(deliveredAt);
  await later.advance(5 * MINUTE - 1);
  expect(await later.receive()).toEqual([]);
  await later.advance(1);
  expect(await later.receive()).toHaveLength(1);
});

it("TIM-1.2: a publish is an instant in the journal too", async () => {
  const random = new SeededRandom(1);
  const disk = new FaultyDisk(random);
  const bench = await openOnDisk(disk, { random });
  await bench.publish();
  await bench.receive();
  await bench.advance(MINUTE);
  await bench.publish();
  const publishedAt = bench.now;
  await bench.close();

  const clock = new SimulatedClock(publishedAt - HOUR);
  await openOnDisk(disk, { random, clock });
  expect(clock.now()).toBe(publishedAt);
});

it("TIM-1.2: after a start with the wall clock ahead of the journal, it is the wall clock's time", async () => {
  const random = new SeededRandom(1);
  const disk = new FaultyDisk(random);
  const bench = await openOnDisk(disk, { random });
  await bench.publish();
  await bench.close();
  const clock = new SimulatedClock(bench.now + HOUR);
  await openOnDisk(disk, { random, clock });
  expect(clock.now()).toBe(bench.now + HOUR);
});

it("TIM-1.5: a wait is measured by the clock of the waits: a step of the wall clock does not end it", async () => {
  const waits = new SimulatedClock();
  const bench = await openOver(aJournal(), { waitClocks: [waits] });
  const poll = bench.poll({ wait: 30_000 });
  const hasEnded = watch(poll);
  await bench.clock.step(HOUR);
  await waits.advance(29_999);
  expect(hasEnded()).toBe(false);
  await waits.advance(1);
  expect(await poll).toEqual([]);
});

for (const first of [0, 1]) {
  it("TIM-4.2: a long poll ends when its wait has passed on either clock", async () => {
    const engineClock = new SimulatedClock();
    const system = new SimulatedClock();
    const bench = await openOver(aJournal(), { clock: engineClock, waitClocks: [system, engineClock] });
    const polls = [bench.poll({ wait: 30_000 }), bench.pollHalf({ wait: 30_000 })];
    const ended = polls.map(watch);
    await Promise.all([system.advance(29_999), engineClock.advance(29_999)]);
    expect(ended.map((has) => has())).toEqual([false, false]);
    await [system, engineClock][first]?.advance(1);
    expect(await Promise.all(polls)).toEqual([[], []]);
  });
}

function aJournal(): MemoryJournal {
  return new MemoryJournal(new SeededRandom(1).bytes(32));
}
