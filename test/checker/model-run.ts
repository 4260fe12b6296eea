import { SeededRandom } from "../crash/seeded-random.ts";
import { digestOf } from "./digest.ts";
import type {
  ConsumeRequest,
  Got,
  HistoryEvent,
  PublishRequest,
  PublishResult,
  Requests,
  Settings,
} from "./history.ts";
import { HistoryWriter } from "./history-writer.ts";
import { Agenda } from "./model-agenda.ts";
import { ModelBroker } from "./model-broker.ts";
import type { Connection, ModelAnswer } from "./model-message.ts";
import { type Rules, TRUE_RULES } from "./model-rules.ts";

/** Clients of all sorts at the model broker, a bad network in between, crashes: a history of a seed in milliseconds. */

const MODEL_SETTINGS: Settings = {
  topics: {
    plain: { kind: "normal", queues: 1 },
    ordered: { kind: "ordered", queues: 3 },
    transactions: { kind: "transactional", queues: 1 },
  },
  groups: { GID_few: { maxRetries: 1 }, GID_shards: { maxRetries: 3 } },
  invisibleForMs: { plain: 1_200, ordered: 600, half: 700 },
  maxRetries: 288,
  checkRoundedToMs: 100,
  checksForMs: 4_000,
  skewMs: 10,
  lateMs: 1_000,
  startWithinMs: 2_000,
  drainWithinMs: 60_000,
};

const SUBSCRIPTIONS = [
  ["plain", "GID_all"],
  ["plain", "GID_few"],
  ["plain", "GID_tags"],
  ["%DLQ%GID_few", "GID_few"],
  ["ordered", "GID_shards"],
  ["ordered", "GID_others"],
  ["%DLQ%GID_shards", "GID_shards"],
  ["transactions", "GID_committed"],
] as const;
const TAGS = ["", "a", "b", "ab"] as const;
const KEYS = ["k1", "k2", "k3", "k4"] as const;
const WAYS = ["commit", "commit", "rollback"] as const;

const PUBLISHES_FOR_MS = 2_200;
/** Longer than anything may stay hidden, with a late answer and the longest wait. */
const QUIET_MS = 3_500;
/** Then the drain is given up. */
const LONGEST_MS = 75_000;

/** Asks, or sleeps. */
type Step =
  | { readonly f: "publish" | "consume" | "consumeHalf" | "ack" | "commit" | "rollback"; readonly req: object }
  | { readonly sleep: number };
type Client = Generator<Step, void, object | undefined>;

export function runModel(seed: number, mutation: Partial<Rules> = {}): HistoryEvent[] {
  return new ModelRun(seed, { ...TRUE_RULES, ...mutation }).run();
}

class ModelRun {
  readonly #agenda = new Agenda();
  readonly #random: SeededRandom;
  readonly #broker: ModelBroker;
  readonly #writer: HistoryWriter;
  /** What the network would break if the broker died. */
  readonly #open = new Set<() => void>();
  #isClosing = false;
  #hasDrained = false;
  #lastReceivedAt = 0;
  #uids = 0;
  readonly #handles: string[] = [];
  /** Some seeds have a good network. */
  readonly #isRough: boolean;
  #senders = 0;
  #crashes = 0;

