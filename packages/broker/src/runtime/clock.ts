import type { EpochMs } from "../domain/time.ts";

/** The only source of time (TIM-1). Nothing outside runtime/system reads a clock or sets a timer. */
export interface Clock {
  /** For waits: invisible times, immunity, checks. Never goes back. */
  now(): EpochMs;
  /** The wall clock as it stands: due times, retention, the Date header. */
  wall(): EpochMs;
  /** Calls `ring` once, when `now()` is at or after `at`; never before the current turn of the loop has ended. */
  alarm(at: EpochMs, ring: () => void): Alarm;
  /** Lets `now()` never be before `at`: the newest instant that the journal knows (TIM-1). */
  startFrom(at: EpochMs): void;
  /** The newest step of the wall clock that is large enough to tell (TIM-2), seen at the latest look at `now()`. */
  wallStep(): WallStep | undefined;
}

/** The wall clock was set: it would have shown `from`, and showed `to`. */
export interface WallStep {
  readonly from: EpochMs;
  readonly to: EpochMs;
}

export interface Alarm {
  cancel(): void;
}
