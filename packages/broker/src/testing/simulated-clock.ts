import { type DurationMs, type EpochMs, MINUTE } from "../domain/time.ts";
import type { Alarm, Clock, WallStep } from "../runtime/clock.ts";
import { nextTurn, promisesSettled } from "./turns.ts";

interface PendingAlarm {
  readonly at: EpochMs;
  readonly ring: () => void;
}

/**
 * What everything waits for beside this clock: `memory` for nothing, so that it has settled when no promise is left to go on;
 * `loop` for sockets and files too.
 */
export type Surroundings = "memory" | "loop";

/** Turns of the loop after which whoever was woken has done what needs no more time. */
const TURNS_TO_SETTLE = 4;
const DEFAULT_START: EpochMs = Date.UTC(2026, 10, 21, 3, 41, 8, 210);

/** A clock that stands still until it is moved. Obeys TIM-1: `now()` never goes back and jumps forward with the wall clock. */
export class SimulatedClock implements Clock {
  #now: EpochMs;
  #wall: EpochMs;
  #wallStep: WallStep | undefined;
  readonly #tellStepsOver: DurationMs;
  /** In the order in which they were set. */
  readonly #alarms = new Set<PendingAlarm>();
  readonly #alsoSettle: (() => Promise<unknown>)[] = [];
  readonly #surroundings: Surroundings;
  #settling: Promise<void> | undefined;
  #moving: Promise<void> = Promise.resolve();

  constructor(start: EpochMs = DEFAULT_START, surroundings: Surroundings = "loop", tellStepsOver = 10 * MINUTE) {
    this.#tellStepsOver = tellStepsOver;
    this.#now = start;
    this.#wall = start;
    this.#surroundings = surroundings;
  }

  now(): EpochMs {
    return this.#now;
  }

  wall(): EpochMs {
    return this.#wall;
  }

  wallStep(): WallStep | undefined {
    return this.#wallStep;
  }

  startFrom(at: EpochMs): void {
    this.#now = Math.max(this.#now, at);
    this.#startSettling();
  }

  alarm(at: EpochMs, ring: () => void): Alarm {
    const alarm = { at, ring };
    this.#alarms.add(alarm);
    if (at <= this.#now) this.#startSettling();
    return { cancel: () => this.#alarms.delete(alarm) };
  }

  /** Moves both times on; resolves when everything that this brought about has settled. */
  advance(by: DurationMs): Promise<void> {
    return this.#move(() => this.#advanceTo(this.#now + by));
  }

  /** Moves on until `now()` is `at`. An instant that has passed changes nothing. */
  advanceTo(at: EpochMs): Promise<void> {
    return this.#move(() => this.#advanceTo(at));
  }

  /** Moves the wall clock alone, as an operator or a time server would; `now()` jumps along only where it would fall behind. */
  step(wallBy: DurationMs): Promise<void> {
    return this.#move(() => {
      const from = this.#wall;
      this.#setWall(from + wallBy);
      if (Math.abs(wallBy) > this.#tellStepsOver) this.#wallStep = { from, to: this.#wall };
      return this.settle();
    });
  }

  /** Has the wall clock show `now()`, as if it had never been otherwise. */
  alignWall(): Promise<void> {
    return this.#move(() => {
      this.#setWall(this.#now);
      return this.settle();
    });
  }

  #setWall(wall: EpochMs): void {
    this.#wall = wall;
    this.#now = Math.max(this.#now, wall);
  }

  /** Resolves when every alarm that is due has rung and the promises it woke have run as far as they can. */
  async settle(): Promise<void> {
    await this.#settling;
    this.#startSettling();
    await this.#settling;
  }

  /** Has every settling wait for this too: for work that leaves the loop, such as writes to a real disk. */
  alsoSettle(wait: () => Promise<unknown>): void {
    this.#alsoSettle.push(wait);
  }

  /** One move at a time, in the order asked for. */
  #move(step: () => Promise<void>): Promise<void> {
    const moved = this.#moving.then(step);
    this.#moving = moved.catch(() => {});
    return moved;
  }

  async #advanceTo(target: EpochMs): Promise<void> {
    await this.settle();
    for (let next = this.#next(); next !== undefined && next.at <= target; next = this.#next()) {
      this.#moveNow(next.at);
      await this.settle();
    }
    this.#moveNow(target);
    await this.settle();
  }

  #moveNow(at: EpochMs): void {
    const by = Math.max(at - this.#now, 0);
    this.#wall += by;
    this.#now = Math.max(this.#now + by, this.#wall);
  }

  #startSettling(): void {
    if (this.#settling !== undefined) return;
    this.#settling = this.#ringDue();
    // A failure is told to whoever waits for it to settle; nobody may be waiting.
    this.#settling.catch(() => undefined);
  }

  async #ringDue(): Promise<void> {
    try {
      await this.#pause();
      for (let next = this.#next(); next !== undefined && next.at <= this.#now; next = this.#next()) {
        this.#alarms.delete(next);
        next.ring();
        await this.#pause();
      }
    } finally {
      // In the same turn as the last look, or an alarm set in between would never ring.
      this.#settling = undefined;
    }
  }

  async #pause(): Promise<void> {
    if (this.#surroundings === "memory") return promisesSettled();
    for (let turn = 0; turn < TURNS_TO_SETTLE; turn++) await nextTurn();
    for (const wait of this.#alsoSettle) await wait();
  }

  /** The earliest; of several at one instant the one set first. */
  #next(): PendingAlarm | undefined {
    let next: PendingAlarm | undefined;
    for (const alarm of this.#alarms) {
      if (next === undefined || alarm.at < next.at) next = alarm;
    }
    return next;
  }
}
