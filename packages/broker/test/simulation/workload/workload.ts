import { BEGINNING, type Dice, HEALING } from "../dice.ts";
import type { History } from "../history.ts";
import type { ModelGroup } from "../model/model-world.ts";
import { ReferenceModel } from "../model/reference-model.ts";
import type { Operation, Plan } from "../plan.ts";
import type { SimulatedBroker } from "../simulated-broker.ts";
import { Consumers } from "./consumers.ts";
import { Conversation } from "./conversation.ts";
import { Healing } from "./healing.ts";
import { Operators } from "./operators.ts";
import { Producers } from "./producers.ts";
import { TOPICS } from "./topics.ts";
import { Transactions } from "./transactions.ts";
import { Uptimes } from "./uptimes.ts";

const RELIEVED_WITHIN = 5_000;

/** Clients as they are: some slow, some forgetful, some hang up; a machine as it may be; and all of it drawn from one seed. */
export class Workload {
  readonly #plan: Plan;
  readonly #talk: Conversation;
  readonly #producers: Producers;
  readonly #consumers: Consumers;
  readonly #transactions: Transactions;
  readonly #operators: Operators;
  readonly #uptimes: Uptimes;
  readonly #healing: Healing;

  constructor(plan: Plan, dice: Dice, broker: SimulatedBroker, history: History) {
    const { settings, groups, usesTags } = plan;
    const queues = new Map(TOPICS.map((topic) => [topic.name, topic.queues]));
    const all: readonly ModelGroup[] = [
      { name: "GID_retrying", maxRetries: [settings.maxRetries], blocks: false, from: "earliest" },
      { name: "GID_blocking", maxRetries: [1], blocks: true, from: "earliest" },
      { name: "GID_late", maxRetries: [2], blocks: false, from: "undeclared" },
    ];
    const model = new ReferenceModel(settings, queues, all);
    this.#plan = plan;
    this.#talk = new Conversation({ broker, model, history, dice });
    this.#transactions = new Transactions(this.#talk);
    this.#producers = new Producers(this.#talk, usesTags, this.#transactions);
    this.#consumers = new Consumers(this.#talk, groups, usesTags);
    this.#operators = new Operators(this.#talk);
    this.#uptimes = new Uptimes(this.#talk, plan, () => this.#consumers.forgetWaits());
    const clients = { consumers: this.#consumers, transactions: this.#transactions };
    this.#healing = new Healing(this.#talk, clients, groups, (by) => this.#advance(by));
  }

  async run(): Promise<void> {
    const { dice } = this.#talk;
    dice.turnTo(BEGINNING);
    await this.#begin();
    const { seed, steps, comparesEvery } = this.#plan;
    for (const { index, operation } of steps) {
      dice.turnTo(index);
      dice.below(2 ** 20); // that which drew the operation
      if (this.#uptimes.isToEnd) await this.#uptimes.crash(dice.pick(["kill", "power-cut"]));
      await this.#do(operation);
      if (index % comparesEvery === seed % comparesEvery) {
        await this.#uptimes.compareLedgers(index % 2 === 0 ? "journal" : "newest snapshot");
      }
      if (this.#talk.broker.disk.isDead) await this.#uptimes.crash("power-cut");
    }
    dice.turnTo(HEALING);
    await this.#heal();
  }

  /** As a broker does that is started with a file: again, until it is confirmed. */
  async #begin(): Promise<void> {
    await this.#uptimes.start();
    for (let isDeclared = false; !isDeclared; ) {
      this.#operators.declareAll(this.#plan.groups, () => {
        isDeclared = true;
      });
      await this.#talk.settle();
      if (this.#talk.broker.disk.isDead || this.#talk.hasFailed) await this.#uptimes.crash("power-cut");
    }
  }

  // --- steps

  /** Verbs are asked at once, then everything settles. */
  async #do(operation: Operation): Promise<void> {
    await this.#operations[operation]();
    await this.#talk.settle();
  }

