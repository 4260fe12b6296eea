import { type DurationMs, parseDuration } from "../domain/time.ts";

/** Milliseconds, or `"250ms"`, `"10s"`, `"5m"`, `"24h"`, `"40d"`. */
export type Duration = number | string;

const MAX: DurationMs = 400 * 86_400_000;

/** Throws a TypeError that says what was given. */
export function toDuration(given: unknown, what: string): DurationMs {
  const duration = typeof given === "string" ? parseDuration(given) : given;
  if (typeof duration === "number" && Number.isSafeInteger(duration) && duration >= 0 && duration <= MAX) {
    return duration;
  }
  const is = JSON.stringify(given) ?? String(given);
  throw new TypeError(
    `${what} is ${is}; it must be milliseconds, or like "5m": a whole number and ms, s, m, h or d, at most 400d.`,
  );
}
