import { describe, expect, it } from "vitest";
import { judgeHistory } from "./judge-history.ts";
import { runModel } from "./model-run.ts";
import { MUTANTS } from "./mutants.ts";
import { PROPERTIES, type Violation } from "./violation.ts";

/** A checker that has never failed is no evidence: brokers that are wrong in one place are found, the right one is never blamed. */

const WITHIN_SEEDS = 200;
const TRUE_SEEDS = 500;
const SEEDS_A_TEST = 50;
/** So that a busy machine fails nobody. */
const TIMEOUT_MS = 240_000;

describe("the model broker", () => {
  const firsts = Array.from({ length: TRUE_SEEDS / SEEDS_A_TEST }, (_, index) => 1 + index * SEEDS_A_TEST);
  it.each(firsts)(`is blamed in none of ${SEEDS_A_TEST} seeds from %i on`, { timeout: TIMEOUT_MS }, (first) => {
    for (let seed = first; seed < first + SEEDS_A_TEST; seed++) {
      const { violations, classes, notes } = judgeHistory(runModel(seed));
      expect(violations.map(show), `seed ${seed}`).toEqual([]);
      expect(notes).toEqual([]);
      expect(classes).toMatchObject({ lost: 0, duplicated: 0, unexpected: 0, corrupted: 0 });
      expect(classes.ok, `seed ${seed}`).toBeGreaterThan(20);
    }
  });

  it("has the same history for the same seed", () => {
    expect(runModel(7)).toEqual(runModel(7));
  });
});

describe("a mutant of the model broker", () => {
  it("exists for each property, and there are forty", () => {
    expect(new Set(MUTANTS.map(([property]) => property))).toEqual(new Set(Object.keys(PROPERTIES)));
    expect(MUTANTS.length).toBeGreaterThanOrEqual(40);
  });

  it.each(MUTANTS)("is found by %s: %s", { timeout: TIMEOUT_MS }, (property, _what, rules) => {
    const others = new Set<string>();
    for (let seed = 1; seed <= WITHIN_SEEDS; seed++) {
      const { counts } = judgeHistory(runModel(seed, rules));
      if (counts[property] !== undefined) return;
      for (const other of Object.keys(counts)) others.add(other);
    }
    expect.fail(`not within ${WITHIN_SEEDS} seeds; found by ${[...others].join(", ") || "none"}`);
  });
});

function show({ property, message }: Violation): string {
  return `${property}: ${message}`;
}
