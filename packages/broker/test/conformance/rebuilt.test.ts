import { expect, it } from "vitest";
import type { Delivery } from "../../src/engine/engine.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { Bench, DEFAULTS, INSTANCE, ordered, type ReceiveInput } from "./bench.ts";
import { engines } from "./engines.ts";

const SEEDS = 30;
const STEPS = 300;
const TOPICS = ["plain", "sharded", "half"] as const;
const GROUPS = ["GID_used", "GID_declared", "GID_blocking"] as const;

/** A seeded workload of all verbs, in the hands of clients that forget, repeat and hang up. */
class Workload {
  readonly #random: SeededRandom;
  readonly #bench: Bench;
  readonly #usesTags: boolean;
  readonly #held: { readonly delivery: Delivery; readonly topic: string; readonly group: string }[] = [];
  readonly #transactions: string[] = [];
  readonly #polls: Promise<unknown>[] = [];
  /** Bodies that must reach every group, and what has reached one: `body group`. */
  readonly visible: string[] = [];
  readonly reached = new Set<string>();
  #published = 0;

  constructor(bench: Bench, seed: number, usesTags: boolean) {
    this.#bench = bench;
    this.#random = new SeededRandom(seed);
    this.#usesTags = usesTags;
  }

  async run(): Promise<void> {
    await this.#bench.declareGroup("GID_declared", { maxRetries: 2, from: "earliest" });
    await this.#bench.declareGroup("GID_blocking", { maxRetries: 1, from: "earliest", onExhausted: "block" });
    for (let step = 0; step < STEPS; step++) await this.#step();
    await this.#bench.advance(30_000);
    await Promise.all(this.#polls);
  }

  #step(): Promise<unknown> {
    const draw = this.#random.below(100);
    if (draw < 30) return this.#publish();
    if (draw < 50) return this.#receive();
    if (draw < 54) return this.#poll();
    if (draw < 68) return this.#acknowledge();
    if (draw < 74) return this.#giveBack();
    if (draw < 80) return this.#check();
    if (draw < 86) return this.#end();
    if (draw < 88) return this.#changeGroup();
    return this.#bench.advance(this.#pick([1, 900, 10_000, 45_000, 61_000, 150_000, 300_000]));
  }

  async #publish(): Promise<void> {
    const topic = this.#pick(TOPICS);
    const key = this.#pick(["a", "b", "c", "i"]);
    const body = `${topic}:${topic === "sharded" ? key : ""}:${this.#published++}`;
    const tag = this.#pick(["", "a", "b", "c"]);
    const now = this.#bench.clock.wall();
    const intent = {
      plain: this.#pick([
        { kind: "normal" },
        { kind: "delayed", deliverAt: now + this.#random.below(90_000) },
      ] as const),
      sharded: ordered(key),
      half: {
        kind: "transactional",
        firstCheckAfter: 10_000,
        ...this.#pick([{}, { deliverAt: now + 40_000 }]),
      } as const,
    }[topic];
    if (topic !== "half") this.visible.push(body);
    const { transactionHandle } = await this.#bench.publish({ topic, body, tag, intent });
    if (transactionHandle !== undefined) this.#transactions.push(transactionHandle);
  }

  #input(): ReceiveInput & { topic: string; group: string } {
    const group = this.#pick(GROUPS);
    const topic = this.#pick([...TOPICS, "plain", "sharded", `%DLQ%${group}`]);
    const tags = this.#usesTags ? this.#pick(["*", "*", "a", "a||b", "c"]) : "*";
    return { topic, group, tags, max: 1 + this.#random.below(6), mode: this.#pick(["concurrent", "ordered"]) };
  }

  async #receive(): Promise<void> {
    const input = this.#input();
    this.#hold(await this.#bench.receive(input), input);
  }

  async #poll(): Promise<void> {
    const input = { ...this.#input(), wait: 1 + this.#random.below(30_000) };
    this.#polls.push(this.#bench.poll(input).then((deliveries) => this.#hold(deliveries, input)));
    await this.#bench.settle();
  }

  #hold(deliveries: readonly Delivery[], { topic, group }: { topic: string; group: string }): void {
    for (const { message } of deliveries) this.reached.add(`${message.body} ${group}`);
    this.#held.push(...deliveries.map((delivery) => ({ delivery, topic, group })));
  }

  async #acknowledge(): Promise<void> {
    for (let times = this.#random.below(4); times >= 0 && this.#held.length > 0; times--) {
      const { delivery, topic, group } = this.#pick(this.#held);
      await this.#bench.acknowledge([delivery], { topic, group });
    }
  }

  async #giveBack(): Promise<void> {
    if (this.#held.length > 0) await this.#bench.giveBack([this.#pick(this.#held.slice(-4)).delivery]);
  }

  async #check(): Promise<void> {
    const offers = await this.#bench.receiveHalf({ topic: "half", max: 3 });
    this.#transactions.push(...offers.map(({ handle }) => handle));
    if (offers.length > 0 && this.#random.below(4) === 0) await this.#bench.giveBack(offers.slice(0, 1));
  }

  async #end(): Promise<void> {
    if (this.#transactions.length === 0) return;
    const handle = this.#pick(this.#transactions.slice(-6));
    await this.#bench.end(this.#pick(["commit", "commit", "rollback"]), [handle], { topic: "half" });
  }

  #changeGroup(): Promise<void> {
    return this.#bench.declareGroup("GID_declared", { maxRetries: this.#random.below(4), from: "earliest" });
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[this.#random.below(items.length)] as Item;
  }
}

