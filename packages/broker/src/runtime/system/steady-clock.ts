import type { Clock } from "../clock.ts";
import { SystemClock } from "./system-clock.ts";
import { systemTimeSources } from "./time-sources.ts";

/** Elapsed time and nothing else: no step of the wall clock touches it (TIM-1: `waitseconds` is elapsed time). */
export function openSteadyClock(): Clock {
  return new SystemClock({ ...systemTimeSources, wall: () => 0 });
}
