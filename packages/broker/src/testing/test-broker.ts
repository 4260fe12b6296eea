import type { Duration } from "./durations.ts";
import type { ErrorCode } from "./fault-codes.ts";
import type { Fault, FaultScope, TestOperation } from "./faults.ts";
import type { MessageMatch } from "./message-match.ts";
import type { ExpectOptions, FailOptions, MessagesQuery, TestBench } from "./test-bench.ts";
import type { TestMessage, TestState } from "./test-message.ts";

/** What a client signs with. */
export interface TestCredentials {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
}

/** A broker's time. */
export interface TestClock {
  now(): Date;
  /**
   * Moves time on, and resolves to the new time when the broker has settled: what became visible again was delivered to who
   * waits for it, producers were asked, delayed messages released, what ran out of retries is dead. What your program
   * makes of it takes its own time; `expect` waits for that. Rejects with a TypeError with the system's clock.
   */
  advance(by: Duration): Promise<Date>;
}

/** What a test broker is made of. */
export interface TestBrokerParts {
  readonly endpoint: string;
  readonly instance: string;
  readonly credentials: TestCredentials;
  readonly bench: TestBench;
  readonly stop: () => Promise<void>;
}

/** A broker in the process of a test. Faults and messages are this broker's alone. */
export class TestBroker implements AsyncDisposable {
  /** `http://127.0.0.1:PORT`, for a client. */
  readonly endpoint: string;
  readonly credentials: TestCredentials;
  /** The instance of requests that name none, and of everything here that names none. */
  readonly instance: string;
  readonly clock: TestClock;
  readonly #bench: TestBench;
  readonly #stop: () => Promise<void>;

  constructor({ endpoint, instance, credentials, bench, stop }: TestBrokerParts) {
    this.endpoint = endpoint;
    this.instance = instance;
    this.credentials = credentials;
    this.clock = { now: () => bench.now(), advance: (by) => bench.advance(by) };
    this.#bench = bench;
    this.#stop = stop;
  }

  /** What is to be true of a topic: `await broker.expect("orders").toHavePublished({ tag: "paid", times: 1 })`. */
  expect(topic: string, { instance }: { readonly instance?: string } = {}): TopicExpectations {
    return new TopicExpectations(this.#bench, topic, instance);
  }

  /** The messages of a topic in one state, at most 10,000: in the order in which things happened, or will. */
  messages(topic: string, query: MessagesQuery): Promise<TestMessage[]> {
    return this.#bench.messages(topic, query);
  }

  /**
   * The next such request is refused with this code, and nothing is done: `failNext("acknowledge", "ReceiptHandleError")`.
   * `times`: so many requests. Throws a TypeError where there is no such operation or code, or they do not fit.
   */
  failNext(operation: TestOperation, code: ErrorCode, options: FailOptions = {}): void {
    this.#bench.failNext(operation, code, options);
  }

  /**
   * The connection of the next such request is cut without an answer. What it asked for has happened (`lose: "reply"`, the
   * default) or has not (`lose: "request"`). A lost reply to `receive` is the next one that has messages.
   */
  dropNext(operation: TestOperation, options: FaultScope & { readonly lose?: "reply" | "request" } = {}): void {
    this.#bench.dropNext(operation, options);
  }

  /** What the next poll with messages delivers is delivered to the next poll of its group once more, acknowledged or not. */
  duplicateNext(operation: "receive" | "receiveHalf" = "receive", scope: FaultScope = {}): void {
    this.#bench.duplicateNext(operation, scope);
  }

  /**
   * Every such request is carried out at once and answered so much later, until this is called with 0, or as often as `times`
   * says. The wait ends on whichever comes first: real time, or the simulated clock. Empty polls are not delayed.
   */
  delay(operation: TestOperation, by: Duration, scope: FaultScope = {}): void {
    this.#bench.delay(operation, by, scope);
  }

  /** What was asked for and has not struck yet. */
  faults(): readonly Fault[] {
    return this.#bench.faults();
  }

  /** Nothing fails any more; answers that are delayed leave. */
  clearFaults(): void {
    this.#bench.clearFaults();
  }

  /** Forgets messages, faults and all topics and groups that are not declared; long polls end. The clock stays. */
  reset(): Promise<void> {
    return this.#bench.reset();
  }

  /** Answers what is under way and ends. Safe to call twice. */
  stop(): Promise<void> {
    return this.#stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/**
 * What is to be true of a topic. Each waits until it is, `within` 1 s of real time unless told otherwise, resolves to the
 * messages that match, and rejects with an error that says what there was instead.
 */
export class TopicExpectations {
  readonly #bench: TestBench;
  readonly #topic: string;
  readonly #instance: string | undefined;

  constructor(bench: TestBench, topic: string, instance: string | undefined) {
    this.#bench = bench;
    this.#topic = topic;
    this.#instance = instance;
  }

  /** Published since the start or the last reset, consumed or not. A half message counts once it is committed. */
  toHavePublished(match: MessageMatch & Omit<ExpectOptions, "group"> = {}): Promise<TestMessage[]> {
    return this.toHave("published", match);
  }

  /** Delivered to a group; each delivery counts. */
  toHaveDelivered(match: MessageMatch & ExpectOptions = {}): Promise<TestMessage[]> {
    return this.toHave("delivered", match);
  }

  /** Acknowledged by a group; each message counts once. */
  toHaveAcknowledged(match: MessageMatch & ExpectOptions = {}): Promise<TestMessage[]> {
    return this.toHave("acknowledged", match);
  }

  /** Moved to the dead letters of a group. */
  toHaveDeadLettered(match: MessageMatch & ExpectOptions = {}): Promise<TestMessage[]> {
    return this.toHave("dead", match);
  }

  /** In any state: `toHave("in-flight", { group: "GID_billing", times: 2 })`. */
  toHave(state: TestState, match: MessageMatch & ExpectOptions = {}): Promise<TestMessage[]> {
    return this.#bench.expect({
      ...match,
      topic: this.#topic,
      state,
      ...(this.#instance === undefined ? {} : { instance: this.#instance }),
    });
  }

  /** Nothing that matches is in this state. It does not wait for something to come: advance the clock first. */
  async toHaveNothing(state: TestState, match: MessageMatch & Omit<ExpectOptions, "times"> = {}): Promise<void> {
    await this.toHave(state, { ...match, times: 0 });
  }
}
