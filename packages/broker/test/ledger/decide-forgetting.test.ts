import { describe, expect, it } from "vitest";
import type { Context } from "../../src/embedded/decisions/context.ts";
import { decideForgetting } from "../../src/embedded/decisions/decide-forgetting.ts";
import type { Fact } from "../../src/embedded/journal/fact.ts";
import { LastUses } from "../../src/embedded/last-uses.ts";
import { Ledger } from "../../src/embedded/state/ledger.ts";
import { DEFAULTS, INSTANCE } from "../conformance/bench.ts";

const STARTED_AT = 1_000_000_000_000;
const HOUR = 3_600_000;
const message = { body: "b", tag: "", key: "k", properties: [] };
const made = { origin: "use", at: STARTED_AT } as const;
const topic: Fact = {
  ...made,
  kind: "topic-created",
  topic: 1,
  ref: { instance: INSTANCE, topic: "t" },
  topicKind: "normal",
  queues: 1,
};
const group: Fact = {
  ...made,
  kind: "group-created",
  group: 2,
  ref: { instance: INSTANCE, group: "GID_a" },
  settings: {},
};
const stored: Fact = {
  kind: "message-stored",
  topic: 1,
  queue: 0,
  offset: 0,
  messageId: "1".repeat(32),
  message,
  publishedAt: STARTED_AT,
};

function aLedger(...facts: readonly Fact[]): Ledger {
  const ledger = new Ledger(DEFAULTS, () => ({ high: 0, low: 0 }));
  for (const [position, fact] of facts.entries()) ledger.apply(fact, position);
  return ledger;
}

/** What is decided so long after the start, of things that were last used a while after it. */
function decide(
  ledger: Ledger,
  { retentionAge, usedAfter, after }: Record<"retentionAge" | "usedAfter" | "after", number>,
) {
  const uses = new LastUses(STARTED_AT, ledger, []);
  for (const used of [...ledger.topics(), ...ledger.groups()]) uses.note(STARTED_AT + usedAfter, used);
  const now = STARTED_AT + after;
  const context: Context = { moment: { now, wall: now }, settings: { ...DEFAULTS, retentionAge }, draw: () => 0 };
  return { ...decideForgetting(ledger, uses, context), now };
}

describe("decideForgetting", () => {
  for (const retentionAge of [1, 71, 73, 1_001, 100_003, HOUR + 1, 72 * HOUR - 1, 72 * HOUR]) {
    it(`GRP-1.1: names no instant with a fraction, and only ones to come (${retentionAge} ms)`, () => {
      for (const facts of [[], [topic, group], [topic, group, stored]]) {
        for (const after of [0, 1, Math.floor(retentionAge / 2), retentionAge, retentionAge + 7, 3 * retentionAge]) {
          const decided = decide(aLedger(...facts), { retentionAge, usedAfter: Math.min(after, 5), after });
          expect(Number.isInteger(decided.lookAgainAt)).toBe(true);
          expect(decided.lookAgainAt).toBeGreaterThan(decided.now);
          expect(decided.facts.every((fact) => "at" in fact && fact.at === decided.now)).toBe(true);
        }
      }
    });
  }

  it("GRP-1.1: forgets what is idle for the retention to the millisecond, and looks again just then", () => {
    const ledger = aLedger(topic, group);
    const early = decide(ledger, { retentionAge: HOUR, usedAfter: 7, after: HOUR });
    expect(early.facts).toEqual([]);
    expect(early.lookAgainAt).toBe(early.now + 1_000); // at most once a second
    const due = decide(ledger, { retentionAge: HOUR, usedAfter: 7, after: HOUR + 7 });
    expect(due.facts.map(({ kind }) => kind)).toEqual(["topic-forgotten", "group-forgotten"]);
    const long = decide(ledger, { retentionAge: HOUR, usedAfter: 7, after: 8 });
    expect(long.lookAgainAt).toBe(STARTED_AT + HOUR + 7);
  });

  it("GRP-1.1: looks again after a while at what is idle and still holds something", () => {
    const decided = decide(aLedger(topic, stored), { retentionAge: 72 * HOUR, usedAfter: 0, after: 72 * HOUR });
    expect(decided.facts).toEqual([]);
    expect(decided.lookAgainAt).toBe(decided.now + HOUR);
  });
});
