import { expect, it } from "vitest";
import { Ledger, type LedgerSettings } from "../../src/embedded/state/ledger.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { contentsOf, describeDifference } from "./ledger-contents.ts";
import { RandomFacts } from "./random-facts.ts";

const SEEDS = 40;
const ROUNDS = 12;
const SETTINGS: LedgerSettings = { maxRetries: 3, onExhausted: "dead-letter", checkFor: 5_000 };

function hashTag(tag: string): { high: number; low: number } {
  return { high: tag === "" ? 0 : tag.charCodeAt(0), low: tag.length };
}

function restored(slices: Iterable<Uint8Array>): Promise<Ledger> {
  return Ledger.restore(SETTINGS, hashTag, slices);
}

for (let seed = 1; seed <= SEEDS; seed++) {
  it(`is the ledger as it stood when it began, whatever happened meanwhile (seed ${seed})`, async () => {
    const random = new SeededRandom(seed);
    let ledger = new Ledger(SETTINGS, hashTag);
    let facts = new RandomFacts(random, ledger);
    const apply = (count: number) =>
      Array.from({ length: count }, () => {
        const { fact, position } = facts.next();
        ledger.apply(fact, position);
        if (random.below(20) === 0) ledger.settle(ledger.newestAt, () => undefined);
        return { fact, position };
      });
    for (let round = 0; round < ROUNDS; round++) {
      apply(20 * round);
      const before = contentsOf(ledger);
      const { slices, end } = ledger.capture({ sliceBytes: 1 + random.below(200) });
      const kept: Uint8Array[] = [];
      const tail = apply(random.below(5));
      for (const slice of slices) {
        kept.push(slice);
        tail.push(...apply(random.below(4)));
      }
      end();
      const copy = await restored(kept);
      expect(describeDifference(contentsOf(copy), before)).toEqual([]);
      for (const { fact, position } of tail) copy.apply(fact, position);
      expect(describeDifference(contentsOf(copy), contentsOf(ledger))).toEqual([]);
      if (random.below(3) > 0) continue;
      ledger = copy;
      facts = facts.goOnWith(copy);
    }
  });
}
