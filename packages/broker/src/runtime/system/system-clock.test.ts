import { beforeEach, describe, expect, it } from "vitest";
import { type EpochMs, HOUR, MINUTE, SECOND } from "../../domain/time.ts";
import { SystemClock } from "./system-clock.ts";
import type { TimeSources } from "./time-sources.ts";

const START: EpochMs = Date.UTC(2026, 10, 21, 3, 41);

/** A machine whose clocks and timers do as they are told. */
class Machine implements TimeSources {
  #wall = START;
  #steady = 5_000;
  #slept = 0;
  #pause = 0;
  readonly delays: number[] = [];
  readonly #timers = new Set<{ at: number; ring: () => void }>();

  wall = () => this.#read(this.#wall);
  steady = () => this.#read(this.#steady);
  /** In steps of 10 ms, as Linux has it. */
  sinceBoot = () => Math.floor((this.#steady + this.#slept + 77_777) / 10) * 10;

  startTimer(delay: number, ring: () => void) {
    this.delays.push(delay);
    const timer = { at: this.#steady + delay, ring };
    this.#timers.add(timer);
    return { stop: () => this.#timers.delete(timer) };
  }

  /** Both clocks go on, and timers ring as they come due. */
  run(duration: number): void {
    const end = this.#steady + duration;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      this.#pass((due?.at ?? end) - this.#steady);
      if (due === undefined) return;
      this.#timers.delete(due);
      due.ring();
    }
  }

  /** Nobody runs; the wall clock is right afterwards unless told otherwise. */
  sleep(duration: number, wallToo = true): void {
    this.#slept += duration;
    if (wallToo) this.#wall += duration;
  }

  /** After the next reading of a clock, which is on its way already. */
  pauseAtNextReading(duration: number): void {
    this.#pause = duration;
  }

  #read(instant: number): number {
    this.#pass(this.#pause);
    this.#pause = 0;
    return instant;
  }

  stepWall(by: number): void {
    this.#wall += by;
  }

  get timers(): number {
    return this.#timers.size;
  }

  #pass(duration: number): void {
    this.#steady += Math.max(duration, 0);
    this.#wall += Math.max(duration, 0);
  }
}

let machine: Machine;
let clock: SystemClock;

beforeEach(() => {
  machine = new Machine();
  clock = new SystemClock(machine);
});

describe("a step of the wall clock", () => {
  const steps = () => {
    clock.now();
    const step = clock.wallStep();
    return step && { from: step.from - START, to: step.to - START };
  };

  it("TIM-2.1: is told when it is larger than 10 min, forward and back", () => {
    expect(steps()).toBeUndefined();
    machine.stepWall(10 * MINUTE);
    expect(steps()).toBeUndefined();
    machine.stepWall(10 * MINUTE + 1);
    expect(steps()).toEqual({ from: 10 * MINUTE, to: 20 * MINUTE + 1 });
    machine.run(MINUTE);
    machine.stepWall(-HOUR);
    expect(steps()).toEqual({ from: 21 * MINUTE + 1, to: 21 * MINUTE + 1 - HOUR });
    machine.run(HOUR);
    expect(steps()).toEqual({ from: 21 * MINUTE + 1, to: 21 * MINUTE + 1 - HOUR });
  });

  it("TIM-2.1: is one as large as it was told", () => {
    clock = new SystemClock(machine, { tellStepsOver: SECOND });
    machine.stepWall(SECOND + 1);
    expect(steps()).toBeDefined();
  });

  it("TIM-2.1: is not a sleep, however long, seen at once or later, nor slow drift", () => {
    machine.sleep(8 * HOUR);
    expect(steps()).toBeUndefined();
    machine.stepWall(-9 * MINUTE); // behind `now()`, where a sleep is not looked for at every look
    expect(steps()).toBeUndefined();
    machine.sleep(HOUR);
    expect(steps()).toBeUndefined();
    for (let day = 0; day < 30; day++) {
      machine.run(HOUR);
      machine.stepWall(MINUTE);
      expect(steps()).toBeUndefined();
    }
  });
});

describe("now()", () => {
  it("TIM-1.2: starts at the wall clock", () => {
    expect(clock.now()).toBe(START);
  });

  it("TIM-1.2: starts at the newest instant in the journal where that is later", () => {
    clock.startFrom(START + HOUR);
    expect(clock.now()).toBe(START + HOUR);
    machine.run(MINUTE);
    expect(clock.now()).toBe(START + HOUR + MINUTE);
  });

  it("TIM-1.2: an older instant in the journal changes nothing", () => {
    clock.startFrom(START - HOUR);
    expect(clock.now()).toBe(START);
  });

  it("TIM-1.2: goes on when the wall clock is set back, and never goes back", () => {
    machine.stepWall(-HOUR);
    expect(clock.now()).toBe(START);
    machine.run(MINUTE);
    expect(clock.now()).toBe(START + MINUTE);
    expect(clock.wall()).toBe(START + MINUTE - HOUR);
  });

  it("TIM-1.2: jumps forward with the wall clock and stays ahead when that is set right again", () => {
    machine.stepWall(HOUR);
    expect(clock.now()).toBe(START + HOUR);
    machine.stepWall(-HOUR);
    machine.run(MINUTE);
    expect(clock.now()).toBe(START + HOUR + MINUTE);
  });

  it("TIM-1.2: counts a sleep once, however it is noticed", () => {
    clock.now();
    machine.sleep(HOUR);
    expect(clock.now()).toBe(START + HOUR);
    machine.run(10 * SECOND);
    expect(clock.now()).toBe(START + HOUR + 10 * SECOND);
  });

  it("TIM-1.2: counts a sleep although the wall clock was set back meanwhile", () => {
    machine.sleep(HOUR, false);
    machine.run(SECOND);
    expect(clock.now()).toBeGreaterThanOrEqual(START + HOUR + SECOND - 10);
    expect(clock.now()).toBeLessThanOrEqual(START + HOUR + SECOND + 10);
  });

  it("TIM-1.2: does not get ahead when the process is paused between two readings", () => {
    machine.pauseAtNextReading(5 * SECOND);
    clock.now();
    expect(clock.now()).toBe(machine.wall());
    machine.pauseAtNextReading(5 * SECOND);
    const begun = new SystemClock(machine);
    begun.now();
    expect(begun.now()).toBe(machine.wall());
  });

  it("TIM-1.2: does not take the coarseness of the time since boot for sleep", () => {
    machine.stepWall(-HOUR);
    for (let round = 0; round < 1_000; round++) {
      machine.run(1_003);
      clock.now();
    }
    expect(clock.now()).toBe(START + 1_003_000);
  });
});

describe("alarm()", () => {
  const rung: string[] = [];
  beforeEach(() => {
    rung.length = 0;
  });

  it("rings once, not before its hour", () => {
    clock.alarm(START + 90 * SECOND, () => rung.push("a"));
    machine.run(90 * SECOND - 1);
    expect(rung).toEqual([]);
    machine.run(1);
    machine.run(HOUR);
    expect(rung).toEqual(["a"]);
  });

  it("never rings inside the call that sets it", () => {
    clock.alarm(START - HOUR, () => rung.push("a"));
    expect(rung).toEqual([]);
    machine.run(0);
    expect(rung).toEqual(["a"]);
  });

  it("TIM-1.2: starts no timer longer than a second, so that a jump is noticed", () => {
    clock.alarm(START + 40 * 24 * HOUR, () => rung.push("a"));
    machine.run(5 * SECOND);
    expect(machine.delays.length).toBeGreaterThan(4);
    expect(Math.max(...machine.delays)).toBe(SECOND);
    machine.stepWall(40 * 24 * HOUR);
    machine.run(SECOND);
    expect(rung).toEqual(["a"]);
  });

  it("TIM-1.3: is neither hastened nor stalled by a clock that is set back", () => {
    clock.alarm(START + MINUTE, () => rung.push("a"));
    machine.stepWall(-HOUR);
    machine.run(MINUTE - 1);
    expect(rung).toEqual([]);
    machine.run(1);
    expect(rung).toEqual(["a"]);
  });

  it("rings in order of hour, then of setting, whatever was set first", () => {
    clock.alarm(START + 20, () => rung.push("late"));
    clock.alarm(START + 10, () => rung.push("first"));
    clock.alarm(START + 10, () => rung.push("second"));
    machine.stepWall(HOUR);
    machine.run(20);
    expect(rung).toEqual(["first", "second", "late"]);
  });

  it("can be cancelled, by another alarm of the same instant too, and leaves no timer behind", () => {
    const later = clock.alarm(START + 20, () => rung.push("never"));
    clock.alarm(START + 10, () => later.cancel());
    machine.stepWall(HOUR);
    machine.run(MINUTE);
    expect(rung).toEqual([]);
    expect(machine.timers).toBe(0);
  });

  it("can set the next one while it rings", () => {
    clock.alarm(START + 10, () => clock.alarm(START + 30, () => rung.push("next")));
    machine.run(29);
    expect(rung).toEqual([]);
    machine.run(1);
    expect(rung).toEqual(["next"]);
  });
});
