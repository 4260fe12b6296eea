import { setTimeout as sleep } from "node:timers/promises";
import {
  type Decoded,
  decodeErrors,
  decodeMessages,
  decodePublishReply,
  type Operation,
  parseProperties,
  type WireMessage,
} from "@stagemq/wire";
import { digestOf, propertiesDigest } from "../checker/digest.ts";
import { type ConsumeRequest, DEAD_LETTERS, type Got, type PublishRequest, type Settings } from "../checker/history.ts";
import type { HistoryWriter, Pending } from "../checker/history-writer.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { type Answer, SignedClient, Unanswered, Unsent } from "./signed-client.ts";

/** Clients of all sorts at work on one broker that dies and comes back; each writes down what it did and what it was told. */

export const PLAIN = "crash_plain";
export const ORDERED = "crash_ordered";
export const TRANSACTIONS = "crash_transactions";
export const CROWD_TOPICS: Settings["topics"] = {
  [PLAIN]: { kind: "normal", queues: 1 },
  [ORDERED]: { kind: "ordered", queues: 8 },
  [TRANSACTIONS]: { kind: "transactional", queues: 1 },
};
/** Its messages soon become dead letters, if the broker was told so. */
export const GROUP_OF_FEW_RETRIES = "GID_few";

/** A redelivery may be a second late (DEL-3.4); then some for a busy machine. */
const LATE_MS = 1_500;
const LONGEST_DELAY_MS = 2_500;
const IMMUNITY_S = 10;
/** What the sender's own properties begin with; the rest belongs to the protocol. */
const OWN = "own-";

/** How a transaction ends, as its message says: at the publish, or at its first or second check. */
const PLANS = ["commit 0", "commit 1", "commit 2", "rollback 0", "rollback 1", "rollback 2"] as const;
type Plan = (typeof PLANS)[number];
const TAGS = ["", "a", "b"] as const;

interface Words {
  readonly uid: string;
  readonly producer: string;
  readonly seq: number;
  readonly shardKey?: string;
  readonly dueAt?: number;
  readonly txPlan?: Plan;
}

type Keys = readonly [string | undefined, ...(string | undefined)[]];

interface Publisher {
  readonly does: "publish";
  readonly topic: string;
  /** Which sharding keys it draws from. */
  readonly keys: Keys;
  /** When the next message is due; absent: some are, soon. */
  readonly dueAt?: (random: SeededRandom) => number;
}

interface Transactor {
  readonly does: "transact";
}

interface Consumer {
  readonly does: "consume";
  readonly topic: string;
  readonly group: string;
  readonly mode: "plain" | "ordered";
  readonly tag?: string;
  /** Of a hundred batches, how many are acknowledged wholly. */
  readonly acknowledges?: number;
}

/** Answers back-checks. */
interface Checker {
  readonly does: "check";
}

interface Sender {
  /** After so many messages it has sent all; absent: it goes on until the crowd drains. */
  readonly messages?: number;
  /** Between two of its messages. */
  readonly pausesUpToMs?: number;
}

/** Who does what, by name. */
export type Cast = Readonly<Record<string, ((Publisher | Transactor) & Sender) | Consumer | Checker>>;

/** Some of every sort. */
const EVERYBODY: Cast = {
  "publisher 1": { does: "publish", topic: PLAIN, keys: [undefined] },
  "publisher 2": { does: "publish", topic: PLAIN, keys: [undefined] },
  "publisher 3": { does: "publish", topic: ORDERED, keys: ["a", "b", "c", "shared"] },
  "publisher 4": { does: "publish", topic: ORDERED, keys: ["d", "e", "shared"] },
  "transactor 1": { does: "transact" },
  "transactor 2": { does: "transact" },
  "one 1": { does: "consume", topic: PLAIN, group: "GID_one", mode: "plain" },
  "one 2": { does: "consume", topic: PLAIN, group: "GID_one", mode: "plain" },
  tagged: { does: "consume", topic: PLAIN, group: "GID_tagged", mode: "plain", tag: "a || b" },
  few: { does: "consume", topic: PLAIN, group: GROUP_OF_FEW_RETRIES, mode: "plain", acknowledges: 25 },
  dead: {
    does: "consume",
    topic: DEAD_LETTERS + GROUP_OF_FEW_RETRIES,
    group: GROUP_OF_FEW_RETRIES,
    mode: "plain",
  },
  "ordered 1": { does: "consume", topic: ORDERED, group: "GID_ordered", mode: "ordered" },
  "ordered 2": { does: "consume", topic: ORDERED, group: "GID_ordered", mode: "ordered" },
  other: { does: "consume", topic: ORDERED, group: "GID_other", mode: "ordered" },
  committed: { does: "consume", topic: TRANSACTIONS, group: "GID_committed", mode: "plain" },
  checker: { does: "check" },
};

