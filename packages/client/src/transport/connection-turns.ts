/** What a connection is wanted for: to wait for messages, or for what is answered at once. */
export type Purpose = "wait" | "call";

interface Waiting {
  readonly purpose: Purpose;
  readonly come: () => void;
}

/**
 * Hands out a fixed number of connections, first come first served. Three quarters are for waiting at most: however many
 * wait for messages, a publish finds one of the others.
 */
export class ConnectionTurns {
  readonly #most: Readonly<Record<Purpose, number>>;
  readonly #taken: Record<Purpose, number> = { wait: 0, call: 0 };
  readonly #line: Waiting[] = [];

  constructor(count: number) {
    this.#most = { wait: Math.floor((count * 3) / 4), call: count };
  }

  /** Resolves when there is a connection; what it resolves to gives it back. Rejects with the signal's reason. */
  take(purpose: Purpose, signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = (): void => {
        this.#line.splice(this.#line.indexOf(waiting), 1);
        reject(signal.reason);
      };
      const come = (): void => {
        signal.removeEventListener("abort", onAbort);
        this.#taken[purpose] += 1;
        resolve(() => this.#giveBack(purpose));
      };
      const waiting: Waiting = { purpose, come };
      if (this.#isFree(purpose)) return come();
      this.#line.push(waiting);
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  #isFree(purpose: Purpose): boolean {
    const { wait, call } = this.#taken;
    return wait + call < this.#most.call && this.#taken[purpose] < this.#most[purpose];
  }

  #giveBack(purpose: Purpose): void {
    this.#taken[purpose] -= 1;
    const next = this.#line.findIndex((waiting) => this.#isFree(waiting.purpose));
    if (next >= 0) this.#line.splice(next, 1)[0]?.come();
  }
}
