import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import {
  decodeError,
  decodeMessages,
  encodePublishRequest,
  encodeReceiptHandles,
  formatProperties,
  KEYS,
  parseProperties,
  SHARDING_KEY,
} from "@stagemq/wire";
import { HttpConnection, type Reply } from "./http-connection.ts";
import { type Caller, SignedOperation } from "./signed-operation.ts";
import { Tally, type Verdict } from "./tally.ts";

export interface BenchPlan {
  readonly caller: Caller;
  readonly instance: string | undefined;
  readonly topic: string;
  readonly group: string;
  readonly connections: number;
  readonly bodyBytes: number;
  readonly forMs: number;
  readonly maxMessages: number;
  /** Each connection publishes under a sharding key of its own. */
  readonly ordered: boolean;
  /** Receives and acknowledges as well, and holds what came against what was sent. */
  readonly verify: boolean;
  /** Tells the messages of this run from all others. */
  readonly run: string;
}

export interface BenchOutcome {
  readonly published: number;
  readonly publishSeconds: number;
  /** Of the publishes, in milliseconds. */
  readonly latency: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Publishes that got no answer, or a 5xx: they may or may not be stored. */
  readonly unconfirmed: number;
  readonly received?: number;
  readonly receiveSeconds?: number;
  readonly verdict?: Verdict;
}

/** The endpoint said no, and would say so again. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  readonly status: number;
  constructor(status: number, sentence: string) {
    super(sentence);
    this.status = status;
  }
}

const CONSUMERS = 16;
const BATCH = 16;
const WAIT_SECONDS = 3;
/** What has not come after so long without any message will not come. */
const QUIET_MS = 15_000;
const AFTER_FAILURE_MS = 100;
const PLACE_TAKEN = { maxMessages: BATCH, waitSeconds: WAIT_SECONDS, tag: "*" } as const;

/**
 * One run of load against any endpoint: each connection publishes one message after the other, and others receive and acknowledge
 * what was published if the run is to be verified. Ends by itself: by time, by count, or when it is stopped.
 */
export class BenchRun {
  readonly #plan: BenchPlan;
  readonly #now: () => number;
  readonly #tally: Tally;
  readonly #latency: RecordableHistogram = createHistogram();
  readonly #body: string;
  readonly #connections = new Set<HttpConnection>();
  #published = 0;
  #unconfirmed = 0;
  #left: number;
  #received = 0;
  #lastReceivedAt = 0;
  #isPublishing = true;
  #isOver = false;