export interface CrowdOptions {
  readonly settings: Settings;
  readonly random: SeededRandom;
  readonly writer: HistoryWriter;
  /** Between the publish of a half message and its first check, as the broker is set up. */
  readonly immunityMs: number;
  /** Absent: some of every sort. */
  readonly cast?: Cast;
}

export class Crowd {
  /** Answers with a 5xx. Nobody knows what became of the request. */
  serverErrors = 0;
  /** Publishes and polls, and ends nothing of what it gets. */
  isHesitant = false;
  readonly #settings: Settings;
  readonly #random: SeededRandom;
  readonly #writer: HistoryWriter;
  readonly #immunityMs: number;
  readonly #cast: Cast;
  readonly #people: Person[] = [];
  readonly #senders: Promise<void>[] = [];
  readonly #receivers: Promise<void>[] = [];
  #endpoint = new Awaited<string>();
  /** No more is published. */
  #isClosing = false;
  #hasDrained = false;
  #lastReceivedAt = 0;

  constructor({ settings, random, writer, immunityMs, cast = EVERYBODY }: CrowdOptions) {
    this.#settings = settings;
    this.#random = random;
    this.#writer = writer;
    this.#immunityMs = immunityMs;
    this.#cast = cast;
  }

  /** Starts everybody; they wait until a broker serves. */
  start(): void {
    for (const [name, part] of Object.entries(this.#cast)) {
      const person = this.#newPerson(name);
      if (part.does === "publish") this.#senders.push(this.#publish(person, part));
      else if (part.does === "transact") this.#senders.push(this.#transact(person, part));
      else if (part.does === "consume") this.#receivers.push(this.#consume(person, part));
      else this.#receivers.push(this.#check(person));
    }
    // Who fails is asked when the crowd drains.
    for (const one of [...this.#senders, ...this.#receivers]) one.catch(() => {});
  }

  brokerServes(endpoint: string): void {
    this.#endpoint.resolve(endpoint);
  }

  brokerIsGone(): void {
    this.#endpoint = new Awaited();
  }

  /** How many messages have been sent, whatever became of them. */
  get sent(): number {
    return this.#people.reduce((sum, { count }) => sum + count, 0);
  }

  /** When each sender has sent all its messages; never, if one of them has no number. */
  async allSent(): Promise<void> {
    await Promise.all(this.#senders);
  }

  /** Publishes no more and ends what comes, until nothing has come for longer than anything may stay hidden. */
  async drain(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.#senders);
    const pending = this.#writer.invoke("crowd", "admin", { kind: "drain" });
    const { invisibleForMs, drainWithinMs } = this.#settings;
    const quiet = Math.max(...Object.values(invisibleForMs), this.#immunityMs, LONGEST_DELAY_MS) + LATE_MS;
    const deadline = Date.now() + drainWithinMs;
    this.#lastReceivedAt = Date.now();
    while (Date.now() - this.#lastReceivedAt < quiet && Date.now() < deadline) await sleep(50);
    this.#hasDrained = true;
    await Promise.all(this.#receivers);
    if (Date.now() - this.#lastReceivedAt < quiet) pending.fail("messages still come");
    else pending.ok({});
  }

  close(): void {
    for (const { client } of this.#people) client.close();
  }

  #newPerson(name: string): Person {
    const person = { name, client: new SignedClient(), count: 0 };
    this.#people.push(person);
    return person;
  }

  async #publish(person: Person, { topic, keys, dueAt: drawDueAt, ...pace }: Publisher & Sender): Promise<void> {
    const { messages = Number.POSITIVE_INFINITY, pausesUpToMs = 12 } = pace;
    while (!this.#isClosing && person.count < messages) {
      const shardKey = this.#random.pick(keys);
      const isDelayed = shardKey === undefined && drawDueAt === undefined && this.#random.percent(15);
      const dueAt = isDelayed ? Date.now() + this.#random.below(LONGEST_DELAY_MS) : drawDueAt?.(this.#random);
      await this.#publishOne(person, topic, {
        ...(shardKey === undefined ? {} : { shardKey }),
        ...(dueAt === undefined ? {} : { dueAt }),
      });
      if (pausesUpToMs > 0) await sleep(this.#random.below(pausesUpToMs));
    }
  }

  /** Ends its transactions at once, late, in both ways at the same time, or leaves that to the back-checks. */
  async #transact(person: Person, pace: Sender): Promise<void> {
    const { messages = Number.POSITIVE_INFINITY, pausesUpToMs = 25 } = pace;
    const rival = this.#newPerson(`${person.name}, rival`);
    while (!this.#isClosing && person.count < messages) {
      const txPlan = this.#random.pick(PLANS);
      const handle = await this.#publishOne(person, TRANSACTIONS, { txPlan });
      if (handle !== undefined && checksOf(txPlan) === 0) {
        if (this.#random.percent(2)) await sleep(this.#random.below(2 * this.#immunityMs));
        const way = wayOf(txPlan);
        const ends = [this.#end(person, TRANSACTIONS, way, [handle])];
        if (this.#random.percent(5))
          ends.push(this.#end(rival, TRANSACTIONS, way === "commit" ? "rollback" : "commit", [handle]));
        await Promise.all(ends);
      }
      if (pausesUpToMs > 0) await sleep(this.#random.below(pausesUpToMs));
    }
  }

  /** The handle of a half message that was confirmed. */
  async #publishOne(
    person: Person,
    topic: string,
    more: Pick<Words, "shardKey" | "dueAt" | "txPlan">,
  ): Promise<string | undefined> {
    const seq = ++person.count;
    const uid = `${person.name} ${seq}`;
    const words: Words = { uid, producer: person.name, seq, ...more };
    const padding = "x".repeat(this.#random.percent(5) ? 40_000 : this.#random.below(300));
    const body = `${JSON.stringify(words)}\n${padding}`;
    const tag = this.#random.pick(TAGS);
    const { shardKey, dueAt, txPlan } = more;
    const own: [string, string][] = [[`${OWN}uid`, uid]];
    const reserved = [
      txPlan && `__TransCheckT:${IMMUNITY_S}|`,
      shardKey && `__SHARDINGKEY:${shardKey}|`,
      dueAt && `__STARTDELIVERTIME:${dueAt}|`,
    ];
    const properties = [...reserved, ...own.map(([name, value]) => `${name}:${value}|`)].filter(Boolean).join("");
    const request: PublishRequest = {
      topic,
      uid,
      sum: digestOf(body),
      props: propertiesDigest(own),
      tag,
      ...(shardKey === undefined ? {} : { key: shardKey }),
      ...(dueAt === undefined ? {} : { dueAt }),
      ...(txPlan === undefined ? {} : { immunityMs: this.#immunityMs }),
    };
    const operation: Operation = { name: "publish-message", topic };
    const message = { body, tag, properties };
    const { client, name } = person;
    const invoke = () => this.#writer.invoke(name, "publish", request);
    const done = await this.#ask(invoke, (endpoint) => client.publish(endpoint, operation, message));
    if (done === undefined) return undefined;
    const { answer, pending } = done;
    const { messageId, receiptHandle } = contentOf(decodePublishReply(expectStatus(answer, [201]).body));
    pending.ok({ id: messageId, ...(receiptHandle === undefined ? {} : { h: receiptHandle }) });
    return receiptHandle;
  }

  async #consume(person: Person, { topic, group, mode, tag = "", acknowledges = 75 }: Consumer): Promise<void> {
    while (!this.#hasDrained) {
      const poll = {
        topic,
        consumer: group,
        maxMessages: 1 + this.#random.below(16),
        waitSeconds: this.#random.below(3),
      };
      const { maxMessages: max, waitSeconds } = poll;
      const waitMs = waitSeconds * 1_000;
      const request: ConsumeRequest = { topic, group, mode, max, waitMs, tag };
      const wireMode = mode === "plain" ? "concurrent" : mode;
      const operation: Operation = { name: "consume-messages", ...poll, mode: wireMode, tag };
      const invoke = () => this.#writer.invoke(person.name, "consume", request);
      const got = await this.#poll(person, invoke, operation, waitMs);
      const handles = this.#choose(got, acknowledges).map(({ receiptHandle }) => receiptHandle);
      if (handles.length > 0) await this.#end(person, topic, "ack", handles, group);
    }
  }

  async #check(person: Person): Promise<void> {
    while (!this.#hasDrained) {
      const max = 1 + this.#random.below(16);
      const request = { topic: TRANSACTIONS, group: "GID_transactions", max, waitMs: 1_000 };
      const invoke = () => this.#writer.invoke(person.name, "consumeHalf", request);
      const poll = { topic: TRANSACTIONS, consumer: request.group, maxMessages: max, waitSeconds: 1 };
      const got = await this.#poll(person, invoke, { name: "consume-half-messages", ...poll }, request.waitMs);
      for (const { body, consumedTimes, receiptHandle } of got) {
        const plan = wordsOf(body)?.txPlan ?? "rollback 0";
        if (consumedTimes < checksOf(plan)) continue;
        await this.#end(person, TRANSACTIONS, wayOf(plan), [receiptHandle]);
      }
    }
  }

  /** What of a batch is acknowledged: mostly all of it, sometimes a part, sometimes nothing; at the end everything. */
  #choose<T>(batch: readonly T[], acknowledges: number): readonly T[] {
    const mood = this.#isClosing ? 0 : this.#random.below(100);
    if (mood < acknowledges) return batch;
    return mood % 2 === 0 ? batch.filter(() => this.#random.percent(60)) : [];
  }

  /** Sometimes it hangs up (DEL-8). */
  async #poll(
    { client }: Person,
    invoke: () => Pending<"consume"> | Pending<"consumeHalf">,
    operation: Operation,
    waitMs: number,
  ): Promise<readonly WireMessage[]> {
    const hangUpAfterMs = !this.#isClosing && this.#random.percent(4) ? this.#random.below(waitMs + 20) : undefined;
    const done = await this.#ask(invoke, (endpoint) => client.send(endpoint, operation, "", { hangUpAfterMs }));
    if (done === undefined) return [];
    const { answer, pending } = done;
    const isEmpty = expectStatus(answer, [200, 404]).status === 404;
    const messages = isEmpty ? [] : contentOf(decodeMessages(answer.body));
    pending.ok({ got: messages.map(toGot) });
    if (messages.length > 0) this.#lastReceivedAt = Date.now();
    return messages;
  }

  /** Ends deliveries or transactions. Without an answer it is tried once more, mostly, with the same handles. */
  async #end(
    person: Person,
    topic: string,
    as: "ack" | "commit" | "rollback",
    handles: readonly string[],
    group = "",
  ): Promise<void> {
    const operation: Operation =
      as === "ack"
        ? { name: "acknowledge-messages", topic, consumer: group }
        : { name: "end-transaction", topic, resolution: as };
    for (let attempt = 1; attempt <= 2 && !this.isHesitant; attempt++) {
      const invoke = () => this.#writer.invoke(person.name, as, { topic, group, h: handles });
      const done = await this.#ask(invoke, (endpoint) => person.client.end(endpoint, operation, handles));
      if (done !== undefined) {
        const { answer, pending } = done;
        const isRefused = expectStatus(answer, [204, 404]).status === 404;
        const refusals = isRefused ? contentOf(decodeErrors(answer.body)) : [];
        pending.ok({ refused: refusals.map(({ receiptHandle }) => receiptHandle) });
        return;
      }
      if (this.#random.percent(30)) return;
    }
  }

  /**
   * Sends to the broker, once one serves; what is written down begins only then. Undefined: nobody knows what became of it, or it never
   * left, and that is written down too.
   */
  async #ask<P extends Pick<Pending<"ack">, "fail" | "info">>(
    invoke: () => P,
    send: (endpoint: string) => Promise<Answer>,
  ): Promise<{ answer: Answer; pending: P } | undefined> {
    const endpoint = await this.#endpoint.value;
    const pending = invoke();
    try {
      const answer = await send(endpoint);
      if (answer.status < 500) return { answer, pending };
      this.serverErrors += 1;
      pending.info(`${answer.status}`);
    } catch (error) {
      if (error instanceof Unanswered) pending.info(error.message);
      else if (error instanceof Unsent) pending.fail(error.message);
      else throw error;
    }
    // Killed, and nobody has said so yet.
    await sleep(5);
    return undefined;
  }
}

interface Person {
  readonly name: string;
  readonly client: SignedClient;
  count: number;
}

function toGot(message: WireMessage): Got {
  const { messageId, receiptHandle, consumedTimes, firstConsumeTime, nextConsumeTime, body, tag, properties } = message;
  const own = parseProperties(properties).pairs.filter(([name]) => name.startsWith(OWN));
  return {
    uid: wordsOf(body)?.uid ?? "",
    id: messageId,
    h: receiptHandle,
    c: consumedTimes,
    first: firstConsumeTime,
    next: nextConsumeTime,
    sum: digestOf(body),
    props: propertiesDigest(own),
    tag,
  };
}

/** Undefined: the body is not one of ours any more. */
function wordsOf(body: string): Words | undefined {
  try {
    return JSON.parse(body.slice(0, body.indexOf("\n"))) as Words;
  } catch {
    return undefined;
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
