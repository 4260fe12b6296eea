import type { EpochMs } from "./time.ts";

/** The time as one verb sees it, read once: `now` for waits, `wall` for dates. */
export interface Moment {
  readonly now: EpochMs;
  readonly wall: EpochMs;
}