  constructor(plan: BenchPlan, now: () => number = () => performance.now()) {
    [this.#plan, this.#now] = [plan, now];
    this.#tally = new Tally({ run: plan.run, streams: plan.connections, ordered: plan.ordered });
    this.#body = "x".repeat(plan.bodyBytes);
    this.#left = plan.maxMessages;
  }

  get published(): number {
    return this.#published;
  }

  get received(): number {
    return this.#received;
  }

  /** Publishes nothing more; what was published is still waited for. */
  stop(): void {
    this.#isPublishing = false;
  }

  /** Rejects with a RefusedError, or with the system's error where nobody listens at the beginning. */
  async run(): Promise<BenchOutcome> {
    const { connections, verify, forMs } = this.#plan;
    const publishers = await this.#open(connections);
    const consumers = await this.#open(verify ? Math.min(CONSUMERS, connections) : 0);
    const timer = setTimeout(() => {
      this.#isPublishing = false;
    }, forMs);
    try {
      const startedAt = this.#now();
      const publishing = Promise.all(publishers.map((connection, stream) => this.#publish(connection, stream)));
      const consuming = Promise.all(consumers.map((connection) => this.#consume(connection)));
      const published = publishing.then(() => {
        this.#isPublishing = false;
        this.#lastReceivedAt = this.#now();
        return (this.#now() - startedAt) / 1_000;
      });
      const [publishSeconds] = await Promise.all([published, consuming]);
      const outcome = {
        published: this.#published,
        publishSeconds,
        unconfirmed: this.#unconfirmed,
        latency: this.#times(),
      };
      if (!verify) return outcome;
      const receiveSeconds = (this.#lastReceivedAt - startedAt) / 1_000;
      return { ...outcome, received: this.#received, receiveSeconds, verdict: this.#tally.judge() };
    } finally {
      clearTimeout(timer);
      this.#end();
      for (const connection of this.#connections) connection.close();
    }
  }

  async #open(count: number): Promise<HttpConnection[]> {
    const opened = Array.from({ length: count }, () => HttpConnection.open(this.#plan.caller.endpoint));
    // Those that opened must be closed although another failed.
    const settled = await Promise.allSettled(opened);
    for (const each of settled) if (each.status === "fulfilled") this.#connections.add(each.value);
    return await Promise.all(opened);
  }

  async #publish(first: HttpConnection, stream: number): Promise<void> {
    const operation = new SignedOperation({ name: "publish-message", ...this.#place() }, this.#plan.caller);
    const sharding = this.#plan.ordered ? [[SHARDING_KEY, `stream-${stream}`] as const] : [];
    for (let connection = first; this.#isPublishing && this.#left-- > 0; ) {
      const { text: properties } = formatProperties([[KEYS, this.#tally.send(stream)], ...sharding]);
      const request = operation.toBytes(encodePublishRequest({ body: this.#body, tag: "", properties }));
      const startedAt = this.#now();
      const reply = await connection.exchange(request).catch(() => undefined);
      if (reply?.status === 201) {
        this.#latency.record(Math.max(1, Math.round((this.#now() - startedAt) * 1_000)));
        this.#published++;
        this.#tally.confirm(stream);
        continue;
      }
      if (reply !== undefined) this.#checkRefusal(reply);
      this.#unconfirmed++;
      connection = await this.#after(connection);
    }
  }

  async #consume(first: HttpConnection): Promise<void> {
    const { caller, group, ordered } = this.#plan;
    const place = { ...this.#place(), consumer: group };
    const mode = ordered ? "ordered" : "concurrent";
    const poll = new SignedOperation({ name: "consume-messages", ...place, ...PLACE_TAKEN, mode }, caller);
    const end = new SignedOperation({ name: "acknowledge-messages", ...place }, caller);
    for (let connection = first; this.#isAwaiting(); ) {
      try {
        const reply = await connection.exchange(poll.toBytes());
        if (reply.status !== 200) {
          this.#checkRefusal(reply);
          continue;
        }
        const handles = this.#take(reply);
        await connection.exchange(end.toBytes(encodeReceiptHandles(handles)));
      } catch (error) {
        if (error instanceof RefusedError) throw error;
        connection = await this.#after(connection);
      }
    }
  }

  /** Counts what came; what is not acknowledged would come again. */
  #take({ body }: Reply): string[] {
    const decoded = decodeMessages(body);
    if (!("value" in decoded)) throw new RefusedError(200, `the messages cannot be read: ${decoded.reason}`);
    for (const { properties, body } of decoded.value) {
      const [, label = ""] = parseProperties(properties).pairs.find(([name]) => name === KEYS) ?? [];
      this.#tally.receive(label, body === this.#body);
    }
    this.#received += decoded.value.length;
    this.#lastReceivedAt = this.#now();
    return decoded.value.map(({ receiptHandle }) => receiptHandle);
  }

  #isAwaiting(): boolean {
    if (this.#isOver) return false;
    if (this.#isPublishing) return true;
    return this.#tally.outstanding > 0 && this.#now() - this.#lastReceivedAt < QUIET_MS;
  }

  /** An empty poll is none, and what failed on the other side may pass. */
  #checkRefusal({ status, body }: Reply): void {
    const error = decodeError(body);
    const { code, message } = "value" in error ? error.value : { code: `status ${status}`, message: "" };
    if (status >= 500 || code === "MessageNotExist") return;
    this.#end();
    throw new RefusedError(status, `${code}: ${message}`);
  }

  /** The connection to go on with after a failure; a bad one until there is a better one. */
  async #after(connection: HttpConnection): Promise<HttpConnection> {
    await pause(AFTER_FAILURE_MS);
    if (connection.isOpen) return connection;
    this.#connections.delete(connection);
    const opened = await HttpConnection.open(this.#plan.caller.endpoint).catch(() => connection);
    this.#connections.add(opened);
    return opened;
  }

  #end(): void {
    this.#isPublishing = false;
    this.#isOver = true;
  }

  #place(): { topic: string; instance?: string } {
    const { topic, instance } = this.#plan;
    return instance === undefined ? { topic } : { topic, instance };
  }

  #times(): BenchOutcome["latency"] {
    const [p50, p99] = [50, 99].map((percentile) => this.#latency.percentile(percentile) / 1_000);
    return { p50: p50 ?? 0, p99: p99 ?? 0, max: this.#latency.max / 1_000 };
  }
}