  readonly #operations: Readonly<Record<Operation, () => void | Promise<void>>> = {
    publish: () => this.#producers.publishPlain(),
    publishOrdered: () => this.#producers.publishOrdered(),
    publishDelayed: () => this.#producers.publishDelayed(),
    publishHalf: () => this.#producers.publishHalf(),
    burst: () => this.#burst(),
    receive: () => this.#consumers.receive(this.#anyTopic(), this.#talk.dice.oneIn(3)),
    receiveInOrder: () => this.#consumers.receive(this.#talk.dice.pick(["shards", "shards", "global"]), true),
    receiveDead: () => this.#consumers.receive("dead", this.#talk.dice.oneIn(2)),
    wait: () => this.#consumers.receive(this.#anyTopic(), this.#talk.dice.oneIn(2), 1 + this.#talk.dice.below(30_000)),
    hangUp: () => this.#consumers.hangUp(),
    acknowledge: () => this.#consumers.acknowledgeRecent(),
    acknowledgeOld: () => this.#consumers.acknowledgeOld(),
    acknowledgeAtDeadline: () => this.#acknowledgeAtDeadline(),
    giveBack: () => this.#consumers.giveBack(this.#talk.dice.oneIn(4) ? this.#transactions.newest(1) : []),
    check: () => this.#transactions.check(1 + this.#talk.dice.below(4)),
    end: () => this.#transactions.endOne(),
    race: () => this.#transactions.race(),
    declareLate: () => this.#operators.declareGroup("GID_late", 2),
    changeRetries: () => this.#operators.declareGroup("GID_retrying", this.#talk.dice.below(5)),
    advance: () => this.#advance(this.#talk.dice.pick([1, 300, 1_000, 2_001, 5_000, 11_000])),
    advanceFar: () => this.#advance(this.#talk.dice.pick([31_000, 61_000, 300_000])),
    stepClock: () => this.#stepClock(),
    restart: () => this.#uptimes.restart(),
    kill: () => this.#crashUnderWay("kill"),
    cutPower: () => this.#cutPower(),
    failDisk: () => this.#uptimes.failDisk(),
    rot: () => this.#uptimes.rotWhileStopped(),
    rotUnderLoad: () => this.#uptimes.rotUnderLoad(),
    fillDisk: () => this.#uptimes.fillDisk(),
    freeDisk: () => this.#freeDisk(),
  };

  #anyTopic(): string {
    return this.#talk.dice.pick(TOPICS).name;
  }

  /** Verbs of several clients at one instant. */
  #burst(): void {
    const { dice } = this.#talk;
    for (let count = 2 + dice.below(6); count > 0; count--) {
      const draw = dice.below(6);
      if (draw < 2) this.#producers.publishPlain();
      else if (draw < 4) this.#producers.publishOrdered(["shards"]);
      else if (draw < 5) this.#consumers.acknowledgeRecent();
      else this.#transactions.endOne();
    }
  }

  async #acknowledgeAtDeadline(): Promise<void> {
    const held = this.#consumers.oneInTime();
    if (held === undefined) return;
    await this.#advance(held.delivery.visibleAgainAt - this.#talk.now + this.#talk.dice.below(3) - 1);
    if (!this.#talk.broker.disk.isDead) this.#consumers.acknowledgeOne(held);
  }

  async #crashUnderWay(how: "kill" | "power-cut"): Promise<void> {
    const { dice, hasFailed } = this.#talk;
    if (dice.oneIn(2) && !hasFailed) this.#producers.publishOrdered(["shards"]);
    await this.#uptimes.crash(how);
  }

  async #cutPower(): Promise<void> {
    const { broker, dice } = this.#talk;
    if (dice.oneIn(5)) broker.disk.cutPowerAt("rename");
    else broker.disk.cutPowerAfter(dice.below(12));
    if (dice.oneIn(3)) await this.#crashUnderWay("power-cut");
  }

  /** DUR-3: it goes on by itself. */
  async #freeDisk(): Promise<void> {
    if (!this.#talk.mayBeFull) return;
    this.#talk.broker.disk.leaveFree(Number.POSITIVE_INFINITY);
    await this.#advance(RELIEVED_WITHIN);
    if (!this.#talk.broker.disk.isDead) this.#uptimes.noteRelief();
  }

  // --- time

  /** From instant to instant where somebody waits, so that every answer is judged at its own. */
  async #advance(by: number): Promise<void> {
    const { broker, history, model } = this.#talk;
    const target = this.#talk.now + by;
    history.note("advance", by);
    while (this.#talk.isPending && this.#talk.now < target && !broker.disk.isDead) {
      await broker.clock.advanceTo(Math.min(target, model.nextInstant()));
      await this.#talk.settle();
    }
    if (this.#talk.now < target && !broker.disk.isDead) await broker.clock.advanceTo(target);
    await this.#talk.settle();
  }

  /** A time server, or an operator, sets the wall clock. */
  async #stepClock(): Promise<void> {
    const { broker, dice, history, model } = this.#talk;
    const by = dice.pick([-86_400_000, -3_600_000, -40_000, -1_000, 1_000, 40_000, 3_600_000]);
    if (by < 0 && model.hasDelayed()) history.met("clock stepped back while a delayed message waits");
    history.note("step clock", by);
    model.stepped(by);
    await broker.clock.step(by);
  }

  // --- the end

  /** The disk is well, the clients are patient: the ledger rebuilt is the one that lived, and everything reaches everybody. */
  async #heal(): Promise<void> {
    await this.#uptimes.heal();
    if (this.#plan.groups.includes("GID_late")) this.#operators.declareGroup("GID_late", 2);
    await this.#talk.settle();
    await this.#advance(31_000);
    await this.#uptimes.restartWell();
    await this.#healing.drainAll();
  }
}
