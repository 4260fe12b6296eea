import { describe, expect, it } from "vitest";
import { MIB } from "../../src/domain/size.ts";
import { MAX_DROPPED, MAX_ENDED } from "../../src/embedded/decisions/drop-slice.ts";
import type { Fact, MessagesDropped, Position } from "../../src/embedded/journal/fact.ts";
import type { Recorded } from "../../src/embedded/journal/journal.ts";
import { MemoryJournal } from "../../src/embedded/journal/memory-journal.ts";
import type { EngineSettings } from "../../src/embedded/settings.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { SimulatedClock } from "../../src/testing/simulated-clock.ts";
import { nextTurn } from "../../src/testing/turns.ts";
import { type Bench, bodiesOf, DEFAULTS, INSTANCE, watch } from "./bench.ts";
import { openOver } from "./open-embedded.ts";

const START = new SimulatedClock().wall();
const GROUPS = [2, 3];
/** Of each group; all groups together take five slices. */
const OUTSTANDING = (5 * MAX_ENDED) / GROUPS.length;
const TOPIC = { instance: INSTANCE, topic: "orders" };

/** A journal with a past, which tells what is dropped in each turn of the loop. */
class TurnsJournal extends MemoryJournal {
  readonly turns: MessagesDropped[][] = [];
  #turn: MessagesDropped[] | undefined;
  readonly #past: Recorded[];

  constructor(past: readonly Fact[]) {
    super(new SeededRandom(2).bytes(32));
    const positions = super.append(past);
    this.#past = past.map((fact, index) => ({ fact, position: positions[index] ?? 0 }));
  }

  override async *replay(): AsyncIterable<readonly Recorded[]> {
    yield this.#past;
  }

  override append(facts: readonly Fact[]): Position[] {
    const dropped = facts.filter((fact): fact is MessagesDropped => fact.kind === "messages-dropped");
    if (dropped.length > 0) this.#thisTurn.push(...dropped);
    return super.append(facts);
  }

  get dropped(): number[] {
    return this.turns.map((facts) => facts.reduce((sum, { from, upTo }) => sum + upTo - from, 0));
  }

  get #thisTurn(): MessagesDropped[] {
    if (this.#turn === undefined) {
      this.#turn = [];
      this.turns.push(this.#turn);
      const end = () => {
        this.#turn = undefined;
      };
      nextTurn().then(end, end);
    }
    return this.#turn;
  }
}

function stored(topic: number, offset: number, { publishedAt = START, body = "old" } = {}): Fact {
  const message = { body, tag: "", key: "k", properties: [] };
  return { kind: "message-stored", topic, queue: 0, offset, messageId: "1".repeat(32), message, publishedAt };
}

/** `count` messages published then, which two groups have and did not acknowledge, and a new one behind them. */
function aPast({ count = OUTSTANDING, publishedAt = 0, body = "old" } = {}): Fact[] {
  const offsets = Array.from({ length: count }, (_, offset) => offset);
  return [
    { kind: "topic-created", topic: 1, ref: TOPIC, topicKind: "normal", queues: 1, origin: "use", at: 0 },
    ...offsets.map((offset) => stored(1, offset, { publishedAt, body })),
    stored(1, count, { body: "new" }),
    ...GROUPS.flatMap((group): Fact[] => [
      {
        kind: "group-created",
        group,
        ref: { instance: INSTANCE, group: `GID_${group}` },
        settings: {},
        origin: "use",
        at: 0,
      },
      { kind: "subscription-started", topic: 1, group, starts: [], at: 0 },
      {
        kind: "messages-delivered",
        topic: 1,
        group,
        queue: 0,
        ordered: false,
        deliveries: offsets.map((offset) => ({ offset, attempt: 1, number: 0 })),
        at: START,
        until: START + 300_000,
      },
    ]),
  ];
}

