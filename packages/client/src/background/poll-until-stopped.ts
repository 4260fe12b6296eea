import type { Core } from "../calls/core.ts";
import { pauseBeforeTry } from "../calls/retry.ts";
import { ClosedError } from "../errors/closed-error.ts";
import { ConnectionError } from "../errors/connection-error.ts";
import { StagemqError } from "../errors/stagemq-error.ts";
import { sleep } from "../world.ts";

/** While the broker cannot be reached. Each pause comes after the tries of one call. */
const BACK_OFF = { baseDelayMs: 500, maxDelayMs: 30_000 };

/**
 * Polls again and again, and ends quietly when it is stopped or the client is closed. Waits longer and longer over what
 * waiting may cure, and throws the rest.
 */
export async function* pollUntilStopped<T>(
  { settings: { world, logger } }: Core,
  what: string,
  stopping: AbortSignal | undefined,
  poll: () => Promise<T>,
): AsyncGenerator<T, void> {
  let failures = 0;
  while (!stopping?.aborted) {
    let polled: T;
    try {
      polled = await poll();
    } catch (error) {
      if (stopping?.aborted || error instanceof ClosedError) return;
      // What is none of ours is of the credentials function, which may find them next time.
      if (error instanceof StagemqError && !error.retryable) throw error;
      failures += 1;
      const reason = error instanceof Error ? error.message : String(error);
      // Of a connection the sentence says all; a stack would hide it.
      const details = error instanceof ConnectionError ? [] : [{ error }];
      if (failures === 1) logger.warn(`${what} failed, and is tried until it succeeds: ${reason}`, ...details);
      await sleep(world, pauseBeforeTry(failures, BACK_OFF, world.random()), stopping).catch(() => undefined);
      continue;
    }
    if (failures > 0) logger.warn(`${what} succeeds again.`);
    failures = 0;
    yield polled;
  }
}
