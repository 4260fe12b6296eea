import { expect, it } from "vitest";
import { MemoryJournal } from "../../src/embedded/journal/memory-journal.ts";
import { GuardedEngine } from "../../src/engine/guarded-engine.ts";
import { RecordingLog } from "../../src/testing/recording-log.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { Bench } from "./bench.ts";
import { openOver, UNDER } from "./open-embedded.ts";

/** After how long the producer of a half message with this immunity is asked first. */
async function firstCheckAfter(immunity: number, fast: boolean): Promise<number> {
  const { engine, clock } = await openOver(new MemoryJournal(new SeededRandom(1).bytes(32)), {
    settings: { checkRounding: 1 },
  });
  const bench = new Bench(UNDER, { clock, log: new RecordingLog(), engine: new GuardedEngine(engine, { fast }) });
  await bench.publish({ intent: { kind: "transactional", firstCheckAfter: immunity } });
  const publishedAt = bench.now;
  for (let waited = 0; waited < 400_000; waited += 30_000) {
    const poll = bench.pollHalf({ wait: 30_000 });
    const answeredAt = poll.then(() => bench.now);
    await bench.clock.advance(30_000);
    if ((await poll).length > 0) return (await answeredAt) - publishedAt;
  }
  throw new Error("it was never offered");
}

it.each([
  [1, 10_000],
  [9_999, 10_000],
  [10_000, 10_000],
  [45_000, 45_000],
  [300_000, 300_000],
  [300_001, 300_000],
  [86_400_000, 300_000],
])("TX-1.1: an immunity of %s ms is one of %s ms, between 10 and 300 s", async (immunity, expected) => {
  expect(await firstCheckAfter(immunity, false)).toBe(expected);
});

it.each([
  [10_000, 1_000],
  [300_000, 3_000],
])("TIM-3.1: where everything is fast, an immunity of %s ms is one of %s ms", async (immunity, expected) => {
  expect(await firstCheckAfter(immunity, true)).toBe(expected);
});
