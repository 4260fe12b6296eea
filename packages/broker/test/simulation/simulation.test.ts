import { expect, it } from "vitest";
import { type SeedReport, simulate } from "./simulate.ts";
import { SPOILT } from "./spoilt-engines.ts";

const SEEDS = 30;
const STEPS = 200;

it.each(Array.from({ length: SEEDS }, (_, index) => index + 1))("every promise holds through seed %i", async (seed) => {
  const { failure, history } = await simulate({ seed, steps: STEPS });
  expect(failure, history.lines.slice(-20).join("\n")).toBeUndefined();
});

it("a seed lives the same life twice", async () => {
  const [one, other] = [await simulate({ seed: 7, steps: STEPS }), await simulate({ seed: 7, steps: STEPS })];
  expect(one.history.lines).toEqual(other.history.lines);
  expect(one.history.digest).not.toBe((await simulate({ seed: 8, steps: STEPS })).history.digest);
});

it.each(Object.entries(SPOILT))("the model notices an engine that %s", async (_name, spoil) => {
  let report: SeedReport | undefined;
  for (let seed = 1; seed <= SEEDS && report?.failure === undefined; seed++) {
    report = await simulate({ seed, steps: STEPS, spoil });
  }
  expect(report?.failure?.message).toMatch(/^(PUB|DEL|TAG|ORD|DLY|TX|DLQ|C)-?\d+: /);
});
