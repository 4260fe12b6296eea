import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PublishIntent } from "../../src/domain/message.ts";
import type { Delivery } from "../../src/engine/engine.ts";
import { Bench, DEFAULTS, INSTANCE, refusalsOf } from "./bench.ts";
import { engines } from "./engines.ts";

/**
 * The ledger is the sum of its facts: a broker that is restarted after every step answers like one that never stopped. What it
 * may forget (whose turn it is, filters of late) is switched off, so that nothing else may differ.
 */
const SETTINGS = {
  ...DEFAULTS,
  orderedQueues: 1,
  newShare: Number.MAX_SAFE_INTEGER,
  filterMemory: -1,
  maxRetries: 2,
  maxBatchBytes: 30,
  checkFor: 40_000,
};

const group = fc.constantFrom("GID_a", "GID_b");
const mode = fc.constantFrom("concurrent" as const, "ordered" as const);
const tag = fc.constantFrom("", "A", "B");
const tags = fc.constantFrom("*", "*", "A", "A||B");
const topic = fc.constantFrom("orders", "orders", "pay", "%DLQ%GID_a");
const max = fc.integer({ min: 1, max: 4 });
const which = fc.array(fc.nat(), { maxLength: 3 });
const by = fc.constantFrom(1, 1_000, 10_000, 60_000, 299_999, 300_000);
const intent = fc.constantFrom("normal", "normal", "ordered", "delayed", "transactional");
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ verb: fc.constant("publish" as const), tag, intent }) },
  { weight: 4, arbitrary: fc.record({ verb: fc.constant("receive" as const), topic, group, mode, tags, max }) },
  { weight: 2, arbitrary: fc.record({ verb: fc.constant("acknowledge" as const), which }) },
  { weight: 2, arbitrary: fc.record({ verb: fc.constant("give back" as const), which }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant("check" as const), max }) },
  {
    weight: 1,
    arbitrary: fc.record({
      verb: fc.constant("end" as const),
      which,
      resolution: fc.constantFrom("commit" as const, "rollback" as const),
    }),
  },
  { weight: 3, arbitrary: fc.record({ verb: fc.constant("advance" as const), by }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

describe("replay", () => {
  it("a broker that is restarted after every step answers like one that never stopped", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60, size: "max" }), async (steps) => {
        const lived = await answersOf("embedded, in memory", steps);
        const restarted = await answersOf("embedded, restarted after every step", steps);
        expect(restarted).toEqual(lived);
      }),
      { numRuns: 40, seed: 1 },
    );
  });
});

/** What one engine answers to each step, without what is drawn at random. */
async function answersOf(name: string, steps: readonly Step[]): Promise<unknown[]> {
  const under = engines.find((engine) => engine.name === name);
  if (under === undefined) throw new Error(`no engine ${name}`);
  const bench = new Bench(under, await under.open(SETTINGS));
  const delivered: { readonly topic: string; readonly group: string; readonly handle: string }[] = [];
  const halves: string[] = [];
  const answers: unknown[] = [];
  for (const [index, each] of steps.entries())
    answers.push([index, await take(each, `${index}`), await countsOf(bench)]);
  await bench.close();
  return answers;

  async function take(each: Step, body: string): Promise<unknown> {
    switch (each.verb) {
      case "publish": {
        const isHalf = each.intent === "transactional";
        const published = bench.publish({
          topic: isHalf ? "pay" : "orders",
          body,
          tag: each.tag,
          intent: intentOf(bench, each.intent),
        });
        const receipt = await published.catch(({ code }: { code: string }) => code);
        if (typeof receipt === "string") return receipt;
        if (receipt.transactionHandle !== undefined) halves.push(receipt.transactionHandle);
        return undefined;
      }
      case "receive": {
        const deliveries = await bench.receive(each);
        delivered.push(...deliveries.map(({ handle }) => ({ topic: each.topic, group: each.group, handle })));
        return deliveries.map(withoutHandle);
      }
      case "acknowledge": {
        const outcomes: unknown[] = [];
        for (const { topic, group, handle } of each.which.flatMap((at) => delivered.at(-1 - (at % 8)) ?? []))
          outcomes.push(refusalsOf(await bench.acknowledge([handle], { topic, group })));
        return outcomes;
      }
      case "give back":
        return bench.giveBack([
          ...each.which.flatMap((at) => delivered.at(-1 - (at % 8))?.handle ?? []),
          ...each.which.flatMap((at) => halves.at(-1 - (at % 4)) ?? []),
        ]);
      case "check": {
        const offers = await bench.receiveHalf({ topic: "pay", max: each.max });
        halves.push(...offers.map(({ handle }) => handle));
        return offers.map(withoutHandle);
      }
      case "end": {
        const handles = each.which.flatMap((at) => halves.at(-1 - (at % 4)) ?? []);
        const ended = bench.end(each.resolution, handles, { topic: "pay" });
        return ended.then(refusalsOf, ({ code }: { code: string }) => code);
      }
      case "advance":
        return bench.advance(each.by);
    }
  }
}

async function countsOf(bench: Bench): Promise<unknown> {
  await bench.settle();
  const { inspection } = bench.engine;
  return ["orders", "pay", "%DLQ%GID_a"].map((topic) => [
    inspection.countTopic({ instance: INSTANCE, topic }),
    ["GID_a", "GID_b"].map((group) => {
      const counts = inspection.countSubscription({ instance: INSTANCE, topic }, { instance: INSTANCE, group });
      // What is passed over is counted once it is written down, which a stop hastens.
      return counts && { inFlight: counts.inFlight, dead: counts.dead };
    }),
  ]);
}

function withoutHandle({ message, attempt, publishedAt, firstDeliveredAt, visibleAgainAt, deadLetter }: Delivery) {
  return [message.body, attempt, publishedAt, firstDeliveredAt, visibleAgainAt, deadLetter?.attempts];
}

function intentOf(bench: Bench, kind: string): PublishIntent {
  if (kind === "ordered") return { kind, shardingKey: "a" };
  if (kind === "delayed") return { kind, deliverAt: bench.clock.wall() + 15_000 };
  if (kind === "transactional") return { kind, firstCheckAfter: 10_000, deliverAt: bench.clock.wall() + 15_000 };
  return { kind: "normal" };
}
