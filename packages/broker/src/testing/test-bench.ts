import type { TopicRef } from "../domain/names.ts";
import { nearestName } from "../domain/nearest-name.ts";
import { type DurationMs, SECOND } from "../domain/time.ts";
import type { Engine, MessageList } from "../engine/engine.ts";
import type { Clock } from "../runtime/clock.ts";
import { type Duration, toDuration } from "./durations.ts";
import { describeFailure, type Expectation, ExpectationError, type Findings, isHopeless, meet } from "./expectation.ts";
import { checkErrorCode, type ErrorCode, handleRefusalOf, refusesRequests } from "./fault-codes.ts";
import { checkOperation, type Fault, type FaultEffect, type FaultScope, Faults, type TestOperation } from "./faults.ts";
import { FaultyEngine } from "./faulty-engine.ts";
import { History } from "./history.ts";
import { checkMatch, type MessageMatch } from "./message-match.ts";
import { RecordingEngine } from "./recording-engine.ts";
import type { SimulatedClock } from "./simulated-clock.ts";
import { TEST_STATES, type TestMessage, type TestState, toTestMessage } from "./test-message.ts";

export interface TestBenchParts {
  readonly engine: Engine;
  /** The engine's; `simulated` is the same one where time can be moved. */
  readonly clock: Clock;
  readonly simulated: SimulatedClock | undefined;
  /** Elapsed time, for how long an expectation is waited for. */
  readonly steadyClock: Clock;
  /** By which a delay is measured; it ends on whichever comes first (TIM-4). */
  readonly waitClocks: readonly [Clock, ...Clock[]];
  /** Forgets all that is not declared. */
  readonly reset: () => Promise<void>;
  readonly defaultInstance: string;
}

/** Which messages of a topic to list. */
export interface MessagesQuery {
  readonly state: TestState;
  /** Absent: of every group. */
  readonly group?: string;
  /** Absent: the broker's own. */
  readonly instance?: string;
}

/** How a fault is to strike. */
export interface FailOptions extends FaultScope {
  /** 503 instead of 500: nothing was stored. Only with InternalServerError. */
  readonly status?: 503;
  /** Only the first so many handles of a request fail; the others are carried out. Only with the codes of handles. */
  readonly handles?: number;
}

/** What there is beside the match of an expectation. */
export interface ExpectOptions {
  /** Exactly so many; absent: at least one. */
  readonly times?: number;
  /** Only of this consumer group. */
  readonly group?: string;
  /** How long to wait for it, in real time; absent: 1 s, or longer on a machine that is busy. */
  readonly within?: Duration;
}

export type ExpectQuery = MessageMatch & ExpectOptions & Omit<MessagesQuery, "group"> & { readonly topic: string };

/** So many are listed at most. */
const MAX_LISTED = 10_000;
const DEFAULT_WITHIN: DurationMs = SECOND;
const LOOK_EVERY: DurationMs = 10;
/** A second of a machine that is idle: on one that is busy, time passes and the program under test gets nowhere. */
const LEAST_LOOKS = 100;

/** All that a test may do with a broker beside talking to its port: move time, look, let things fail. */
export class TestBench {
  /** What the doors are to use. */
  readonly engine: Engine;
  readonly #parts: TestBenchParts;
  readonly #faults = new Faults();
  readonly #history = new History();
  readonly #faulty: FaultyEngine;

