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

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A journal with a past, which tells what is added to it. */
class TellingJournal extends MemoryJournal {
  readonly appended: (readonly Fact[])[] = [];
  onAppend: (facts: readonly Fact[]) => void = () => {};
  readonly #past: Recorded[];

  constructor(past: readonly Fact[]) {
    super(new SeededRandom(2).bytes(32));
    const positions = past.flatMap((fact) => super.append([fact]));
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

function halfUntil(firstCheckAt: number, id: number): Fact {
  const message = { body: `${firstCheckAt}`, tag: "", key: "k", properties: [] };
  const stored = { topic: 1, messageId: "1".repeat(32), message, publishedAt: START, at: START };
  return { kind: "half-message-stored", id, ...stored, number: id, firstCheckAt };
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

it("100,000 half messages and as many delayed ones cost nothing until they are due", async () => {
  const count = 100_000;
  const [checkAt, deliverAt] = [START + HOUR, START + 5 * HOUR];
  const journal = new TellingJournal([
    { ...ORDERS, topicKind: "transactional" },
    { ...ORDERS, topic: 2, ref: { instance: INSTANCE, topic: "later" } },
    ...Array.from({ length: count }, (_, index): Fact[] => [
      halfUntil(checkAt + Math.floor(index / 1_000), 3 + 2 * index),
      { ...delayedUntil(deliverAt + Math.floor(index / 1_000), 4 + 2 * index), topic: 2 } as Fact,
    ]).flat(),
  ]);
  const clock = new SimulatedClock();
  const counting = new CountingClock(clock);
  const bench = await openOver(journal, { clock, engineClock: counting });
  // The first round looks through the journal once.
  await clock.advance(5 * MINUTE);
  journal.appended.length = 0;

  const waiting = await counting.during(() => clock.advanceTo(checkAt - 1));
  expect(waiting).toEqual({ alarms: 54, decisions: 0 }); // a round a minute, which finds that nothing has changed

  // Each comes due, nobody asks, and then again there is nothing to do.
  await clock.advanceTo(checkAt + MINUTE);
  const quiet = await counting.during(() => clock.advanceTo(deliverAt - 1));
  expect(quiet.alarms).toBeLessThan(5 * 60);
  expect(quiet.decisions).toBe(0);
  expect(journal.appended).toEqual([]);

  await clock.advanceTo(deliverAt + 10);
  expect(journal.appended.flat().filter(isRelease)).toHaveLength(11_000);
  expect(await bench.receiveHalf({ topic: "orders" })).toHaveLength(16);
});

/** Counts the alarms that are set, and the looks at the wall clock: no decision does without. */
class CountingClock implements Clock {
  readonly #clock: SimulatedClock;
  #alarms = 0;
  #decisions = 0;

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
  }

  async during(work: () => Promise<void>): Promise<{ readonly alarms: number; readonly decisions: number }> {
    const [alarms, decisions] = [this.#alarms, this.#decisions];
    await work();
    return { alarms: this.#alarms - alarms, decisions: this.#decisions - decisions };
  }

  now(): number {
    return this.#clock.now();
  }

  wall(): number {
    this.#decisions += 1;
    return this.#clock.wall();
  }

  startFrom(at: number): void {
    this.#clock.startFrom(at);
  }

  wallStep(): undefined {}

  alarm(at: number, ring: () => void): Alarm {
    this.#alarms += 1;
    return this.#clock.alarm(at, ring);
  }
}

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
