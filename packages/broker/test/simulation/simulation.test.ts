import { expect, it } from "vitest";
import type { EngineSettings } from "../../src/embedded/settings.ts";
import { Dice } from "./dice.ts";
import { drawPlan, FAULTS } from "./plan.ts";
import { promiseOf, shrink } from "./shrink.ts";
import { type SeedReport, simulate } from "./simulate.ts";
import type { Spoil } from "./simulated-broker.ts";
import { SPOILT } from "./spoilt-engines.ts";

const SEEDS = 20;
const STEPS = 200;
/** A spoilt engine may hide for so many seeds. */
const HIDES_FOR = 200;

it.each(Array.from({ length: SEEDS }, (_, index) => index + 1))("every promise holds through seed %i", async (seed) => {
  const { failure, history } = await simulate({ seed, steps: STEPS, comparesEvery: 10 });
  expect(failure, history.lines.slice(-20).join("\n")).toBeUndefined();
});

/** Seeds that once failed, as short as they were shrunk to. */
const REGRESSIONS: readonly { readonly because: string; readonly seed: number; readonly steps: readonly number[] }[] = [
  { because: "an instant had a fraction", seed: 86, steps: [130, 197, 198, 223, 256, 258] },
  {
    because: "the last retry was given back, and there was none any more",
    seed: 1795,
    steps: [344, 355, 357, 358, 359, 363, 364, 365, 366, 369, 372, 373, 374, 451, 455, 456, 458],
  },
  {
    because: "a queue that had been emptied was dated back",
    seed: 2155,
    steps: [
      20, 27, 46, 56, 95, 106, 108, 114, 117, 122, 150, 152, 158, 159, 160, 161, 163, 180, 181, 185, 192, 193, 209,
    ],
  },
  {
    because: "a message died while the disk had failed",
    seed: 2493,
    steps: [
      69, 70, 79, 80, 84, 101, 102, 103, 104, 106, 115, 117, 120, 121, 122, 123, 140, 152, 154, 376, 377, 393, 394, 455,
    ],
  },
];

it.each(REGRESSIONS)("seed $seed holds, where $because", async ({ seed, steps }) => {
  const { failure } = await simulate({ seed, steps, without: [...FAULTS], comparesEvery: 1 });
  expect(failure).toBeUndefined();
});

it("a seed lives the same life twice, to the byte", async () => {
  for (const seed of [7, 8, 9]) {
    const [one, other] = [await simulate({ seed, steps: STEPS }), await simulate({ seed, steps: STEPS })];
    expect(one.history.lines).toEqual(other.history.lines);
    expect(one.history.digest).toBe(other.history.digest);
    expect(one.history.digest).not.toBe((await simulate({ seed: seed + 10, steps: STEPS })).history.digest);
  }
});

it("a step left out changes no other", async () => {
  const [all, some] = [await simulate({ seed: 3, steps: 40 }), await simulate({ seed: 3, steps: [0, 1, 2, 5, 30] })];
  expect(some.plan.steps.map(({ operation }) => operation)).toEqual(
    [0, 1, 2, 5, 30].map((index) => all.plan.steps[index]?.operation),
  );
});

it.each(Object.entries(SPOILT))("the model notices what %s", async (_name, spoil) => {
  expect((await firstFailure(spoil)).failure?.message).toMatch(
    /^((PUB|DEL|TAG|ORD|DLY|TX|DLQ|RET|RUN|DUR|C)-?\d+: |Damaged data)/,
  );
});

it("a ledger that holds what its journal does not say is found out before a client sees it", async () => {
  const spoil = SPOILT["holds in its ledger what its journal does not say"] ?? {};
  const { failure } = await firstFailure(spoil, 1);
  expect(failure?.message).toMatch(/^DEL-10: rebuilt from the (journal|newest snapshot), the ledger differs: subscr/);
});

it("a failing seed is shrunk to what it fails by", async () => {
  const spoil = SPOILT["ignores tags"] ?? {};
  const report = await firstFailure(spoil);
  let tries = 0;
  const shrunk = await shrink({ seed: report.seed, steps: STEPS, spoil }, report, () => ++tries < 200);
  expect(promiseOf(shrunk.report.failure)).toBe(promiseOf(report.failure));
  expect(shrunk.steps.length).toBeLessThan(20);
  const again = await simulate({ seed: report.seed, steps: shrunk.steps, without: shrunk.without, spoil });
  expect(again.failure?.message).toBe(shrunk.report.failure?.message);
});

function settingsOf(seed: number): EngineSettings {
  return drawPlan(new Dice(seed), { seed, indices: [], without: [], comparesEvery: 1 }).settings;
}

async function firstFailure(spoil: Spoil, comparesEvery?: number): Promise<SeedReport> {
  const options = { steps: STEPS, spoil, ...(comparesEvery === undefined ? {} : { comparesEvery }) };
  for (let seed = 1; seed < HIDES_FOR; seed++) {
    if (spoil.appliesTo?.(settingsOf(seed)) === false) continue;
    const report = await simulate({ ...options, seed });
    if (report.failure !== undefined) return report;
  }
  return await simulate({ ...options, seed: HIDES_FOR });
}
