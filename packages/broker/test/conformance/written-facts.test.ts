import { describe, expect, it } from "vitest";
import { openEmbeddedEngine } from "../../src/embedded/embedded-engine.ts";
import type { Fact, FactKind, Position } from "../../src/embedded/journal/fact.ts";
import { MemoryJournal } from "../../src/embedded/journal/memory-journal.ts";
import { RecordingLog } from "../../src/testing/recording-log.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { SimulatedClock } from "../../src/testing/simulated-clock.ts";
import { Bench, bodiesOf, DEFAULTS } from "./bench.ts";

/** How much polls write: what must be a fact is one, and nothing is a fact for each message of other tags (TAG-2). */
describe("what polls write down", () => {
  it("10,000 messages of other tags make a handful of facts, however many polls wait", async () => {
    const { bench, count } = await aBench();
    const polls = ["GID_a", "GID_b"].flatMap((group) => [
      bench.poll({ group, tags: "A" }),
      bench.poll({ group, tags: "A" }),
    ]);
    for (let message = 0; message < 10_000; message++) await bench.publish({ tag: "B" });
    expect(count("messages-passed-over")).toBeLessThanOrEqual(20);
    await bench.advance(30_000);
    expect((await Promise.all(polls)).flat()).toEqual([]);
    expect(count("messages-passed-over")).toBeLessThanOrEqual(22);
    expect(count("messages-delivered")).toBe(0);
  });

  it("one that is passed over is a fact within a second, without another poll", async () => {
    const { bench, count } = await aBench();
    await bench.publish({ tag: "B" });
    await bench.receive({ tags: "A" });
    expect(count("messages-passed-over")).toBe(0);
    await bench.advance(1_000);
    expect(count("messages-passed-over")).toBe(1);
    await bench.advance(60_000);
    expect(count("messages-passed-over")).toBe(1);
  });

  it("a delivery takes along, in one fact, what its poll passed over", async () => {
    const { bench, facts } = await aBench();
    for (const tag of ["B", "A", "B", "A", "B"]) await bench.publish({ tag, body: tag });
    await bench.receive({ tags: "A", max: 1 });
    expect(bodiesOf(await bench.receive({ tags: "A" }))).toEqual(["A"]);
    await bench.receive({ tags: "A" });
    await bench.advance(1_000);
    const ranges = facts.filter((fact) => fact.kind === "messages-passed-over").map((fact) => fact.ranges);
    expect(ranges).toEqual([
      [[0, 1]],
      [
        [2, 3],
        [4, 5],
      ],
    ]);
  });

  it("a poll that finds nothing writes nothing, but where its group starts", async () => {
    const { bench, facts } = await aBench();
    for (let poll = 0; poll < 20; poll++) await bench.receive({ wait: 0 });
    await bench.advance(60_000);
    expect(facts.map(({ kind }) => kind)).toEqual(["topic-created", "group-created", "subscription-started"]);
  });

  it("a batch is one fact for each message queue, and so is what acknowledges it", async () => {
    const { bench, count } = await aBench();
    await bench.publishAll(["0", "1", "2", "3"]);
    await bench.acknowledge(await bench.receive());
    expect([count("messages-delivered"), count("deliveries-acknowledged")]).toEqual([1, 1]);
  });
});

async function aBench() {
  const facts: Fact[] = [];
  const journal = new (class extends MemoryJournal {
    override append(added: readonly Fact[]): Position[] {
      facts.push(...added);
      return super.append(added);
    }
  })(new Uint8Array(32));
  const runtime = { clock: new SimulatedClock(), log: new RecordingLog(), random: new SeededRandom(1) };
  const settings = { ...DEFAULTS, messageLogLevel: "debug" } as const;
  const engine = await openEmbeddedEngine({ journal, runtime, settings, waitClocks: [runtime.clock] });
  const under = {
    name: "recorded",
    keeps: false,
    restartsAlways: false,
    open: async () => ({ ...runtime, engine }),
  };
  const bench = new Bench(under, await under.open());
  const count = (kind: FactKind): number => facts.filter((fact) => fact.kind === kind).length;
  return { bench, facts, count };
}
