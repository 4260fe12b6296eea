import { describe, expect, it } from "vitest";
import { SeededRandom } from "./seeded-random.ts";

const draw = (seed: number) => {
  const random = new SeededRandom(seed);
  return [...random.bytes(4), ...Array.from({ length: 4 }, () => random.below(1_000))];
};

describe("SeededRandom", () => {
  it("draws the same for the same seed, on every machine", () => {
    expect(draw(42)).toEqual(draw(42));
    expect(draw(42)).toMatchInlineSnapshot(`
      [
        170,
        69,
        131,
        1,
        970,
        558,
        574,
        861,
      ]
    `);
  });

  it("draws something else for a neighbouring seed", () => {
    expect(draw(43)).not.toEqual(draw(42));
    expect(draw(42 + 2 ** 32)).not.toEqual(draw(42));
  });

  it("draws every number below the bound and none beyond", () => {
    const random = new SeededRandom(1);
    const drawn = new Set(Array.from({ length: 500 }, () => random.below(5)));
    expect([...drawn].sort()).toEqual([0, 1, 2, 3, 4]);
    expect(random.below(2 ** 48)).toBeLessThan(2 ** 48);
    expect(() => random.below(0)).toThrow(RangeError);
  });
});
