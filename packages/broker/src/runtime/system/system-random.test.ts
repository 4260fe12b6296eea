import { describe, expect, it } from "vitest";
import { SystemRandom } from "./system-random.ts";

describe("SystemRandom", () => {
  const random = new SystemRandom();

  it("gives bytes of its own to each caller, beyond the pool too", () => {
    const drawn = Array.from({ length: 2_000 }, () => Buffer.from(random.bytes(8)).toString("hex"));
    expect(new Set(drawn).size).toBe(2_000);
    const first = random.bytes(16);
    const kept = Buffer.from(first).toString("hex");
    random.bytes(4_090);
    expect(Buffer.from(first).toString("hex")).toBe(kept);
    expect(random.bytes(10_000)).toHaveLength(10_000);
  });

  it("draws every number below the bound and none beyond", () => {
    const drawn = new Set(Array.from({ length: 500 }, () => random.below(5)));
    expect([...drawn].sort()).toEqual([0, 1, 2, 3, 4]);
    expect(random.below(1)).toBe(0);
    expect(random.below(2 ** 48)).toBeLessThan(2 ** 48);
  });

  it.each([0, -1, 1.5, 2 ** 48 + 1, Number.NaN])("refuses the bound %s", (bound) => {
    expect(() => random.below(bound)).toThrow(RangeError);
  });
});
