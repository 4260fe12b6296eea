import { UsageMistake } from "../usage-mistake.ts";

/** Readers of what flags say. Each refuses what cannot be meant with a sentence that names the flag. */

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const MAX_WAIT_MS = 30_000;

/** One of a few words. */
export function readChoice<T extends string>(flag: string, text: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found !== undefined) return found;
  throw new UsageMistake(`${flag} is "${text}"; it must be one of ${choices.join(", ")}.`);
}

/** A whole number of messages, from 1 on. */
export function readCount(flag: string, text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count > 0) return count;
  throw new UsageMistake(`${flag} is "${text}"; it must be a whole number from 1 on, for example 100.`);
}

/** Messages per second. */
export function readRate(flag: string, text: string): number {
  const rate = /^\d{1,6}(\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (rate > 0) return rate;
  throw new UsageMistake(`${flag} is "${text}"; it must be messages per second, for example 500 or 0.5.`);
}

/** How long to wait for messages, in milliseconds. */
export function readWait(flag: string, text: string): number {
  const wait = text === "0" ? 0 : readSpan(text);
  if (wait !== undefined && wait <= MAX_WAIT_MS) return wait;
  throw new UsageMistake(`${flag} is "${text}"; it must be 0s to 30s, for example 10s.`);
}

/** `NAME=VALUE`, each name once. */
export function readProperties(flag: string, texts: readonly string[]): Readonly<Record<string, string>> {
  const properties = new Map<string, string>();
  for (const text of texts) {
    const [, name = "", value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    if (value === undefined) throw new UsageMistake(`${flag} is "${text}"; it must be NAME=VALUE.`);
    if (properties.has(name)) throw new UsageMistake(`${flag} names ${name} twice.`);
    properties.set(name, value);
  }
  return Object.fromEntries(properties);
}

/** `+30s` from now on, or an instant such as `2026-11-21T12:00:00Z`; without a zone it is local time. */
export function readInstant(what: string, text: string, now: number): Date {
  const span = text.startsWith("+") ? readSpan(text.slice(1)) : undefined;
  if (span !== undefined) return new Date(now + span);
  const instant = new Date(/^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text) ? text : Number.NaN);
  if (!Number.isNaN(instant.getTime())) return instant;
  throw new UsageMistake(`${what} is "${text}"; it must be like +30s, +5m, +2h, +1d or 2026-11-21T12:00:00Z.`);
}

function readSpan(text: string): number | undefined {
  const [, count, unit = ""] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  const factor = UNITS[unit];
  return factor === undefined ? undefined : Number(count) * factor;
}