/** Sweeps at the start, and not again for ten seconds; meanwhile, after five, all those messages are too old. */
async function openBetweenSweeps(): Promise<{ journal: TurnsJournal; bench: Bench }> {
  const other = { instance: INSTANCE, topic: "other" };
  const journal = new TurnsJournal([
    ...aPast({ publishedAt: START + 5_000 - DEFAULTS.retentionAge }),
    { kind: "topic-created", topic: 9, ref: other, topicKind: "normal", queues: 1, origin: "use", at: 0 },
    stored(9, 0, { publishedAt: 0 }),
  ]);
  const bench = await openOver(journal);
  await bench.clock.advance(5_000);
  expect(journal.dropped).toEqual([1]);
  journal.turns.length = 0;
  return { journal, bench };
}

async function open(journal: TurnsJournal, settings: Partial<EngineSettings> = {}): Promise<Bench> {
  const bench = await openOver(journal, { settings });
  await bench.settle();
  return bench;
}

const fiveTurns = Array.from({ length: 5 }, () => MAX_ENDED / GROUPS.length);

describe("RET-1: what must go goes in slices", () => {
  it("RET-1.1: a sweep ends no more deliveries in a turn of the loop than that, and goes on at once", async () => {
    const journal = new TurnsJournal(aPast());
    const bench = await open(journal);
    expect(journal.dropped).toEqual(fiveTurns);
    expect(bench.now).toBe(START);
    expect(bench.engine.inspection.countTopic(TOPIC)).toMatchObject({ stored: 1 });
  });

  it("RET-1.1: what nobody has outstanding goes in large slices", async () => {
    const past = aPast().filter(({ kind }) => kind !== "messages-delivered");
    const journal = new TurnsJournal(past);
    await open(journal);
    expect(OUTSTANDING).toBeLessThan(MAX_DROPPED);
    expect(journal.dropped).toEqual([OUTSTANDING]);
  });

  it("RET-1.1: what goes for its size is bounded as well", async () => {
    const size = { body: "x".repeat(1_024), publishedAt: START };
    const journal = new TurnsJournal(aPast({ ...size }));
    const bench = await open(journal, { retentionBytes: MIB });
    expect(Math.max(...journal.dropped)).toBe(MAX_ENDED / GROUPS.length);
    expect(journal.turns.flat().every(({ reason }) => reason === "size")).toBe(true);
    expect(bench.engine.inspection.countTopic(TOPIC)?.stored).toBeLessThan(MIB / 1_024);
  });

  for (const mode of ["concurrent", "ordered"] as const) {
    it(`RET-1.2: a poll takes one slice, and is offered nothing while more is left (${mode})`, async () => {
      const { journal, bench } = await openBetweenSweeps();
      const [first, second] = await Promise.all([
        bench.poll({ group: "GID_2", mode, wait: 0 }),
        bench.poll({ group: "GID_3", mode, wait: 0 }),
      ]);
      expect([first, second]).toEqual([[], []]);
      expect(journal.dropped).toEqual([MAX_ENDED / GROUPS.length]);
    });

    it(`RET-1.2: who waits is served once it is through, with no pause (${mode})`, async () => {
      const { journal, bench } = await openBetweenSweeps();
      const polls = [bench.poll({ group: "GID_2", mode }), bench.poll({ group: "GID_3", mode })];
      const ended = polls.map(watch);
      const now = bench.now;
      await bench.clock.settle();
      expect(ended.map((has) => has())).toEqual([true, true]);
      expect((await Promise.all(polls)).map(bodiesOf)).toEqual([["new"], ["new"]]);
      expect(journal.dropped).toEqual(fiveTurns);
      expect(bench.now).toBe(now);
    });
  }

  it("RET-1.6: a group that comes while more is left misses nothing of it", async () => {
    const { journal, bench } = await openBetweenSweeps();
    const poll = bench.poll({ group: "GID_new" });
    await bench.clock.settle();
    expect(bodiesOf(await poll)).toEqual(["new"]);
    expect(journal.dropped).toEqual(fiveTurns);
    const group = { instance: INSTANCE, group: "GID_new" };
    expect(bench.engine.inspection.countSubscription(TOPIC, group)).toMatchObject({ droppedUnread: 0 });
  });
});
