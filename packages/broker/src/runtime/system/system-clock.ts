import type { DurationMs, EpochMs } from "../../domain/time.ts";
import { MINUTE, SECOND } from "../../domain/time.ts";
import type { Alarm, Clock, WallStep } from "../clock.ts";
import { systemTimeSources, type TimeSources } from "./time-sources.ts";

interface PendingAlarm {
  readonly at: EpochMs;
  readonly ring: () => void;
}

/** TIM-1: follows the time since boot, sleep included; jumps forward with the wall clock, never goes back. */
export class SystemClock implements Clock {
  readonly #sources: TimeSources;
  /** What makes an instant of the steady time. Only grows: with sleep, and with the wall clock. */
  #offset: DurationMs;
  #lookedForSleep: { readonly steady: DurationMs; readonly sinceBoot: DurationMs };
  #slept: DurationMs = 0;
  readonly #tellStepsOver: DurationMs;
  /** What makes the wall clock of the time since then, sleep included; looked at anew each time, so that drift is no step. */
  #wallOffset: DurationMs;
  #wallStep: WallStep | undefined;
  readonly #alarms = new Set<PendingAlarm>();
  #timer: { readonly ringsAt: EpochMs; stop(): void } | undefined;

  constructor(sources: TimeSources = systemTimeSources, { tellStepsOver = 10 * MINUTE } = {}) {
    this.#sources = sources;
    this.#tellStepsOver = tellStepsOver;
    const { wall, steady } = this.#readBoth();
    this.#lookedForSleep = { sinceBoot: sources.sinceBoot(), steady: sources.steady() };
    this.#offset = wall - steady;
    this.#wallOffset = this.#offset;
  }

  now(): EpochMs {
    const { wall, steady } = this.#readBoth();
    // Before the wall clock counts: what it is ahead by may be that same sleep.
    if (wall > this.#offset + steady || steady - this.#lookedForSleep.steady >= SECOND) this.#lookForSleep();
    this.#notBefore(wall, steady);
    this.#lookForStep(wall, steady);
    return this.#offset + steady;
  }

  wallStep(): WallStep | undefined {
    return this.#wallStep;
  }

  wall(): EpochMs {
    return this.#sources.wall();
  }

  startFrom(at: EpochMs): void {
    this.#notBefore(at, this.#sources.steady());
  }

  alarm(at: EpochMs, ring: () => void): Alarm {
    const alarm = { at, ring };
    this.#alarms.add(alarm);
    if (this.#timer === undefined || at < this.#timer.ringsAt) this.#startTimer(at);
    return { cancel: () => this.#cancel(alarm) };
  }

  /** The wall clock first: a pause between the two then does not look like a wall clock that is ahead, which would last. */
  #readBoth(): { readonly wall: EpochMs; readonly steady: DurationMs } {
    const wall = this.#sources.wall();
    return { wall, steady: this.#sources.steady() };
  }

  #notBefore(at: EpochMs, steady: DurationMs): void {
    this.#offset = Math.max(this.#offset, at - steady);
  }

  /** With a second of tolerance: on some systems the time since boot is no finer. */
  #lookForSleep(): void {
    // The coarse source first: a pause between the two then looks like less sleep, not like more.
    const sinceBoot = this.#sources.sinceBoot();
    const steady = this.#sources.steady();
    const slept = sinceBoot - this.#lookedForSleep.sinceBoot - (steady - this.#lookedForSleep.steady);
    if (slept > SECOND) {
      this.#offset += slept;
      this.#slept += slept;
    }
    this.#lookedForSleep = { sinceBoot, steady };
  }

  #lookForStep(wall: EpochMs, steady: DurationMs): void {
    const isLarge = (): boolean => Math.abs(wall - this.#expectedWall(steady)) > this.#tellStepsOver;
    // A sleep that nobody has noticed yet is no step.
    if (isLarge()) this.#lookForSleep();
    if (isLarge()) this.#wallStep = { from: this.#expectedWall(steady), to: wall };
    this.#wallOffset += wall - this.#expectedWall(steady);
  }

  #expectedWall(steady: DurationMs): EpochMs {
    return this.#wallOffset + this.#slept + steady;
  }

  #cancel(alarm: PendingAlarm): void {
    this.#alarms.delete(alarm);
    if (this.#alarms.size === 0) this.#stopTimer();
  }

  #startTimer(at: EpochMs): void {
    this.#stopTimer();
    const now = this.now();
    // TIM-1: no timer is longer than a second, so that a step of the clock or a sleep is noticed.
    const delay = Math.min(Math.max(at - now, 0), SECOND);
    const timer = this.#sources.startTimer(delay, () => this.#ringDue());
    this.#timer = { ringsAt: now + delay, stop: () => timer.stop() };
  }

  #stopTimer(): void {
    this.#timer?.stop();
    this.#timer = undefined;
  }

  #ringDue(): void {
    this.#timer = undefined;
    const now = this.now();
    const due = [...this.#alarms].filter((alarm) => alarm.at <= now).sort((a, b) => a.at - b.at);
    for (const alarm of due) {
      // An alarm that rang before may have cancelled this one.
      if (this.#alarms.delete(alarm)) alarm.ring();
    }
    this.#waitForNext();
  }

  #waitForNext(): void {
    let next = Number.POSITIVE_INFINITY;
    for (const alarm of this.#alarms) next = Math.min(next, alarm.at);
    if (next < (this.#timer?.ringsAt ?? Number.POSITIVE_INFINITY)) this.#startTimer(next);
  }
}
