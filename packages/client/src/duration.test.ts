import { describe, expect, it } from "vitest";
import { type Duration, toMilliseconds, toMillisecondsWithin } from "./duration.ts";

describe("a duration", () => {
  const lengths: [Duration, number][] = [
    [0, 0],
    [1.5, 1.5],
    ["250ms", 250],
    ["10s", 10_000],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["1d", 86_400_000],
    [" 1s ", 1_000],
  ];
  it.each(lengths)("%j is %d ms", (duration, milliseconds) => {
    expect(toMilliseconds(duration, "it")).toBe(milliseconds);
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, "", "10", "1 s", "1w", "-1s", "1.5s"])("%j is none", (text) => {
    expect(() => toMilliseconds(text, "timeout")).toThrow(`timeout is ${JSON.stringify(text)}; it should be`);
  });

  it("is held within bounds, which belong to it", () => {
    expect(toMillisecondsWithin("10s", "checkAfter", "10s", "300s")).toBe(10_000);
    expect(toMillisecondsWithin("5m", "checkAfter", "10s", "300s")).toBe(300_000);
    const tooLong = (): number => toMillisecondsWithin(300_001, "checkAfter", "10s", "300s");
    expect(tooLong).toThrow("checkAfter is 300001; it may be 10s to 300s.");
    expect(() => toMillisecondsWithin("9s", "checkAfter", "10s", "300s")).toThrow('checkAfter is "9s"');
  });
});
