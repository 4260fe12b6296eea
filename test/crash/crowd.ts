import { setTimeout as sleep } from "node:timers/promises";
import {
  type Decoded,
  decodeErrors,
  decodeMessages,
  decodePublishReply,
  type Operation,
  type WireMessage,
} from "@stagemq/wire";
import type { Ending, History, Outcome, Poll, Publication, Settings, Sort, Start } from "./history.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { type Answer, SignedClient, Unanswered, Unsent } from "./signed-client.ts";

/** Clients of all sorts at work on one broker that dies and comes back; each writes down what was confirmed to it. */

const PLAIN = "crash_plain";
const ORDERED = "crash_ordered";
const TRANSACTIONS = "crash_transactions";
const LONG_POLL_S = 1;
/** A redelivery may be a second late (DEL-3.4); then some for a busy machine. */
const LATE_MS = 1_500;
const DRAIN_WITHIN_MS = 60_000;

/** How a transaction ends, as its message says: at the publish, or at its first or second check. */
const PLANS = ["commit 0", "commit 1", "commit 2", "rollback 0", "rollback 1", "rollback 2"] as const;
type Plan = (typeof PLANS)[number];

export class Crowd {
  readonly #settings: Settings;
  readonly #random: SeededRandom;
  readonly #publications: Publication[] = [];
  readonly #polls: Poll[] = [];
  readonly #endings: Ending[] = [];
  readonly #starts: Start[] = [];
  readonly #clients: SignedClient[] = [];
  #senders: Promise<void>[] = [];
  #receivers: Promise<void>[] = [];
  #endpoint = new Awaited<string>();
  /** No more is published. */
  #isClosing = false;
  #hasDrained = false;
  #lastReceivedAt = 0;
  #published = 0;

  constructor(settings: Settings, random: SeededRandom) {
    this.#settings = settings;
    this.#random = random;
  }

  get history(): History {
    return {
      settings: this.#settings,
      publications: this.#publications,
      polls: this.#polls,
      endings: this.#endings,
      starts: this.#starts,
    };
  }

