import { uptime } from "node:os";
import { performance } from "node:perf_hooks";
import { clearTimeout, setTimeout } from "node:timers";
import type { DurationMs, EpochMs } from "../../domain/time.ts";

/** What the operating system knows of time, in whole milliseconds. The system clock makes one `now()` of it. */
export interface TimeSources {
  wall(): EpochMs;
  /** Steady and fine, but may stand still while the machine sleeps. */
  steady(): DurationMs;
  /** Since boot, sleep included, but coarse. */
  sinceBoot(): DurationMs;
  startTimer(delay: DurationMs, ring: () => void): { stop(): void };
}

export const systemTimeSources: TimeSources = {
  wall: () => Date.now(),
  steady: () => Math.floor(performance.now()),
  sinceBoot: () => Math.floor(uptime() * 1_000),
  startTimer: (delay, ring) => {
    const timer = setTimeout(ring, delay);
    return { stop: () => clearTimeout(timer) };
  },
};
