import type { World } from "../src/world.ts";

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** Time that moves when a test says so, and chance that is always the same. */
export class ManualWorld implements World {
  /** How long each timer was set for, in the order in which they were set. */
  readonly set: number[] = [];
  chance = 0;
  readonly #startedAt = Date.now();
  readonly #timers = new Set<Timer>();
  #now = 0;

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#startedAt + this.#now;
  }

  random(): number {
    return this.chance;
  }

  schedule(run: () => void, afterMs: number): () => void {
    const timer = { at: this.#now + afterMs, run };
    this.set.push(afterMs);
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  get timerCount(): number {
    return this.#timers.size;
  }

  /** Runs what is due by then, in order. */
  advance(byMs: number): void {
    const until = this.#now + byMs;
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = until;
  }

  /** Resolves once a timer of this length is running. */
  async timer(lengthMs: number): Promise<void> {
    await eventually(() => [...this.#timers].some(({ at }) => at === this.#now + lengthMs));
  }
}

const PATIENCE_MS = 10_000;

/** Resolves once it is so, whatever the event loop has to do before. */
export async function eventually(isSo: () => boolean): Promise<void> {
  const startedAt = performance.now();
  while (!isSo()) {
    if (performance.now() - startedAt > PATIENCE_MS) throw new Error(`never: ${isSo}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Lets happen what is about to happen by itself. */
export async function manyTurns(): Promise<void> {
  for (let count = 0; count < 50; count += 1) await new Promise((resolve) => setImmediate(resolve));
}
