import type { GroupSettings } from "../../src/domain/consumer-group.ts";
import type { Message, PublishIntent } from "../../src/domain/message.ts";
import type { DurationMs, EpochMs } from "../../src/domain/time.ts";
import type { TopicKind } from "../../src/domain/topic.ts";
import type { EngineSettings } from "../../src/embedded/settings.ts";
import type {
  Call,
  Delivery,
  Engine,
  GiveBackRequest,
  HandleOutcome,
  PublishReceipt,
  ReceiptHandle,
} from "../../src/engine/engine.ts";
import type { RecordingLog } from "../../src/testing/recording-log.ts";
import type { SimulatedClock } from "../../src/testing/simulated-clock.ts";

export const INSTANCE = "MQ_INST_test";

/** The settings of most tests: dev, with every ⚙ at its default. */
export const DEFAULTS: EngineSettings = {
  makeByUse: true,
  typeCheck: "warn",
  invisibleFor: 300_000,
  orderedInvisibleFor: 60_000,
  halfInvisibleFor: 10_000,
  blockedInvisibleFor: 60_000,
  maxBatchBytes: 4 * 1_024 * 1_024,
  giveBacksBeforeDelivery: 5,
  maxRetries: 288,
  from: undefined,
  onExhausted: "dead-letter",
  newShare: 1,
  maxOutstanding: 1_000_000,
  filterMemory: 300_000,
  orderedQueues: 8,
  maxDelay: 40 * 86_400_000,
  retentionAge: 72 * 3_600_000,
  retentionBytes: undefined,
  ageRestsFor: 3_600_000,
  checkFor: 86_400_000,
  checkRounding: 1_000,
  messageLogLevel: "info",
};

/** An engine that can be opened for a test. */
export interface EngineUnderTest {
  readonly name: string;
  /** Whether a restart can be asked for. */
  readonly keeps: boolean;
  /** Restarts by itself after every step of a test. */
  readonly restartsAlways: boolean;
  open(settings: EngineSettings): Promise<Opened>;
}

export interface Opened {
  readonly clock: SimulatedClock;
  readonly log: RecordingLog;
  readonly engine: Engine;
  /** Stops and opens again over the same data. `crash`: without stopping, and with what was not synced lost. */
  restart?(how: { readonly crash: boolean; readonly settings?: EngineSettings }): Promise<Engine>;
  /** No sync returns, until released. */
  holdSyncs?(): void;
  releaseSyncs?(): void;
  /** The next sync fails. */
  failNextSync?(): void;
}

export interface PublishInput {
  readonly topic?: string;
  readonly instance?: string;
  readonly body?: string;
  readonly tag?: string;
  readonly key?: string;
  readonly properties?: readonly (readonly [string, string])[];
  readonly intent?: PublishIntent;
}

export interface ReceiveInput {
  readonly topic?: string;
  readonly instance?: string;
  readonly group?: string;
  readonly mode?: "concurrent" | "ordered";
  readonly tags?: string;
  readonly max?: number;
  readonly wait?: DurationMs;
  readonly signal?: AbortSignal;
}

const NEVER = new AbortController().signal;

/** One engine and its clock in the hands of one test: the six verbs with defaults, in simulated time. */
export class Bench {
  readonly under: EngineUnderTest;
  readonly #opened: Opened;
  #engine: Engine;
  #waiting = 0;
  #requests = 0;

  constructor(under: EngineUnderTest, opened: Opened) {
    this.under = under;
    this.#opened = opened;
    this.#engine = opened.engine;
  }

  get clock(): SimulatedClock {
    return this.#opened.clock;
  }

  get log(): RecordingLog {
    return this.#opened.log;
  }

  get engine(): Engine {
    return this.#engine;
  }

  get now(): EpochMs {
    return this.clock.now();
  }