  /** Starts everybody; they wait until a broker serves. */
  start(): void {
    const newClient = () => {
      const client = new SignedClient();
      this.#clients.push(client);
      return client;
    };
    this.#senders = [
      this.#publish(newClient(), PLAIN, [undefined]),
      this.#publish(newClient(), PLAIN, [undefined]),
      this.#publish(newClient(), ORDERED, ["a", "b", "c", "shared"]),
      this.#publish(newClient(), ORDERED, ["d", "e", "shared"]),
      this.#transact(newClient()),
      this.#transact(newClient()),
    ];
    this.#receivers = [
      this.#consume(newClient(), PLAIN, "GID_one", "concurrent"),
      this.#consume(newClient(), PLAIN, "GID_one", "concurrent"),
      this.#consume(newClient(), PLAIN, "GID_other", "concurrent"),
      this.#consume(newClient(), ORDERED, "GID_ordered", "ordered"),
      this.#consume(newClient(), ORDERED, "GID_ordered", "ordered"),
      this.#consume(newClient(), TRANSACTIONS, "GID_committed", "concurrent"),
      this.#check(newClient()),
    ];
    // Who fails is asked when the crowd drains.
    for (const one of [...this.#senders, ...this.#receivers]) one.catch(() => {});
  }

  brokerServes(endpoint: string, start: Start): void {
    this.#starts.push(start);
    this.#endpoint.resolve(endpoint);
  }

  brokerIsGone(): void {
    this.#endpoint = new Awaited();
  }

  /** Publishes no more and ends what comes, until nothing has come for longer than anything may stay hidden. */
  async drain(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.#senders);
    const { invisibleFor, immunity } = this.#settings;
    const quiet = Math.max(...Object.values(invisibleFor), immunity) + LATE_MS;
    const deadline = Date.now() + DRAIN_WITHIN_MS;
    this.#lastReceivedAt = Date.now();
    while (Date.now() - this.#lastReceivedAt < quiet) {
      if (Date.now() > deadline) throw new Error(`messages still come ${DRAIN_WITHIN_MS} ms after the last publish`);
      await sleep(50);
    }
    this.#hasDrained = true;
    await Promise.all(this.#receivers);
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  async #publish(client: SignedClient, topic: string, keys: readonly [string | undefined, ...(string | undefined)[]]) {
    while (!this.#isClosing) {
      const shardingKey = this.#random.pick(keys);
      await this.#publishOne(client, topic, shardingKey === undefined ? {} : { shardingKey });
      await sleep(this.#random.below(12));
    }
  }

  async #transact(client: SignedClient): Promise<void> {
    while (!this.#isClosing) {
      const plan = this.#random.pick(PLANS);
      const handle = await this.#publishOne(client, TRANSACTIONS, { plan });
      if (handle !== undefined && checksOf(plan) === 0) await this.#end(client, TRANSACTIONS, wayOf(plan), [handle]);
      await sleep(this.#random.below(25));
    }
  }

  /** The handle of a half message that was confirmed. */
  async #publishOne(
    client: SignedClient,
    topic: string,
    { shardingKey, plan }: { shardingKey?: string; plan?: Plan },
  ): Promise<string | undefined> {
    this.#published += 1;
    const padding = "x".repeat(this.#random.percent(5) ? 40_000 : this.#random.below(300));
    const body = `${this.#published} ${plan ?? shardingKey ?? "plain"} ${padding}`;
    const properties = [plan && "__TransCheckT:10|", shardingKey && `__SHARDINGKEY:${shardingKey}|`].join("");
    const operation: Operation = { name: "publish-message", topic };
    const done = await this.#ask((endpoint) => client.publish(endpoint, operation, { body, tag: "", properties }));
    if (done === undefined) return undefined;
    const { answer, ...times } = done;
    const reply = answer && expectStatus(answer, [201]) && contentOf(decodePublishReply(answer.body));
    this.#publications.push({
      ...times,
      topic,
      body,
      outcome: reply ? "ok" : "unknown",
      isHalf: plan !== undefined,
      ...(shardingKey === undefined ? {} : { shardingKey }),
      ...(reply === undefined ? {} : { messageId: reply.messageId }),
      ...(reply?.receiptHandle === undefined ? {} : { handle: reply.receiptHandle }),
    });
    return reply?.receiptHandle;
  }

  async #consume(client: SignedClient, topic: string, group: string, sort: "concurrent" | "ordered"): Promise<void> {
    while (!this.#hasDrained) {
      const messages = await this.#poll(client, topic, group, sort);
      const handles = this.#choose(messages).map(({ receiptHandle }) => receiptHandle);
      if (handles.length > 0) await this.#end(client, topic, "acknowledge", handles, group);
    }
  }

  async #check(client: SignedClient): Promise<void> {
    while (!this.#hasDrained) {
      const messages = await this.#poll(client, TRANSACTIONS, "GID_transactions", "half");
      for (const { body, consumedTimes, receiptHandle } of messages) {
        const plan = PLANS.find((one) => body.includes(` ${one} `)) ?? "rollback 0";
        if (consumedTimes < checksOf(plan)) continue;
        await this.#end(client, TRANSACTIONS, wayOf(plan), [receiptHandle]);
      }
    }
  }

  /** What of a batch is acknowledged: mostly all of it, sometimes a part, sometimes nothing; at the end everything. */
  #choose<T>(batch: readonly T[]): readonly T[] {
    const mood = this.#isClosing ? 0 : this.#random.below(100);
    if (mood < 75) return batch;
    return mood < 90 ? batch.filter(() => this.#random.percent(60)) : [];
  }

  async #poll(client: SignedClient, topic: string, group: string, sort: Sort): Promise<readonly WireMessage[]> {
    const poll = { topic, consumer: group, maxMessages: 1 + this.#random.below(16), waitSeconds: LONG_POLL_S };
    const operation: Operation =
      sort === "half"
        ? { name: "consume-half-messages", ...poll }
        : { name: "consume-messages", ...poll, mode: sort, tag: "" };
    const done = await this.#ask((endpoint) => client.send(endpoint, operation));
    if (done === undefined) return [];
    const { answer, ...times } = done;
    const isEmpty = answer !== undefined && expectStatus(answer, [200, 404]).status === 404;
    const deliveries = answer === undefined || isEmpty ? [] : contentOf(decodeMessages(answer.body));
    this.#polls.push({ ...times, topic, group, sort, outcome: answer ? "ok" : "unknown", deliveries });
    if (deliveries.length > 0) this.#lastReceivedAt = times.endedAt;
    return deliveries;
  }

  /** Ends deliveries or transactions. Without an answer it is tried once more, mostly, with the same handles. */
  async #end(
    client: SignedClient,
    topic: string,
    as: Ending["as"],
    handles: readonly string[],
    group?: string,
  ): Promise<void> {
    const operation: Operation =
      as === "acknowledge"
        ? { name: "acknowledge-messages", topic, consumer: group ?? "" }
        : { name: "end-transaction", topic, resolution: as };
    for (let attempt = 1; attempt <= 2; attempt++) {
      const done = await this.#ask((endpoint) => client.end(endpoint, operation, handles));
      if (done === undefined) continue;
      const { answer, ...times } = done;
      const isRefused = answer !== undefined && expectStatus(answer, [204, 404]).status === 404;
      const refusals = isRefused ? contentOf(decodeErrors(answer.body)) : [];
      const refused = new Set(refusals.map(({ receiptHandle }) => receiptHandle));
      for (const handle of handles) {
        const outcome: Outcome = answer === undefined ? "unknown" : refused.has(handle) ? "refused" : "ok";
        this.#endings.push({ ...times, as, handle, outcome });
      }
      if (answer !== undefined || this.#random.percent(30)) return;
    }
  }

  /** Sends to the broker, once one serves. No answer: what became of it is unknown. Undefined: the request never left. */
  async #ask(
    send: (endpoint: string) => Promise<Answer>,
  ): Promise<{ invokedAt: number; endedAt: number; answer?: Answer } | undefined> {
    const endpoint = await this.#endpoint.value;
    const invokedAt = Date.now();
    try {
      const answer = await send(endpoint);
      return { invokedAt, endedAt: Date.now(), answer };
    } catch (error) {
      if (error instanceof Unanswered) return { invokedAt, endedAt: Date.now() };
      if (!(error instanceof Unsent)) throw error;
      // Killed, and nobody has said so yet.
      await sleep(5);
      return undefined;
    }
  }
}

function wayOf(plan: Plan): "commit" | "rollback" {
  return plan.startsWith("commit") ? "commit" : "rollback";
}

function checksOf(plan: Plan): number {
  return Number(plan.at(-1));
}

function expectStatus(answer: Answer, expected: readonly number[]): Answer {
  if (expected.includes(answer.status)) return answer;
  throw new Error(`The broker answered ${answer.status}: ${answer.body.toString("utf8", 0, 500)}`);
}

function contentOf<T>(decoded: Decoded<T>): T {
  if ("value" in decoded) return decoded.value;
  throw new Error(`The broker answered what cannot be read: ${decoded.reason}`);
}

/** What is not known yet. */
class Awaited<T> {
  resolve: (value: T) => void = () => {};
  readonly value: Promise<T>;

  constructor() {
    this.value = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }
}
