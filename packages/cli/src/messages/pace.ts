import { setTimeout as sleep } from "node:timers/promises";

/** The world that a pace is kept in. Tests bring their own. */
export interface PaceWorld {
  now(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

const SYSTEM: PaceWorld = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }),
};

/** Lets through so many a second, evenly. What came late is not made up for in a burst. */
export class Pace {
  readonly #gapMs: number;
  readonly #world: PaceWorld;
  #nextAt = Number.NEGATIVE_INFINITY;

  constructor(perSecond: number, world: PaceWorld = SYSTEM) {
    this.#gapMs = 1_000 / perSecond;
    this.#world = world;
  }

  /** Resolves when it is time for the next one; rejects when the signal is aborted first. */
  async turn(signal: AbortSignal): Promise<void> {
    const now = this.#world.now();
    const at = Math.max(this.#nextAt, now);
    this.#nextAt = at + this.#gapMs;
    if (at > now) await this.#world.sleep(at - now, signal);
  }
}
