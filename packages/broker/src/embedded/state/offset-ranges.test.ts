import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OffsetRanges } from "./offset-ranges.ts";

const LIMIT = 40;
const offset = fc.integer({ min: 0, max: LIMIT - 1 });
const step = fc.oneof(
  fc.record({ verb: fc.constant("add" as const), from: offset, to: offset }),
  fc.record({ verb: fc.constant("remove" as const), from: offset, to: fc.integer({ min: 0, max: LIMIT }) }),
);

describe("OffsetRanges", () => {
  it("is the set that a naive one would be", () => {
    fc.assert(
      fc.property(offset, fc.array(step, { maxLength: 60 }), (start, steps) => {
        const ranges = new OffsetRanges(start);
        const naive = new Set(Array.from({ length: LIMIT }, (_, index) => index).filter((index) => index >= start));
        for (const { verb, from, to } of steps) {
          if (verb === "add") {
            ranges.add(from);
            naive.add(from);
          } else {
            ranges.remove(from, to);
            for (let gone = from; gone < to; gone++) naive.delete(gone);
          }
          const sorted = [...naive].sort((one, other) => one - other);
          expect([...ranges.between(0, LIMIT)]).toEqual(sorted);
          expect([...ranges.between(from, to)]).toEqual(sorted.filter((each) => each >= from && each < to));
          expect(ranges.countBelow(to)).toBe(sorted.filter((each) => each < to).length);
          expect(ranges.has(from)).toBe(naive.has(from));
          expect(ranges.has(LIMIT)).toBe(true);
          expect(ranges.first).toBe(sorted[0] ?? LIMIT);
        }
      }),
    );
  });

  it("is open to the future, whatever was taken out", () => {
    const ranges = new OffsetRanges(3);
    ranges.remove(0, 1_000_000);
    expect([ranges.first, ranges.has(1e12)]).toEqual([1_000_000, true]);
  });

  it("is one range again when the last gap is filled", () => {
    const ranges = new OffsetRanges(0);
    for (let taken = 0; taken < 100; taken++) ranges.remove(taken, taken + 1);
    expect(ranges.rangeCount).toBe(1);
    for (let back = 0; back < 100; back += 2) ranges.add(back);
    expect(ranges.rangeCount).toBe(51);
    for (let back = 1; back < 100; back += 2) ranges.add(back);
    expect(ranges.rangeCount).toBe(1);
    expect(ranges.first).toBe(0);
  });
});