/** All that clients can learn of it: the counts, then whatever it still gives to whom, and the counts of that. */
async function learnAll(bench: Bench, reached: Set<string>): Promise<unknown> {
  await bench.settle();
  const before = counts(bench);
  await bench.advance(600_000);
  const given: Record<string, unknown> = {};
  for (const topic of [...TOPICS, ...GROUPS.map((group) => `%DLQ%${group}`)]) {
    for (const group of GROUPS) {
      const deliveries = await drain(bench, topic, group);
      for (const { message } of deliveries) reached.add(`${message.body} ${group}`);
      given[`${topic} ${group}`] = inOrder(topic, deliveries).map(whatIsToldOf);
    }
  }
  const offers = await bench.receiveHalf({ topic: "half" });
  return { before, given, offers: offers.map(whatIsToldOf), after: counts(bench) };
}

async function drain(bench: Bench, topic: string, group: string): Promise<Delivery[]> {
  const all: Delivery[] = [];
  for (;;) {
    const deliveries = await bench.receive({ topic, group, mode: topic === "sharded" ? "ordered" : "concurrent" });
    if (deliveries.length === 0) return all;
    all.push(...deliveries);
    await bench.acknowledge(deliveries, { topic, group });
  }
}

/** As they came within one message queue; whose turn it is among queues, and among new and old, may be forgotten. */
function inOrder(topic: string, deliveries: readonly Delivery[]): readonly Delivery[] {
  const keyOf = ({ message, messageId }: Delivery) =>
    topic === "sharded" ? (message.body.split(":")[1] ?? "") : messageId;
  return deliveries.toSorted((one, other) => keyOf(one).localeCompare(keyOf(other)));
}

function whatIsToldOf({ message, messageId, attempt, firstDeliveredAt, visibleAgainAt, deadLetter }: Delivery): string {
  return JSON.stringify([message, messageId, attempt, firstDeliveredAt, visibleAgainAt, deadLetter]);
}

function counts(bench: Bench): unknown {
  const { inspection } = bench.engine;
  return [...TOPICS, ...GROUPS.map((group) => `%DLQ%${group}`)].map((topic) => {
    const ref = { instance: INSTANCE, topic };
    return [
      inspection.countTopic(ref),
      ...GROUPS.map((group) => inspection.countSubscription(ref, { instance: INSTANCE, group })),
    ];
  });
}

async function live(seed: number, usesTags: boolean, end: (bench: Bench) => Promise<void>): Promise<unknown> {
  const under = engines.find(({ keeps, restartsAlways }) => keeps && !restartsAlways);
  if (under === undefined) throw new Error("no engine keeps its data");
  const settings = { ...DEFAULTS, maxRetries: 3, checkFor: 120_000, giveBacksBeforeDelivery: 2 };
  const bench = new Bench(under, await under.open(settings));
  const workload = new Workload(bench, seed, usesTags);
  await workload.run();
  await end(bench);
  const learnt = await learnAll(bench, workload.reached);
  if (!usesTags) expectAllReached(workload);
  return learnt;
}

/** DEL-1: without filters every message has reached every group. */
function expectAllReached({ visible, reached }: Workload): void {
  const all = visible.flatMap((body) => GROUPS.map((group) => `${body} ${group}`));
  expect(all.filter((one) => !reached.has(one))).toEqual([]);
}

for (let seed = 1; seed <= SEEDS; seed++) {
  it(`DEL-10.1: the ledger rebuilt from the journal answers as the one that lived (seed ${seed})`, async () => {
    // A crash forgets what was passed over in the last second (TAG-2), a clean stop writes it down.
    const crash = seed % 2 === 0;
    const lived = await live(seed, !crash, async () => {});
    expect(await live(seed, !crash, (bench) => bench.restart({ crash }))).toEqual(lived);
  });
}
