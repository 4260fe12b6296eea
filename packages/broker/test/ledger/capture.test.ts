import { expect, it } from "vitest";
import type { Fact } from "../../src/embedded/journal/fact.ts";
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

it("comes in slices of at most 256 KiB, however much there is", async () => {
  const ledger = new Ledger(SETTINGS, hashTag);
  const at = 1_000_000;
  const origin = "use" as const;
  const deadLetters = { instance: "i", topic: "%DLQ%GID_a" };
  const facts: Fact[] = [
    { kind: "topic-created", topic: 1, ref: { instance: "i", topic: "t" }, topicKind: "normal", queues: 1, origin, at },
    { kind: "topic-created", topic: 2, ref: deadLetters, topicKind: "normal", queues: 1, origin, at },
    { kind: "group-created", group: 3, ref: { instance: "i", group: "GID_a" }, settings: {}, origin, at },
    { kind: "subscription-started", topic: 1, group: 3, starts: [0], at },
  ];
  const message = { body: "b", tag: "", key: "k", properties: [] };
  const place = { topic: 1, group: 3, queue: 0 };
  for (let offset = 0; offset < 9_000; offset++) {
    facts.push({ kind: "message-stored", ...place, offset, messageId: "1".repeat(32), message, publishedAt: at });
    // Every other one is delivered, so that what is left to deliver is in many ranges.
    if (offset % 2 > 0) continue;
    const deliveries = [{ offset, attempt: 1, number: offset }];
    facts.push({ kind: "messages-delivered", ...place, ordered: false, deliveries, at, until: at + 1 });
    if (offset % 4 > 0) continue;
    const moved = { deadLetterTopic: 2, deadLetterOffset: offset / 4, storedAt: offset, wall: at } as const;
    facts.push({
      kind: "message-dead-lettered",
      ...place,
      offset,
      attempts: 1,
      reason: "retries-used-up",
      ...moved,
      at,
    });
  }
  for (const [position, fact] of facts.entries()) ledger.apply(fact, position);
  const { slices, end } = ledger.capture();
  const kept = [...slices];
  end();
  expect(kept.length).toBeGreaterThan(3);
  expect(Math.max(...kept.map(({ length }) => length))).toBeLessThan(262_144);
  expect(describeDifference(contentsOf(await restored(kept)), contentsOf(ledger))).toEqual([]);
});
