import { BrokerError } from "../../src/domain/broker-error.ts";
import type { GroupSettings } from "../../src/domain/consumer-group.ts";
import type { PublishIntent } from "../../src/domain/message.ts";
import type { EpochMs } from "../../src/domain/time.ts";
import type { TopicKind } from "../../src/domain/topic.ts";
import type { EngineSettings } from "../../src/embedded/settings.ts";
import type { Call, Delivery, Engine } from "../../src/engine/engine.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { DEFAULTS, INSTANCE } from "../conformance/bench.ts";
import type { History } from "./history.ts";
import { type ModelGroup, type PollRequest, ReferenceModel } from "./reference-model.ts";
import type { Outcome, SimulatedBroker } from "./simulated-broker.ts";
import { violated } from "./violation.ts";

const TOPICS: readonly { readonly name: string; readonly kind: TopicKind; readonly queues: number }[] = [
  { name: "plain", kind: "normal", queues: 1 },
  { name: "timed", kind: "delayed", queues: 1 },
  { name: "shards", kind: "ordered", queues: 4 },
  { name: "global", kind: "ordered", queues: 1 },
  { name: "half", kind: "transactional", queues: 1 },
];
const GROUPS = ["GID_retrying", "GID_blocking", "GID_late"] as const;
const KEYS = ["a", "b", "c", "i", "é"];
const TAGS = ["", "a", "b", "c"];
const NEVER = new AbortController().signal;

/** What a step of a seed may be, and how often it is; a seed leaves out a part of them (swarm). */
const OPERATIONS = {
  publish: 12,
  publishOrdered: 12,
  publishDelayed: 6,
  publishHalf: 8,
  burst: 8,
  receive: 14,
  receiveInOrder: 16,
  receiveDead: 3,
  wait: 6,
  hangUp: 2,
  acknowledge: 16,
  acknowledgeOld: 3,
  acknowledgeAtDeadline: 3,
  giveBack: 5,
  check: 8,
  end: 9,
  race: 2,
  declareLate: 1,
  changeRetries: 2,
  advance: 16,
  advanceFar: 2,
  stepClock: 2,
  restart: 2,
  kill: 2,
  cutPower: 3,
  failDisk: 1,
} as const;

type Operation = keyof typeof OPERATIONS;
const ALWAYS: ReadonlySet<Operation> = new Set(["publish", "receive", "acknowledge", "advance"]);

/** A verb under way, and what its end means to the model. */
interface Asked<Value = unknown> {
  readonly what: string;
  readonly waits: boolean;
  readonly afterFailure: boolean;
  outcome: Outcome<Value> | undefined;
  answered(value: Value): void;
  /** Nobody can know. */
  lost(): void;
  refused(): void;
}

interface Held {
  readonly topic: string;
  readonly group: string;
  readonly delivery: Delivery;
  readonly batch: Batch;
}

/** What one answer held, to see how batches end. */
interface Batch {
  readonly ordered: boolean;
  readonly handles: Set<string>;
  acknowledged: number;
}

/** Clients as they are: some slow, some forgetful, some hang up, and all of them drawn from one seed. */
export class Workload {
  readonly #random: SeededRandom;
  readonly #broker: SimulatedBroker;
  readonly #history: History;
  readonly #model: ReferenceModel;
  readonly #operations: readonly Operation[];
  readonly #usesTags: boolean;
  #settings: EngineSettings;
  readonly #groups: readonly ModelGroup[];
  #asked: Asked[] = [];
  readonly #hangUps: AbortController[] = [];
  #held: Held[] = [];
  readonly #batches = new Map<string, Batch>();
  #transactions: string[] = [];
  #published = 0;
  #requests = 0;
  #settledAt: EpochMs = 0;
  #hasFailed = false;
  #mayFail = false;
  #failingFor = 0;