  constructor(parts: TestBenchParts) {
    const { engine, clock, waitClocks } = parts;
    this.#parts = parts;
    this.#faulty = new FaultyEngine({
      engine: new RecordingEngine(engine, this.#history, clock),
      faults: this.#faults,
      waitClocks,
      clock,
      history: this.#history,
    });
    this.engine = this.#faulty;
  }

  now(): Date {
    return new Date(this.#parts.clock.wall());
  }

  /** Resolves when everything that came due has settled. */
  async advance(by: Duration): Promise<Date> {
    const { simulated } = this.#parts;
    if (simulated === undefined)
      throw new TypeError(`The clock is the system's; only with clock "simulated" can it be advanced.`);
    await simulated.advance(toDuration(by, "by"));
    return this.now();
  }

  /** Forgets messages, faults and everything that is not declared; leaves the clock. */
  async reset(): Promise<void> {
    this.#faulty.forget();
    await this.#parts.reset();
    this.#faulty.forget();
    this.#history.clear();
  }

  messages(topic: string, query: MessagesQuery): Promise<TestMessage[]> {
    return this.#look(topic, query, MAX_LISTED);
  }

  /** Waits until there is what was expected; rejects with an ExpectationError. */
  async expect(query: ExpectQuery): Promise<TestMessage[]> {
    const { topic, state, group, instance, times, within, ...match } = query;
    const { steadyClock } = this.#parts;
    checkMatch(match);
    const expectation: Expectation = {
      topic,
      state: checkState(state),
      match,
      ...(group === undefined ? {} : { group }),
      ...(times === undefined ? {} : { times: checkCount(times, "times", 0) }),
    };
    const place = { state, ...(group === undefined ? {} : { group }), ...(instance === undefined ? {} : { instance }) };
    const until = steadyClock.now() + (within === undefined ? DEFAULT_WITHIN : toDuration(within, "within"));
    const leastLooks = within === undefined ? LEAST_LOOKS : 1;
    for (let looks = 1; ; looks++) {
      const there = await this.#look(topic, place, Number.POSITIVE_INFINITY);
      const met = meet(expectation, there);
      if (met !== undefined) return met;
      const isOver = looks >= leastLooks && steadyClock.now() >= until;
      if (isOver || isHopeless(expectation, there)) {
        const ref = this.#refOf(topic, instance);
        throw new ExpectationError(describeFailure(expectation, this.#findingsOf(ref, there)));
      }
      await this.#pause();
    }
  }

  failNext(operation: TestOperation, code: ErrorCode, options: FailOptions = {}): void {
    const { status, handles, ...scope } = options;
    const known = { operation: checkOperation(operation), code: checkErrorCode(code) };
    const hasHandles =
      known.operation === "acknowledge" || known.operation === "commit" || known.operation === "rollback";
    if (!hasHandles && !refusesRequests(known.code)) {
      throw new TypeError(`${operation} has no handles, and ${code} is about a handle.`);
    }
    if (status !== undefined && (status !== 503 || known.code !== "InternalServerError")) {
      throw new TypeError(`status is ${status} with ${code}; it can only be 503, with InternalServerError.`);
    }
    if (handles !== undefined && (!hasHandles || handleRefusalOf(known.code) === undefined)) {
      throw new TypeError(
        `handles goes with ReceiptHandleError or MessageNotExist on acknowledge, commit or rollback.`,
      );
    }
    this.#plan(operation, scope, {
      kind: "fail",
      code: known.code,
      ...(status === undefined ? {} : { status }),
      ...(handles === undefined ? {} : { handles: checkCount(handles, "handles", 1) }),
    });
  }

  dropNext(operation: TestOperation, options: FaultScope & { readonly lose?: "reply" | "request" } = {}): void {
    const { lose = "reply", ...scope } = options;
    if (lose !== "reply" && lose !== "request") {
      throw new TypeError(`lose is ${JSON.stringify(lose)}; it must be "reply" or "request".`);
    }
    this.#plan(operation, scope, { kind: lose === "reply" ? "lose-reply" : "lose-request" });
  }

  duplicateNext(operation: "receive" | "receiveHalf" = "receive", scope: FaultScope = {}): void {
    if (operation !== "receive" && operation !== "receiveHalf") {
      throw new TypeError(
        `${JSON.stringify(operation)} delivers nothing; only receive and receiveHalf can be duplicated.`,
      );
    }
    this.#plan(operation, scope, { kind: "duplicate" });
  }

  delay(operation: TestOperation, by: Duration, scope: FaultScope = {}): void {
    const delay = toDuration(by, "by");
    this.#faults.clearDelays(checkOperation(operation), scope);
    if (delay > 0) this.#plan(operation, { times: Number.POSITIVE_INFINITY, ...scope }, { kind: "delay", by: delay });
  }

  faults(): readonly Fault[] {
    return this.#faults.list();
  }

  clearFaults(): void {
    this.#faulty.forget();
  }

  #plan(operation: TestOperation, { times = 1, topic, group }: FaultScope, effect: FaultEffect): void {
    this.#faults.plan({
      operation: checkOperation(operation),
      ...(times === Number.POSITIVE_INFINITY ? {} : { times: checkCount(times, "times", 1) }),
      ...(topic === undefined ? {} : { topic }),
      ...(group === undefined ? {} : { group }),
      ...effect,
    });
  }

  async #look(topic: string, query: MessagesQuery, limit: number): Promise<TestMessage[]> {
    const state = checkState(query.state);
    await this.#parts.simulated?.settle();
    const { messages } = await this.#list(topic, { ...query, state }, limit);
    return messages.map((listed) => toTestMessage(listed, topic, state));
  }

  #list(topic: string, { state, group, instance }: MessagesQuery, limit: number): Promise<MessageList> | MessageList {
    const ref = this.#refOf(topic, instance);
    const place = {
      topic: ref,
      limit,
      ...(group === undefined ? {} : { group: { instance: ref.instance, group } }),
    };
    if (state === "published" || state === "delivered" || state === "acknowledged") {
      return this.#history.list({ ...place, state });
    }
    return this.engine.inspection.listMessages({ ...place, state });
  }

  #refOf(topic: string, instance = this.#parts.defaultInstance): TopicRef {
    return { instance, topic };
  }

  #nearestTopic(ref: TopicRef): string | undefined {
    const { catalog } = this.engine;
    if (catalog.describeTopic(ref) !== undefined) return undefined;
    return nearestName(ref.topic, catalog.listTopics(ref.instance));
  }

  #findingsOf(ref: TopicRef, there: readonly TestMessage[]): Findings {
    return {
      there,
      withheld: this.#history.listWithheld(ref),
      hasForgotten: this.#history.hasForgotten,
      nearestTopic: this.#nearestTopic(ref),
    };
  }

  #pause(): Promise<void> {
    const { steadyClock } = this.#parts;
    return new Promise((resolve) => {
      steadyClock.alarm(steadyClock.now() + LOOK_EVERY, resolve);
    });
  }
}

function checkState(given: unknown): TestState {
  const known = TEST_STATES.find((state) => state === given);
  if (known !== undefined) return known;
  const meant = nearestName(String(given), TEST_STATES);
  const end = meant === undefined ? "" : ` Did you mean ${meant}?`;
  throw new TypeError(`state is ${JSON.stringify(given)}; it must be one of ${TEST_STATES.join(", ")}.${end}`);
}

function checkCount(given: unknown, what: string, least: number): number {
  if (typeof given === "number" && Number.isSafeInteger(given) && given >= least) return given;
  throw new TypeError(`${what} is ${JSON.stringify(given)}; it must be a whole number, at least ${least}.`);
}
