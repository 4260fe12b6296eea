import type { StagemqError } from "../errors/stagemq-error.ts";
import type { RetryPolicy } from "./settings.ts";

export type Pauses = Omit<RetryPolicy, "attempts">;

/** Whether to ask again by itself: never where that could do twice what should be done once. */
export function isWorthAnotherTry(failure: StagemqError, isRepeatable: boolean): boolean {
  return failure.retryable && (isRepeatable || !failure.outcomeUnknown);
}

/** Milliseconds before the next try: doubled each time, and up to half of it by chance, so that clients part. */
export function pauseBeforeTry(triesMade: number, { baseDelayMs, maxDelayMs }: Pauses, chance: number): number {
  const pause = Math.min(maxDelayMs, baseDelayMs * 2 ** (triesMade - 1));
  return pause * (0.5 + chance / 2);
}