  constructor(seed: number, broker: SimulatedBroker, history: History) {
    this.#random = new SeededRandom(seed);
    this.#broker = broker;
    this.#history = history;
    this.#settings = {
      ...DEFAULTS,
      invisibleFor: this.#pick([5_000, 30_000]),
      orderedInvisibleFor: this.#pick([2_000, 20_000]),
      blockedInvisibleFor: 7_000,
      giveBacksBeforeDelivery: this.#pick([2, 5]),
      checkFor: this.#pick([25_000, 120_000]),
      maxRetries: this.#pick([0, 2, 5]),
    };
    this.#groups = [
      { name: "GID_retrying", maxRetries: [this.#settings.maxRetries], blocks: false, from: "earliest" },
      { name: "GID_blocking", maxRetries: [1], blocks: true, from: "earliest" },
      { name: "GID_late", maxRetries: [2], blocks: false, from: "undeclared" },
    ];
    this.#usesTags = this.#random.below(3) === 0;
    const chosen = Object.entries(OPERATIONS).filter(
      ([name]) => ALWAYS.has(name as Operation) || this.#random.below(4) > 0,
    ) as [Operation, number][];
    this.#operations = chosen.flatMap(([name, weight]) => Array.from({ length: weight }, () => name));
    this.#model = new ReferenceModel(
      this.#settings,
      new Map(TOPICS.map(({ name, queues }) => [name, queues])),
      this.#groups,
    );
    history.note("options", {
      seed,
      settings: this.#settings,
      usesTags: this.#usesTags,
      operations: chosen.map(([name]) => name),
    });
  }

  async run(steps: number): Promise<void> {
    await this.#start();
    await this.#declareAll();
    for (let step = 0; step < steps; step++) {
      if (this.#hasFailed) this.#failingFor += 1;
      if (this.#failingFor > 3) await this.#crash(this.#pick(["kill", "power-cut"]));
      await this.#do(this.#pick(this.#operations));
    }
    await this.#heal();
  }

  // --- one step

  async #do(operation: Operation): Promise<void> {
    switch (operation) {
      case "publish":
        return this.#publish("plain", { kind: "normal" });
      case "publishOrdered":
        return this.#publish(this.#pick(["shards", "shards", "global"]), {
          kind: "ordered",
          shardingKey: this.#pick(KEYS),
        });
      case "publishDelayed":
        return this.#publish("timed", { kind: "delayed", deliverAt: this.#wall + this.#random.below(60_000) - 5_000 });
      case "publishHalf":
        return this.#publish("half", this.#halfIntent());
      case "burst":
        return this.#burst();
      case "receive":
        return this.#receive(this.#pick(TOPICS).name, this.#pick(["plain", "plain", "mixed"]) === "mixed", 0);
      case "receiveInOrder":
        return this.#receive(this.#pick(["shards", "shards", "global"]), true, 0);
      case "receiveDead":
        return this.#receive("dead", this.#random.below(2) === 0, 0);
      case "wait":
        return this.#receive(this.#pick(TOPICS).name, this.#random.below(2) === 0, 1 + this.#random.below(30_000));
      case "hangUp":
        this.#hangUps[this.#random.below(Math.max(1, this.#hangUps.length))]?.abort();
        return this.#settle();
      case "acknowledge":
        return this.#acknowledge(this.#held.slice(-12), 1 + this.#random.below(4));
      case "acknowledgeOld":
        return this.#acknowledge(this.#held, 1);
      case "acknowledgeAtDeadline":
        return this.#acknowledgeAtDeadline();
      case "giveBack":
        return this.#giveBack();
      case "check":
        return this.#check();
      case "end":
        return this.#end(1);
      case "race":
        return this.#race();
      case "declareLate":
        return this.#declareGroup("GID_late", [2]);
      case "changeRetries":
        return this.#declareGroup("GID_retrying", [this.#random.below(5)]);
      case "advance":
        return this.#advance(this.#pick([1, 300, 1_000, 2_001, 5_000, 11_000]));
      case "advanceFar":
        return this.#advance(this.#pick([31_000, 61_000, 300_000]));
      case "stepClock":
        return this.#stepClock();
      case "restart":
        return this.#restart();
      case "kill":
        return this.#crash("kill");
      case "cutPower":
        this.#broker.disk.cutPowerAfter(this.#random.below(12));
        return this.#random.below(3) === 0 ? this.#crash("power-cut") : undefined;
      case "failDisk":
        this.#mayFail = true;
        this.#history.note("fail the disk");
        this.#broker.disk.failNext(this.#pick(["sync", "sync", "write"]), "EIO", { after: this.#random.below(3) });
    }
  }

  #halfIntent(): PublishIntent {
    const firstCheckAfter = this.#pick([10_000, 10_000, 33_333]);
    const deliverAt = this.#random.below(4) === 0 ? { deliverAt: this.#wall + this.#random.below(40_000) } : {};
    return { kind: "transactional", firstCheckAfter, ...deliverAt };
  }

  #publish(topic: string, intent: PublishIntent): Promise<void> {
    this.#askPublish(topic, intent);
    return this.#settle();
  }

  #askPublish(topic: string, intent: PublishIntent): void {
    const body = `${topic}-${this.#published++}${this.#random.below(12) === 0 ? "x".repeat(2_000) : ""}`;
    const tag = this.#usesTags ? this.#pick(TAGS) : "";
    const message = { body, tag, key: `key-${body.length}`, properties: [["n", body.slice(0, 9)]] as const };
    const made = this.#model.publishing(topic, message, intent);
    this.#ask(
      `publish ${topic} ${body.slice(0, 20)} ${JSON.stringify(intent)}`,
      this.#engine.publish(this.#call(), { topic: at(topic), message, intent }),
      {
        answered: (receipt) => {
          this.#model.published(made, receipt);
          if (receipt.transactionHandle !== undefined) this.#transactions.push(receipt.transactionHandle);
        },
        lost: () => this.#model.publishLost(made),
        refused: () => this.#model.publishRefused(made),
      },
    );
  }

  /** Verbs of several clients at one instant. */
  #burst(): Promise<void> {
    for (let count = 2 + this.#random.below(6); count > 0; count--) {
      const draw = this.#random.below(6);
      if (draw < 2) this.#askPublish("plain", { kind: "normal" });
      else if (draw < 4) this.#askPublish("shards", { kind: "ordered", shardingKey: this.#pick(KEYS) });
      else if (draw < 5) this.#askAcknowledge(this.#held.slice(-12), 1 + this.#random.below(3));
      else this.#askEnd();
    }
    return this.#settle();
  }

  async #receive(from: string, ordered: boolean, waitUpTo: number): Promise<void> {
    const group = this.#pick(GROUPS);
    if (this.#model.group(group).from === "undeclared") return;
    const topic = from === "dead" ? `%DLQ%${group}` : from;
    const tags = this.#usesTags && from !== "dead" ? this.#pick([[], [], ["a"], ["a", "b"], ["c"]]) : [];
    this.#askReceive({ topic, group, ordered, tags, max: 1 + this.#random.below(8), askedAt: this.#now, waitUpTo });
    await this.#settle();
  }

  #askReceive(poll: PollRequest): void {
    const { topic, group, ordered, tags, max, waitUpTo } = poll;
    const hangUp = new AbortController();
    const waits = waitUpTo > 0;
    if (waits) {
      this.#hangUps.push(hangUp);
      this.#model.waits(poll);
    }
    const request = {
      topic: at(topic),
      group: { instance: INSTANCE, group },
      mode: ordered ? ("ordered" as const) : ("concurrent" as const),
      tags: tags.length === 0 ? "*" : tags.join("||"),
      maxMessages: max,
      waitUpTo,
    };
    this.#ask(
      `receive ${JSON.stringify({ topic, group, ordered, tags, max, waitUpTo })}`,
      this.#engine.receive(this.#call(hangUp.signal), request),
      {
        waits,
        answered: (deliveries) => {
          if (hangUp.signal.aborted && deliveries.length === 0) {
            this.#model.receiveLost(poll);
            return;
          }
          this.#model.received(poll, deliveries, this.#settledAt);
          this.#hold(poll, deliveries);
          if (waits && deliveries.length > 0) this.#history.met("poll served while it waited");
        },
        lost: () => this.#model.receiveLost(poll),
        refused: () => this.#model.receiveLost(poll),
        placeOf: (deliveries) =>
          this.#model.placeOf(
            topic,
            deliveries.map(({ message }) => message.body),
          ),
      },
    );
  }

  #hold({ topic, group, ordered }: PollRequest, deliveries: readonly Delivery[]): void {
    const batch: Batch = { ordered, handles: new Set(deliveries.map(({ handle }) => handle)), acknowledged: 0 };
    for (const delivery of deliveries) {
      const known = this.#batches.get(`${group} ${delivery.messageId}`);
      if (known?.ordered && ordered && known.acknowledged > 0 && delivery.attempt > 1) {
        this.#history.met("batch acknowledged in part, then expired");
      }
      this.#batches.set(`${group} ${delivery.messageId}`, batch);
      this.#held.push({ topic, group, delivery, batch });
      if (topic.startsWith("%DLQ%")) this.#history.met("message dead-lettered");
    }
    this.#held = this.#held.slice(-60);
  }

  #acknowledge(from: readonly Held[], count: number): Promise<void> {
    this.#askAcknowledge(from, count);
    return this.#settle();
  }

  #askAcknowledge(from: readonly Held[], count: number): void {
    if (from.length === 0) return;
    const first = this.#pick(from);
    const { topic, group } = first;
    const others = from.filter((held) => held.topic === topic && held.group === group).slice(0, count - 1);
    const handles = [...new Set([first, ...others].map(({ delivery }) => delivery.handle))];
    const now = this.#now;
    if (Math.abs(first.delivery.visibleAgainAt - now) <= 5) this.#history.met("handle used at its deadline");
    this.#ask(
      `acknowledge ${topic} ${group} ${handles.map((handle) => handle.slice(-6))}`,
      this.#engine.acknowledge(this.#call(), { topic: at(topic), group: { instance: INSTANCE, group }, handles }),
      {
        answered: (outcomes) => {
          this.#model.acknowledged(topic, group, outcomes);
          const done = new Set(outcomes.filter(({ refusal }) => refusal === undefined).map(({ handle }) => handle));
          for (const { delivery, batch } of from) if (done.has(delivery.handle)) batch.acknowledged += 1;
        },
        lost: () => this.#model.acknowledgeLost(group, handles),
      },
    );
  }

  async #acknowledgeAtDeadline(): Promise<void> {
    const inTime = this.#held.filter(({ delivery }) => delivery.visibleAgainAt > this.#now + 1);
    if (inTime.length === 0) return;
    const chosen = this.#pick(inTime);
    await this.#advance(chosen.delivery.visibleAgainAt - this.#now + this.#random.below(3) - 1);
    await this.#acknowledge([chosen], 1);
  }

  #giveBack(): Promise<void> {
    const chosen = this.#held.slice(-6).filter(() => this.#random.below(2) === 0);
    const handles = chosen.map(({ delivery }) => delivery.handle);
    if (this.#random.below(4) === 0) handles.push(...this.#transactions.slice(-1));
    if (handles.length > 0) {
      this.#history.met("delivery given back", handles.length);
      this.#ask(
        `give back ${handles.map((handle) => handle.slice(-6))}`,
        this.#engine.giveBack(this.#call(), { handles }),
        {
          answered: () => this.#model.gaveBack(handles, true),
          lost: () => this.#model.gaveBack(handles, false),
        },
      );
    }
    return this.#settle();
  }

  #check(): Promise<void> {
    this.#askCheck(1 + this.#random.below(4));
    return this.#settle();
  }

  #askCheck(maxMessages: number): void {
    const request = {
      topic: at("half"),
      group: { instance: INSTANCE, group: "GID_producer" },
      maxMessages,
      waitUpTo: 0,
    };
    this.#ask("check", this.#engine.receiveHalf(this.#call(), request), {
      answered: (offers) => {
        this.#model.offered("half", offers, this.#settledAt);
        this.#transactions.push(...offers.map(({ handle }) => handle));
      },
      lost: () => this.#model.offerLost("half"),
    });
  }

  #end(count: number): Promise<void> {
    for (let times = 0; times < count; times++) this.#askEnd();
    return this.#settle();
  }

  #askEnd(
    handles = this.#drawTransactions(),
    resolution: "commit" | "rollback" = this.#pick(["commit", "commit", "rollback"]),
  ): void {
    if (handles.length === 0) return;
    const outcome = resolution === "commit" ? "committed" : "rolled-back";
    const request = { topic: at("half"), handles, resolution } as const;
    this.#ask(
      `${resolution} ${handles.map((handle) => handle.slice(-6))}`,
      this.#engine.endTransaction(this.#call(), request),
      {
        answered: (outcomes) => this.#model.ended(outcomes, outcome),
        lost: () => this.#model.endLost(handles, outcome),
      },
    );
  }

  #drawTransactions(): readonly string[] {
    const recent = this.#transactions.slice(-10);
    return recent.length === 0 ? [] : [this.#pick(recent)];
  }

  /** A check and both resolutions of one handle at one instant. */
  #race(): Promise<void> {
    const handles = this.#drawTransactions();
    if (this.#random.below(2) === 0) this.#askCheck(16);
    this.#askEnd(handles, "commit");
    this.#askEnd(handles, "rollback");
    this.#askCheck(16);
    if (handles.length > 0) this.#history.met("commit racing a check");
    return this.#settle();
  }

  /** As a broker does that is started with a file: again, until it is confirmed. */
  async #declareAll(): Promise<void> {
    let isDeclared = false;
    const topics = TOPICS.map(({ name, kind, queues }) => ({
      ref: at(name),
      kind,
      ...(kind === "ordered" ? { queues } : {}),
    }));
    const groups = this.#groups
      .filter(({ from }) => from === "earliest")
      .map((group) => ({ ref: { instance: INSTANCE, group: group.name }, settings: settingsOf(group) }));
    while (!isDeclared) {
      this.#ask("declare", this.#engine.catalog.declare({ instances: [INSTANCE], topics, groups }), {
        answered: () => {
          isDeclared = true;
        },
        lost: () => {},
      });
      await this.#settle();
    }
  }

  #declareGroup(name: string, maxRetries: readonly number[]): Promise<void> {
    const group = this.#model.group(name);
    const before = group.maxRetries;
    const declared = { ...group, maxRetries };
    const groups = [{ ref: { instance: INSTANCE, group: name }, settings: settingsOf(declared) }];
    group.maxRetries = [...new Set([...before, ...maxRetries])];
    this.#ask(`declare ${name} ${maxRetries}`, this.#engine.catalog.declare({ instances: [], topics: [], groups }), {
      answered: () => {
        group.maxRetries = maxRetries;
        this.#model.groupDeclared(group, true);
      },
      lost: () => this.#model.groupDeclared(group, false),
      refused: () => {
        group.maxRetries = before;
      },
    });
    return this.#settle();
  }

  // --- time and faults

  /** From instant to instant where somebody waits, so that every answer is judged at its own. */
  async #advance(by: number): Promise<void> {
    const target = this.#now + by;
    this.#history.note("advance", by);
    while (this.#asked.length > 0 && this.#now < target && !this.#broker.disk.isDead) {
      const next = Math.min(target, this.#model.nextInstant());
      await this.#broker.clock.advanceTo(next);
      await this.#settle();
    }
    if (this.#now < target && !this.#broker.disk.isDead) await this.#broker.clock.advanceTo(target);
    await this.#settle();
  }

  async #stepClock(): Promise<void> {
    const by = this.#pick([-3_600_000, -40_000, -1_000, 1_000, 40_000, 3_600_000]);
    if (by < 0 && this.#model.hasDelayed()) this.#history.met("clock stepped back while a delayed message waits");
    this.#history.note("step clock", by);
    await this.#broker.clock.step(by);
    await this.#settle();
  }

  async #restart(): Promise<void> {
    this.#history.note("stop");
    const stopped = await this.#broker.stop();
    this.#collect();
    if (!stopped && !this.#broker.disk.isDead) violated("RUN-2", "a stop did not come to its end");
    this.#settings = { ...this.#settings, ...this.#changedSettings() };
    await this.#begin(this.#broker.disk.isDead ? "power-cut" : "stopped");
  }

  #changedSettings(): Partial<EngineSettings> {
    return this.#random.below(2) === 0
      ? {}
      : { invisibleFor: this.#pick([5_000, 30_000]), orderedInvisibleFor: this.#pick([2_000, 20_000]) };
  }

  /** Whatever was not answered may have happened or not. */
  async #crash(how: "kill" | "power-cut"): Promise<void> {
    if (this.#random.below(2) === 0 && !this.#hasFailed && !this.#broker.disk.isDead) {
      this.#askPublish("shards", { kind: "ordered", shardingKey: this.#pick(KEYS) });
    }
    this.#history.note("crash", how);
    await this.#begin(how);
  }

  async #begin(how: "kill" | "power-cut" | "stopped"): Promise<void> {
    for (const asked of this.#asked.splice(0)) this.#lose(asked);
    this.#hangUps.length = 0;
    this.#broker.fail(how, this.#pick([0, 0, 500, 20_000]));
    await this.#start();
  }

  async #start(): Promise<void> {
    this.#hasFailed = false;
    this.#mayFail = false;
    this.#failingFor = 0;
    for (let tries = 0; ; tries++) {
      if (tries < 3 && this.#random.below(8) === 0) this.#broker.disk.cutPowerAfter(this.#random.below(24));
      if (await this.#broker.start(this.#settings)) break;
      if (!this.#broker.disk.isDead) violated("RUN-1", "a start hangs");
      this.#history.met("kill during a start");
      this.#history.note("crash during the start");
      this.#broker.fail(this.#pick(["kill", "power-cut"]), 0);
    }
    const { clock } = this.#broker;
    await clock.settle();
    this.#history.note("started", clock.now(), clock.wall());
    this.#settledAt = clock.now();
    this.#model.restarted({ now: clock.now(), wall: clock.wall() }, this.#settings);
    if (this.#broker.disk.isDead) await this.#begin("power-cut");
  }

  // --- asking and answering

  #ask<Value>(
    what: string,
    promise: Promise<Value>,
    then: Pick<Asked<Value>, "answered" | "lost"> & Partial<Asked<Value>> & { placeOf?: (value: Value) => number },
  ): void {
    const asked: Asked<Value> & { placeOf?: (value: Value) => number } = {
      what,
      waits: false,
      refused: () => {},
      ...then,
      afterFailure: this.#hasFailed,
      outcome: undefined,
    };
    this.#history.note(what);
    promise.then(
      (value) => {
        asked.outcome = { value };
      },
      (error: unknown) => {
        asked.outcome = { error };
      },
    );
    this.#asked.push(asked as Asked);
  }

  /** Lets everything happen that needs no time, then judges what was answered. */
  async #settle(): Promise<void> {
    await this.#broker.clock.settle();
    this.#collect();
    if (this.#broker.disk.isDead) return this.#crash("power-cut");
    const { clock } = this.#broker;
    this.#settledAt = clock.now();
    this.#model.tick({ now: clock.now(), wall: clock.wall() });
  }

  #collect(): void {
    const all = this.#asked;
    this.#asked = [];
    const ended = all.filter(({ outcome }) => outcome !== undefined);
    const { now, wall } = { now: this.#now, wall: this.#wall };
    if (all.some(({ waits }) => waits)) this.#model.tick({ now, wall });
    // Who waited was served after the verbs that woke them.
    for (const asked of all.filter(({ waits }) => !waits)) {
      if (asked.outcome !== undefined) this.#judge(asked);
      else if (this.#broker.disk.isDead) this.#lose(asked);
      else violated("DEL-7", `no answer to: ${asked.what}`);
    }
    for (const asked of inPlace(ended.filter(({ waits }) => waits))) this.#judge(asked);
    this.#asked.push(...all.filter(({ waits, outcome }) => waits && outcome === undefined));
  }

  #judge(asked: Asked): void {
    const { outcome } = asked;
    if (outcome === undefined) return;
    if ("value" in outcome) {
      this.#history.note("  ok", asked.what.slice(0, 40), summaryOf(outcome.value));
      if (asked.afterFailure) violated("DUR-2", `confirmed after the disk had failed: ${asked.what}`);
      asked.answered(outcome.value);
      return;
    }
    const { error } = outcome;
    if (!(error instanceof BrokerError)) throw error;
    this.#history.note("  refused", asked.what.slice(0, 40), error.code);
    if (error.code === "stopping") {
      asked.refused();
      return;
    }
    if (error.code !== "storage-failed" || !this.#mayFail) violated("PUB-6", `refused as ${error.code}: ${asked.what}`);
    if (!this.#hasFailed) this.#history.met("disk failed under load");
    this.#hasFailed = true;
    asked.lost();
  }

  #lose(asked: Asked): void {
    this.#history.note("  lost", asked.what.slice(0, 40));
    this.#history.met("answer lost in a crash");
    asked.lost();
  }

  // --- the end

  /** The disk is well, the clients are patient: the ledger rebuilt is the one that lived, and everything reaches everybody. */
  async #heal(): Promise<void> {
    this.#history.note("heal");
    await this.#crash("power-cut");
    this.#broker.disk.cutPowerAfter(Number.POSITIVE_INFINITY);
    await this.#declareGroup("GID_late", [2]);
    await this.#advance(31_000);
    await this.#compareRebuilt();
    for (let round = 0; round < 12; round++) {
      await this.#drain();
      if (round > 4 && this.#model.unfinished(GROUPS).length === 0) return;
      await this.#advance(round < 8 ? 31_000 : 3_600_000);
    }
    violated("C14", `never delivered: ${this.#model.unfinished(GROUPS).slice(0, 5).join(", ")}`);
  }

  async #compareRebuilt(): Promise<void> {
    const lived = this.#counts();
    if (!(await this.#broker.stop())) violated("RUN-2", "a healthy stop hangs");
    this.#collect();
    this.#broker.fail("stopped", 0);
    if (!(await this.#broker.start(this.#settings))) violated("RUN-1", "a healthy start hangs");
    await this.#broker.clock.settle();
    const rebuilt = this.#counts();
    if (lived !== rebuilt)
      violated("DEL-10", `the ledger rebuilt differs from the one that lived:\n${lived}\n${rebuilt}`);
    this.#settledAt = this.#now;
    this.#model.restarted({ now: this.#now, wall: this.#wall }, this.#settings);
  }

  #counts(): string {
    const { inspection } = this.#engine;
    const topics = [...TOPICS.map(({ name }) => name), ...GROUPS.map((group) => `%DLQ%${group}`)];
    return JSON.stringify(
      topics.map((topic) => [
        inspection.countTopic(at(topic)),
        GROUPS.map((group) => inspection.countSubscription(at(topic), { instance: INSTANCE, group })).map(
          (counts) =>
            counts && { open: counts.ready + counts.inFlight, dead: counts.dead, passedOver: counts.passedOver },
        ),
      ]),
    );
  }

  async #drain(): Promise<void> {
    this.#askCheck(16);
    await this.#settle();
    for (const handle of this.#transactions.slice(-16)) this.#askEnd([handle], "commit");
    await this.#settle();
    for (const group of GROUPS) {
      for (const topic of [...TOPICS.map(({ name }) => name), `%DLQ%${group}`]) {
        await this.#drainSubscription(topic, group, topic === "shards" || topic === "global");
      }
    }
  }

  async #drainSubscription(topic: string, group: string, ordered: boolean): Promise<void> {
    for (;;) {
      const held = this.#held.length;
      this.#held = this.#held.slice(-20);
      const before = this.#held.length;
      this.#askReceive({ topic, group, ordered, tags: [], max: 16, askedAt: this.#now, waitUpTo: 0 });
      await this.#settle();
      const fresh = this.#held.slice(before);
      if (fresh.length === 0 || held < 0) return;
      this.#askAcknowledge(fresh, 16);
      await this.#settle();
    }
  }

  // --- little helpers

  get #engine(): Engine {
    return this.#broker.engine;
  }

  get #now(): EpochMs {
    return this.#broker.clock.now();
  }

  get #wall(): EpochMs {
    return this.#broker.clock.wall();
  }

  #call(signal: AbortSignal = NEVER): Call {
    this.#requests += 1;
    return { caller: "simulation", requestId: `R${this.#requests}`, signal };
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[this.#random.below(items.length)] as Item;
  }
}

function at(topic: string): { readonly instance: string; readonly topic: string } {
  return { instance: INSTANCE, topic };
}

function settingsOf({ maxRetries, blocks, from }: ModelGroup): GroupSettings {
  return {
    maxRetries: maxRetries.at(-1) ?? 0,
    onExhausted: blocks ? "block" : "dead-letter",
    from: from === "earliest" ? "earliest" : "latest",
  };
}

function inPlace(asked: readonly (Asked & { placeOf?: (value: unknown) => number })[]): readonly Asked[] {
  const placeOf = (one: (typeof asked)[number]): number =>
    one.outcome !== undefined && "value" in one.outcome ? (one.placeOf?.(one.outcome.value) ?? 0) : 0;
  return asked.toSorted((one, other) => placeOf(one) - placeOf(other));
}

/** Bodies, attempts and handles, short enough to read. */
function summaryOf(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((one: Partial<Delivery> & { refusal?: string }) =>
    one.message === undefined
      ? (one.refusal ?? "done")
      : `${one.message.body.slice(0, 20)}#${one.attempt} until ${one.visibleAgainAt} ${one.handle?.slice(-6)}`,
  );
}
