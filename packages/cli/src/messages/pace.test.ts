import { expect, it } from "vitest";
import { Pace } from "./pace.ts";

/** A clock that sleeping moves. */
function aWorld() {
  let now = 1_000;
  return {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
    pass: (ms: number) => {
      now += ms;
    },
  };
}

it("lets through so many a second, evenly, the first at once", async () => {
  const world = aWorld();
  const pace = new Pace(4, world);
  const times: number[] = [];
  for (let turn = 0; turn < 5; turn++) {
    await pace.turn(AbortSignal.abort());
    times.push(world.now());
  }
  expect(times).toEqual([1_000, 1_250, 1_500, 1_750, 2_000]);
});

it("makes no burst of what came late", async () => {
  const world = aWorld();
  const pace = new Pace(4, world);
  await pace.turn(AbortSignal.abort());
  world.pass(10_000);
  const times: number[] = [];
  for (let turn = 0; turn < 3; turn++) {
    await pace.turn(AbortSignal.abort());
    times.push(world.now());
  }
  expect(times).toEqual([11_000, 11_250, 11_500]);
});