  async publish(input: PublishInput = {}): Promise<PublishReceipt> {
    const { topic = "orders", instance = INSTANCE, intent = { kind: "normal" } } = input;
    const receipt = await this.#engine.publish(this.#call(), {
      topic: { instance, topic },
      message: aMessage(input),
      intent,
    });
    await this.#step();
    return receipt;
  }

  /** Publishes one message with each of these bodies, in order. */
  async publishAll(bodies: readonly string[], input: PublishInput = {}): Promise<void> {
    for (const body of bodies) await this.publish({ ...input, body });
  }

  async receive(input: ReceiveInput = {}): Promise<Delivery[]> {
    const deliveries = await this.#receive(input);
    await this.#step();
    return deliveries;
  }

  /** A poll that waits: resolves when the engine answers. No restart happens while one is under way. */
  async poll(input: ReceiveInput = {}): Promise<Delivery[]> {
    this.#waiting += 1;
    try {
      return await this.#receive({ wait: 30_000, ...input });
    } finally {
      this.#waiting -= 1;
    }
  }

  async receiveHalf(input: Omit<ReceiveInput, "mode" | "tags"> = {}): Promise<Delivery[]> {
    const deliveries = await this.#receiveHalf(input);
    await this.#step();
    return deliveries;
  }

  async pollHalf(input: Omit<ReceiveInput, "mode" | "tags"> = {}): Promise<Delivery[]> {
    this.#waiting += 1;
    try {
      return await this.#receiveHalf({ wait: 30_000, ...input });
    } finally {
      this.#waiting -= 1;
    }
  }

  async acknowledge(
    handles: readonly (ReceiptHandle | Delivery)[],
    { topic = "orders", group = "GID_a", instance = INSTANCE } = {},
  ): Promise<HandleOutcome[]> {
    const outcomes = await this.#engine.acknowledge(this.#call(), {
      topic: { instance, topic },
      group: { instance, group },
      handles: handles.map(handleOf),
    });
    await this.#step();
    return outcomes;
  }

  async giveBack(
    deliveries: readonly (ReceiptHandle | Delivery)[],
    why: Pick<GiveBackRequest, "noRoom"> = {},
  ): Promise<void> {
    await this.#engine.giveBack(this.#call(), { handles: deliveries.map(handleOf), ...why });
    await this.#step();
  }

  async end(
    resolution: "commit" | "rollback",
    handles: readonly (ReceiptHandle | Delivery | undefined)[],
    { topic = "orders", group, instance = INSTANCE }: { topic?: string; group?: string; instance?: string } = {},
  ): Promise<HandleOutcome[]> {
    const outcomes = await this.#engine.endTransaction(this.#call(), {
      topic: { instance, topic },
      ...(group === undefined ? {} : { group: { instance, group } }),
      handles: handles.map((handle) => handleOf(handle ?? "")),
      resolution,
    });
    await this.#step();
    return outcomes;
  }

  async declareTopic(topic: string, kind: TopicKind, queues?: number): Promise<void> {
    const declaration = { ref: { instance: INSTANCE, topic }, kind, ...(queues === undefined ? {} : { queues }) };
    await this.#engine.catalog.declare({ instances: [INSTANCE], topics: [declaration], groups: [] });
    await this.#step();
  }

  async declareGroup(group: string, settings: GroupSettings = {}): Promise<void> {
    const declaration = { ref: { instance: INSTANCE, group }, settings };
    await this.#engine.catalog.declare({ instances: [INSTANCE], topics: [], groups: [declaration] });
    await this.#step();
  }

  /** Moves the clock; resolves when everything that comes due has settled. */
  async advance(by: DurationMs): Promise<void> {
    await this.clock.advance(by);
    await this.#step();
  }

  /** Lets everything settle that needs no time. */
  settle(): Promise<void> {
    return this.clock.advance(0);
  }

  async restart(how: { crash?: boolean; settings?: Partial<EngineSettings> } = {}): Promise<void> {
    if (this.#opened.restart === undefined) throw new Error(`${this.under.name} cannot be restarted`);
    const settings = how.settings === undefined ? {} : { settings: { ...DEFAULTS, ...how.settings } };
    this.#engine = await this.#opened.restart({ crash: how.crash ?? false, ...settings });
  }

  holdSyncs(): void {
    this.#opened.holdSyncs?.();
  }

  releaseSyncs(): void {
    this.#opened.releaseSyncs?.();
  }

  failNextSync(): void {
    this.#opened.failNextSync?.();
  }

  close(): Promise<void> {
    return this.#engine.stop();
  }

  #call(signal: AbortSignal = NEVER): Call {
    this.#requests += 1;
    return { caller: "test", requestId: `REQUEST${this.#requests}`, signal };
  }

  #receive(input: ReceiveInput): Promise<Delivery[]> {
    const { topic = "orders", group = "GID_a", instance = INSTANCE, mode = "concurrent", tags = "*" } = input;
    return this.#engine.receive(this.#call(input.signal), {
      topic: { instance, topic },
      group: { instance, group },
      mode,
      tags,
      maxMessages: input.max ?? 16,
      waitUpTo: input.wait ?? 0,
    });
  }

  #receiveHalf(input: Omit<ReceiveInput, "mode" | "tags">): Promise<Delivery[]> {
    const { topic = "orders", group = "GID_producer", instance = INSTANCE } = input;
    return this.#engine.receiveHalf(this.#call(input.signal), {
      topic: { instance, topic },
      group: { instance, group },
      maxMessages: input.max ?? 16,
      waitUpTo: input.wait ?? 0,
    });
  }

  /** Between two steps of a test, where the engine is tried that way, the broker is restarted: nobody may notice. */
  async #step(): Promise<void> {
    if (this.under.restartsAlways && this.#waiting === 0) await this.restart();
  }
}

export function aMessage({ body = "hello", tag = "", key = "key-1", properties = [] }: PublishInput = {}): Message {
  return { body, tag, key, properties };
}

export function ordered(shardingKey: string): PublishIntent {
  return { kind: "ordered", shardingKey };
}

/** Says whether the promise has come to an end by the time it is asked. */
export function watch(promise: Promise<unknown>): () => boolean {
  let hasEnded = false;
  const end = (): void => {
    hasEnded = true;
  };
  promise.then(end, end);
  return () => hasEnded;
}

export function bodiesOf(deliveries: readonly Delivery[]): string[] {
  return deliveries.map(({ message }) => message.body);
}

export function refusalsOf(outcomes: readonly HandleOutcome[]): (string | undefined)[] {
  return outcomes.map(({ refusal }) => refusal);
}

function handleOf(of: ReceiptHandle | Delivery): ReceiptHandle {
  return typeof of === "string" ? of : of.handle;
}
