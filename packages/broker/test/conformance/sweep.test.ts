import { expect, it } from "vitest";
import { MAX_SWEEP } from "../../src/embedded/decisions/decide-sweep.ts";
import type { Fact, Position } from "../../src/embedded/journal/fact.ts";
import type { Recorded } from "../../src/embedded/journal/journal.ts";
import { MemoryJournal } from "../../src/embedded/journal/memory-journal.ts";
import type { Alarm, Clock } from "../../src/runtime/clock.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { SimulatedClock } from "../../src/testing/simulated-clock.ts";
import { type Bench, DEFAULTS, INSTANCE } from "./bench.ts";
import { openOver } from "./open-embedded.ts";

/** A journal with a past, which tells what is added to it. */
class TellingJournal extends MemoryJournal {
  readonly appended: (readonly Fact[])[] = [];
  onAppend: (facts: readonly Fact[]) => void = () => {};
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
    this.appended.push(facts);
    this.onAppend(facts);
    return super.append(facts);
  }
}

const ORDERS: Fact = {
  kind: "topic-created",
  topic: 1,
  ref: { instance: INSTANCE, topic: "orders" },
  topicKind: "delayed",
  queues: 1,
  origin: "use",
  at: 0,
};

function delayedUntil(deliverAt: number, id: number): Fact {
  const message = { body: `${deliverAt}`, tag: "", key: "k", properties: [] };
  return {
    kind: "delayed-message-stored",
    id,
    topic: 1,
    messageId: "1".repeat(32),
    message,
    publishedAt: 0,
    deliverAt,
  };
}

/** Of the clock that the engine gets, and before: all of it is due. */
const START = new SimulatedClock().wall();

const isRelease = (fact: Fact) => fact.kind === "delayed-message-released";

it("DLY-2.1: 100,000 due at the start are swept in due order, in slices, with a publish in between", async () => {
  const count = 100_000;
  const journal = new TellingJournal([
    ORDERS,
    ...Array.from({ length: count }, (_, index) => delayedUntil(START - index, index + 2)),
  ]);
  let bench: Bench | undefined;
  let published: Promise<unknown> | undefined;
  journal.onAppend = (facts) => {
    if (facts.some(isRelease)) published ??= Promise.resolve().then(() => bench?.publish({ topic: "another" }));
  };
  bench = await openOver(journal);
  await bench.settle();
  await published;

  const sizes = journal.appended.map((facts) => facts.length);
  expect(sizes.reduce((largest, size) => Math.max(largest, size), 0)).toBeLessThanOrEqual(MAX_SWEEP);
  expect(MAX_SWEEP).toBeLessThanOrEqual(1_000);
  const ids = journal.appended.flat().flatMap((fact) => (fact.kind === "delayed-message-released" ? [fact.id] : []));
  expect(ids).toEqual(Array.from({ length: count }, (_, index) => count + 1 - index));
  const publish = journal.appended.findIndex((facts) => facts.some(({ kind }) => kind === "message-stored"));
  expect(publish).toBeGreaterThan(0);
  expect(publish).toBeLessThan(journal.appended.findLastIndex((facts) => facts.some(isRelease)));
});

it("DEL-9.2: as many messages without retries left are moved in slices too, with the topic that they need", async () => {
  const journal = new TellingJournal([]);
  const bench = await openOver(journal, { settings: { maxRetries: 0 } });
  for (let group = 0; group < 40; group++) await bench.receive({ group: `GID_${group}` });
  for (let index = 0; index < 100; index++) await bench.publish();
  for (let group = 0; group < 40; group++) {
    for (let poll = 0; poll < 7; poll++) await bench.receive({ group: `GID_${group}` });
  }
  journal.appended.length = 0;
  await bench.advance(300_000);
  expect(journal.appended.every((facts) => facts.length <= MAX_SWEEP)).toBe(true);
  expect(journal.appended.flat().filter(({ kind }) => kind === "message-dead-lettered")).toHaveLength(4_000);
});

it("RET-1.1: what has grown too old in 3,000 topics is dropped in slices, oldest first", async () => {
  const count = 3_000;
  const journal = new TellingJournal(
    Array.from({ length: count }, (_, index): Fact[] => [
      { ...ORDERS, topic: index + 1, ref: { instance: INSTANCE, topic: `orders-${index}` }, origin: "declared" },
      {
        kind: "message-stored",
        topic: index + 1,
        queue: 0,
        offset: 0,
        messageId: "1".repeat(32),
        message: { body: "old", tag: "", key: "k", properties: [] },
        publishedAt: START - 10 * DEFAULTS.retentionAge - index,
      },
    ]).flat(),
  );
  const bench = await openOver(journal);
  await bench.settle();
  const drops = journal.appended.map((facts) => facts.filter(({ kind }) => kind === "messages-dropped"));
  expect(drops.every((facts) => facts.length <= MAX_SWEEP)).toBe(true);
  const topics = drops.flat().map((fact) => (fact.kind === "messages-dropped" ? fact.topic : 0));
  expect(topics).toEqual(Array.from({ length: count }, (_, index) => count - index));
});

it("DLY-1.2: facts that keep coming do not put off what is due", async () => {
  const clock = new RestlessClock();
  const bench = await openOver(new TellingJournal([ORDERS, delayedUntil(clock.wall() - 1, 2)]), { engineClock: clock });
  for (let index = 0; index < 10; index++) await bench.publish({ topic: "another" });
  expect(clock.cancelled).toBe(0);
  expect(clock.pending).toHaveLength(1);
  clock.pending[0]?.();
  expect(await bench.receive()).toHaveLength(1);
});

/** A clock that is later at every look, and rings when the test does. */
class RestlessClock implements Clock {
  readonly pending: (() => void)[] = [];
  cancelled = 0;
  #now = new SimulatedClock().now();

  now(): number {
    this.#now += 1;
    return this.#now;
  }

  wall(): number {
    return this.#now;
  }

  startFrom(): void {}

  wallStep(): undefined {}

  alarm(_at: number, ring: () => void): Alarm {
    this.pending.push(ring);
    return {
      cancel: () => {
        this.cancelled += 1;
        this.pending.splice(this.pending.indexOf(ring), 1);
      },
    };
  }
}
