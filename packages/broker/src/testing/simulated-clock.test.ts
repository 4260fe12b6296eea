import { beforeEach, describe, expect, it } from "vitest";
import { HOUR, MINUTE, SECOND } from "../domain/time.ts";
import { SimulatedClock } from "./simulated-clock.ts";

const START = Date.UTC(2026, 10, 21);

let clock: SimulatedClock;
let told: string[];

beforeEach(() => {
  clock = new SimulatedClock(START);
  told = [];
});

const tell = (word: string) => () => {
  told.push(word);
};

describe("SimulatedClock", () => {
  it("TIM-4.1: stands still until it is advanced", async () => {
    await clock.settle();
    expect([clock.now(), clock.wall()]).toEqual([START, START]);
    await clock.advance(5 * MINUTE);
    expect([clock.now(), clock.wall()]).toEqual([START + 5 * MINUTE, START + 5 * MINUTE]);
  });

  it("TIM-2.1: tells the newest step of more than 10 min; to align the wall clock is none", async () => {
    await clock.step(10 * MINUTE);
    expect(clock.wallStep()).toBeUndefined();
    await clock.step(-HOUR);
    const step = { from: START + 10 * MINUTE, to: START + 10 * MINUTE - HOUR };
    expect(clock.wallStep()).toEqual(step);
    await clock.alignWall();
    expect(clock.wall()).toBe(clock.now());
    expect(clock.wallStep()).toEqual(step);
  });

  it("rings in order of hour, then of setting, each at its own hour", async () => {
    const at = (word: string) => () => told.push(`${word} ${clock.now() - START}`);
    clock.alarm(START + 20, at("c"));
    clock.alarm(START + 10, at("a"));
    clock.alarm(START + 10, at("b"));
    clock.alarm(START + 31, at("not yet"));
    await clock.advanceTo(START + 30);
    expect(told).toEqual(["a 10", "b 10", "c 20"]);
    expect(clock.now()).toBe(START + 30);
  });

  it.each(["loop", "memory"] as const)(
    "lets every promise settle between two alarms, beside a %s",
    async (surroundings) => {
      clock = new SimulatedClock(START, surroundings);
      const work = async () => {
        for (let step = 0; step < 50; step++) await Promise.resolve();
        told.push("first work done");
      };
      let working: Promise<void> | undefined;
      clock.alarm(START + 10, () => {
        working = work();
      });
      clock.alarm(START + 10, tell("second"));
      await clock.advance(10);
      await working;
      expect(told).toEqual(["first work done", "second"]);
    },
  );

  it("waits between two for work that leaves the loop, where it is told of it", async () => {
    let finish = () => {};
    clock.alarm(START + 10, tell("first"));
    clock.alarm(START + 10, tell("second"));
    let busy = Promise.resolve();
    clock.alsoSettle(() => busy);
    clock.alarm(START + 5, () => {
      busy = new Promise((resolve) => {
        finish = resolve;
      });
    });
    const advanced = clock.advance(10);
    for (let turn = 0; turn < 50; turn++) await new SimulatedClock().settle();
    expect(told).toEqual([]);
    finish();
    await advanced;
    expect(told).toEqual(["first", "second"]);
  });

  it("rings what was set while ringing, when that is due too", async () => {
    clock.alarm(START + 10, () => clock.alarm(START + 20, () => clock.alarm(START, tell("overdue"))));
    await clock.advance(20);
    expect(told).toEqual(["overdue"]);
  });

  it("rings by itself what is due when it is set, but not within that turn", async () => {
    clock.alarm(START, tell("due"));
    await Promise.resolve();
    expect(told).toEqual([]);
    await clock.settle();
    expect(told).toEqual(["due"]);
  });

  it("does not ring what was cancelled", async () => {
    const second = clock.alarm(START + 10, tell("second"));
    clock.alarm(START + 5, () => second.cancel());
    await clock.advance(HOUR);
    expect(told).toEqual([]);
  });

  it("does not go back", async () => {
    await clock.advanceTo(START - HOUR);
    expect(clock.now()).toBe(START);
  });

  it("carries out moves that are asked for at once one after the other", async () => {
    clock.alarm(START + 10, tell("ten"));
    await Promise.all([clock.advance(6), clock.advance(6)]);
    expect(clock.now()).toBe(START + 12);
    expect(told).toEqual(["ten"]);
  });

  it("TIM-1.2: a wall clock set back leaves now() alone, and both go on", async () => {
    await clock.step(-HOUR);
    expect([clock.now(), clock.wall()]).toEqual([START, START - HOUR]);
    await clock.advance(SECOND);
    expect([clock.now(), clock.wall()]).toEqual([START + SECOND, START - HOUR + SECOND]);
  });

  it("TIM-1.2: a wall clock set forward takes now() along, and rings what is due by that", async () => {
    clock.alarm(START + MINUTE, tell("rung"));
    await clock.step(HOUR);
    expect([clock.now(), clock.wall()]).toEqual([START + HOUR, START + HOUR]);
    expect(told).toEqual(["rung"]);
  });

  it("TIM-1.2: starts from the newest instant of the journal where that is later", async () => {
    clock.startFrom(START - HOUR);
    expect(clock.now()).toBe(START);
    clock.startFrom(START + HOUR);
    expect([clock.now(), clock.wall()]).toEqual([START + HOUR, START]);
  });
});
