import { InvalidArgumentError } from "./errors/invalid-argument-error.ts";

/** A length of time: milliseconds as a number, or a whole number with a unit, `"250ms"`, `"10s"`, `"5m"`, `"2h"`, `"1d"`. */
export type Duration = number | string;

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** In milliseconds; refuses what is no length of time. `what` names it in the refusal. */
export function toMilliseconds(duration: Duration, what: string): number {
  const milliseconds = typeof duration === "string" ? parse(duration) : duration;
  if (Number.isFinite(milliseconds) && milliseconds >= 0) return milliseconds;
  throw new InvalidArgumentError(
    `${what} is ${JSON.stringify(duration)}; it should be milliseconds, or a text such as "250ms", "10s", "5m", "2h", "1d".`,
  );
}

/** Like `toMilliseconds`, and refuses what is out of range; the bounds are given as people write them. */
export function toMillisecondsWithin(duration: Duration, what: string, least: string, most: string): number {
  const milliseconds = toMilliseconds(duration, what);
  if (milliseconds >= parse(least) && milliseconds <= parse(most)) return milliseconds;
  throw new InvalidArgumentError(`${what} is ${JSON.stringify(duration)}; it may be ${least} to ${most}.`);
}

function parse(text: string): number {
  const [, count, unit = ""] = /^(\d{1,12})(ms|s|m|h|d)$/.exec(text.trim()) ?? [];
  return Number(count) * (UNITS[unit] ?? Number.NaN);
}