  constructor(seed: number, rules: Rules) {
    this.#random = new SeededRandom(seed);
    this.#isRough = this.#random.percent(75);
    this.#broker = new ModelBroker(this.#agenda, this.#random, rules, MODEL_SETTINGS);
    const clock = () => ({
      t: Math.round((this.#agenda.now + 1_000) * 1e6),
      wall: ModelBroker.epoch(this.#agenda.now),
    });
    this.#writer = new HistoryWriter({ clock });
  }

  run(): HistoryEvent[] {
    for (const [topic, group] of SUBSCRIPTIONS) this.#broker.subscribe(topic, group);
    this.#writer.settings(MODEL_SETTINGS);
    this.#start(() => {});
    const senders: Record<string, () => Client> = {
      "sender 1": () => this.#send("plain", false),
      "sender 2": () => this.#send("plain", true),
      "sender 3": () => this.#send("ordered", false),
      "sender 4": () => this.#send("ordered", false),
      "sender 5": () => this.#transact(),
    };
    const receivers: Record<string, () => Client> = {
      "all 1": () => this.#consume("plain", "GID_all", "plain"),
      "all 2": () => this.#consume("plain", "GID_all", "plain"),
      few: () => this.#consume("plain", "GID_few", "plain", { ends: 35 }),
      tags: () => this.#consume("plain", "GID_tags", "plain", { tag: "a||b" }),
      "dead 1": () => this.#consume("%DLQ%GID_few", "GID_few", "plain"),
      "dead 2": () => this.#consume("%DLQ%GID_shards", "GID_shards", "ordered"),
      "shards 1": () => this.#consume("ordered", "GID_shards", "ordered", { ends: 60 }),
      "shards 2": () => this.#consume("ordered", "GID_shards", "ordered", { ends: 60 }),
      others: () => this.#consume("ordered", "GID_others", "ordered"),
      committed: () => this.#consume("transactions", "GID_committed", "plain"),
      checks: () => this.#check(),
      forger: () => this.#forge(),
    };
    this.#senders = Object.keys(senders).length;
    for (const [p, client] of Object.entries(senders)) this.#live(p, client(), () => this.#senderEnded());
    for (const [p, client] of Object.entries(receivers)) this.#live(p, client());
    const crashes = this.#random.below(4);
    for (let left = crashes; left > 0; left--)
      this.#agenda.at(300 + this.#random.below(PUBLISHES_FOR_MS), () => this.#crash());
    this.#agenda.at(PUBLISHES_FOR_MS, () => {
      this.#isClosing = true;
    });
    this.#agenda.run();
    return this.#writer.events;
  }

  #start(serves: () => void): void {
    const start = this.#writer.invoke("fault start", "fault", { kind: "start" });
    this.#broker.start(() => {
      start.ok({});
      serves();
    });
  }

  #crash(): void {
    if (!this.#broker.isUp) return;
    const kill = this.#writer.invoke("fault kill", "fault", { kind: "kill" });
    this.#crashes += 1;
    this.#broker.crash();
    for (const reset of [...this.#open]) reset();
    kill.ok({});
    this.#agenda.in(5, () => this.#start(() => {}));
  }

  #senderEnded(): void {
    this.#senders -= 1;
    if (this.#senders > 0) return;
    const drain = this.#writer.invoke("drain", "admin", { kind: "drain" });
    this.#lastReceivedAt = this.#agenda.now;
    const look = () => {
      if (this.#agenda.now - this.#lastReceivedAt >= QUIET_MS) drain.ok({});
      else if (this.#agenda.now > LONGEST_MS) drain.fail("messages still come");
      else return this.#agenda.in(50, look);
      this.#hasDrained = true;
    };
    look();
  }

  *#send(topic: string, mayWait: boolean): Client {
    while (!this.#isClosing) {
      const key = topic === "ordered" ? { key: this.#random.pick(KEYS) } : {};
      const isDelayed = mayWait && this.#random.percent(50);
      const due = isDelayed ? { dueAt: ModelBroker.epoch(this.#agenda.now + this.#random.below(2_500)) } : {};
      yield { f: "publish", req: this.#newMessage(topic, { ...key, ...due }) };
      yield { sleep: this.#random.below(this.#random.percent(20) ? 900 : 160) };
    }
  }

  *#transact(): Client {
    while (!this.#isClosing) {
      const published = yield {
        f: "publish",
        req: this.#newMessage("transactions", { immunityMs: 400 + this.#random.below(400) }),
      };
      const { h } = (published ?? {}) as Partial<PublishResult>;
      const mood = this.#random.below(100);
      if (h !== undefined && mood < 50) {
        // Sometimes about when the handle ends.
        if (mood < 10) yield { sleep: 350 + this.#random.below(500) };
        const f = this.#random.pick(WAYS);
        yield { f, req: { topic: "transactions", group: "", h: [h] } };
        if (this.#random.percent(30))
          yield { f: this.#random.pick(WAYS), req: { topic: "transactions", group: "", h: [h] } };
      }
      yield { sleep: this.#random.below(250) };
    }
  }

  #newMessage(topic: string, more: Partial<PublishRequest>): PublishRequest {
    const uid = `u${++this.#uids}`;
    return {
      topic,
      uid,
      sum: digestOf(uid),
      props: digestOf(`properties of ${uid}`),
      tag: this.#random.pick(TAGS),
      ...more,
    };
  }

  *#consume(topic: string, group: string, mode: "plain" | "ordered", { tag = "*", ends = 80 } = {}): Client {
    while (!this.#hasDrained) {
      const req: ConsumeRequest = {
        topic,
        group,
        mode,
        max: 1 + this.#random.below(5),
        waitMs: this.#random.below(this.#random.percent(50) ? 500 : 4_000),
        tag,
      };
      const answer = yield { f: "consume", req };
      const { got = [] } = (answer ?? {}) as { got?: readonly Got[] };
      if (answer === undefined) yield { sleep: 1 };
      if (got.length === 0) continue;
      this.#handles.push(got[0]?.h ?? "");
      const h = this.#choose(got, ends).map((one) => one.h);
      // Sometimes about when the handle ends.
      if (h.length > 0 && this.#random.percent(10)) yield { sleep: this.#random.below(mode === "plain" ? 1_400 : 800) };
      for (let left = this.#random.percent(15) ? 2 : 1; left > 0 && h.length > 0; left--)
        yield { f: "ack", req: { topic, group, h } };
    }
  }

  #choose(got: readonly Got[], ends: number): readonly Got[] {
    const mood = this.#random.below(100);
    // Who ends little has dead letters, so that the drain ends all the same.
    if (mood < ends || (this.#isClosing && ends > 40)) return got;
    return mood % 2 === 0 ? got.filter(() => this.#random.percent(50)) : [];
  }

  *#check(): Client {
    const patience = new Map<string, number>();
    while (!this.#hasDrained) {
      const req = {
        topic: "transactions",
        group: "GID_checks",
        max: 1 + this.#random.below(4),
        waitMs: this.#random.below(1_500),
      };
      const answer = yield { f: "consumeHalf", req };
      const { got = [] } = (answer ?? {}) as { got?: readonly Got[] };
      if (answer === undefined) yield { sleep: 1 };
      for (const { uid, c, h } of got) {
        const wanted = patience.get(uid) ?? (this.#random.percent(12) ? 99 : this.#random.below(3));
        patience.set(uid, wanted);
        if (c < wanted) continue;
        yield { f: this.#random.pick(WAYS), req: { topic: "transactions", group: "", h: [h] } };
      }
    }
  }

  /** Handles of others and of nobody. */
  *#forge(): Client {
    while (!this.#isClosing) {
      yield { sleep: 500 + this.#random.below(1_500) };
      const [topic = "", group = ""] = SUBSCRIPTIONS[this.#random.below(SUBSCRIPTIONS.length)] ?? [];
      const stolen = this.#handles[this.#random.below(this.#handles.length)];
      const handle = stolen === undefined || this.#random.percent(50) ? `forged ${this.#agenda.now}` : stolen;
      yield { f: "ack", req: { topic, group, h: [handle] } };
    }
  }

  #live(p: string, client: Client, ended: () => void = () => {}, answer?: object): void {
    const { value, done } = client.next(answer);
    if (done || value === undefined) ended();
    else this.#perform(p, value, (next) => this.#live(p, client, ended, next));
  }

  #perform(p: string, step: Step, goOn: (answer?: object) => void): void {
    if ("sleep" in step) this.#agenda.in(step.sleep, goOn);
    else if (this.#broker.isUp) this.#ask(p, step.f, step.req as never, goOn);
    else this.#agenda.in(10, () => this.#perform(p, step, goOn));
  }

  #ask<F extends "publish" | "consume" | "consumeHalf" | "ack" | "commit" | "rollback">(
    p: string,
    f: F,
    req: Requests[F],
    goOn: (answer?: object) => void,
  ): void {
    const pending = this.#writer.invoke(p, f, req);
    let isOver = false;
    const end = (tell: () => void, answer?: object) => {
      if (isOver) return;
      isOver = true;
      this.#open.delete(reset);
      tell();
      if (isPoll(f) && ((answer as { got?: object[] })?.got?.length ?? 0) > 0) this.#lastReceivedAt = this.#agenda.now;
      goOn(answer);
    };
    const reset = () => end(() => pending.info("reset"));
    this.#open.add(reset);
    let isBroken = false;
    const connection: Connection = {
      isHungUp: false,
      reply: (answer: ModelAnswer) => {
        if (isBroken) return;
        if (this.#rough(1)) return this.#agenda.in(this.#latency(), reset);
        // An empty answer that is late would look like a poll that was not woken.
        const isLate = !isEmpty(answer) && this.#rough(2);
        this.#agenda.in(this.#latency() + (isLate ? 1_000 : 0), () => {
          if ("ok" in answer) end(() => pending.ok(answer.ok as never), answer.ok);
          else end(() => pending.fail(answer.fail));
        });
      },
    };
    const hangUp = () => {
      if (isOver) return;
      reset();
      this.#agenda.in(this.#latency(), () => {
        connection.isHungUp = true;
      });
    };
    if (isPoll(f) && this.#rough(5)) this.#agenda.in(this.#random.below((req as ConsumeRequest).waitMs + 20), hangUp);
    if (this.#rough(1)) {
      isBroken = true;
      this.#agenda.in(this.#latency(), reset);
      if (this.#random.percent(50)) return;
    }
    const crashes = this.#crashes;
    this.#agenda.in(this.#latency() + (this.#rough(1) ? 900 : 0), () => {
      // A connection does not outlive its broker.
      if (crashes !== this.#crashes || !this.#broker.isUp) return reset();
      if (f === "publish") this.#broker.publish(req as PublishRequest, connection);
      else if (f === "ack") this.#broker.acknowledge(req as Requests["ack"], connection);
      else if (f === "commit" || f === "rollback") this.#broker.end(f, req as Requests["commit"], connection);
      else this.#broker.consume(req as ConsumeRequest, connection);
    });
  }

  #rough(share: number): boolean {
    return this.#isRough && this.#random.percent(share);
  }

  #latency(): number {
    return 0.1 + this.#random.below(this.#random.percent(5) ? 400 : 20) / 10;
  }
}

function isPoll(f: string): boolean {
  return f === "consume" || f === "consumeHalf";
}

function isEmpty(answer: ModelAnswer): boolean {
  return "ok" in answer && "got" in answer.ok && (answer.ok.got as readonly unknown[]).length === 0;
}
