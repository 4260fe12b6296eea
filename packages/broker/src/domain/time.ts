/** An instant: milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number & { readonly __unit?: "epoch-ms" };

/** A length of time in milliseconds. */
export type DurationMs = number & { readonly __unit?: "duration-ms" };

export const SECOND: DurationMs = 1_000;
export const MINUTE: DurationMs = 60_000;
export const HOUR: DurationMs = 3_600_000;
export const DAY: DurationMs = 86_400_000;

const UNITS: Readonly<Record<string, DurationMs>> = { ms: 1, s: SECOND, m: MINUTE, h: HOUR, d: DAY };

/** Reads `250ms`, `10s`, `5m`, `24h`, `40d`; anything else is undefined. */
export function parseDuration(text: string): DurationMs | undefined {
  const match = /^(\d{1,12})(ms|s|m|h|d)$/.exec(text.trim());
  if (!match) return undefined;
  const duration = Number(match[1]) * (UNITS[match[2] ?? ""] ?? Number.NaN);
  return Number.isSafeInteger(duration) ? duration : undefined;
}

/** Says a duration in the largest unit that divides it: `5 min`, `90 s`, `250 ms`. */
export function describeDuration(duration: DurationMs): string {
  if (duration % DAY === 0 && duration > 0) return `${duration / DAY} d`;
  if (duration % HOUR === 0 && duration > 0) return `${duration / HOUR} h`;
  if (duration % MINUTE === 0 && duration > 0) return `${duration / MINUTE} min`;
  if (duration >= SECOND) return `${Math.round(duration / SECOND)} s`;
  return `${duration} ms`;
}

/** TIM-3: what `--fast` makes of a long time. */
export function hasten(duration: DurationMs): DurationMs {
  return Math.max(Math.round(duration / 100), SECOND);
}
