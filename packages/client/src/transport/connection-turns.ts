import { Line } from "./line.ts";

/** What a connection is wanted for: to wait for messages, or for what is answered at once. */
export type Purpose = "wait" | "call";

interface Waiting {
  /** Of all who wait. */
  readonly place: number;
  /** It has come, or gave up. */
  isGone: boolean;
  readonly come: () => void;
}

/**
 * Hands out a fixed number of connections, first come first served. Three quarters are for waiting at most: however many
 * wait for messages, a publish finds one of the others.
 */
export class ConnectionTurns {
  readonly #most: Readonly<Record<Purpose, number>>;
  readonly #taken: Record<Purpose, number> = { wait: 0, call: 0 };
  readonly #lines: Readonly<Record<Purpose, Line<Waiting>>> = { wait: new Line(), call: new Line() };
  #places = 0;

  constructor(count: number) {
    this.#most = { wait: Math.floor((count * 3) / 4), call: count };
  }

  /** Resolves when there is a connection; what it resolves to gives it back. Rejects with the signal's reason. */
  take(purpose: Purpose, signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = (): void => {
        waiting.isGone = true;
        reject(signal.reason);
      };
      const come = (): void => {
        waiting.isGone = true;
        signal.removeEventListener("abort", onAbort);
        this.#taken[purpose] += 1;
        resolve(() => this.#giveBack(purpose));
      };
      const waiting: Waiting = { place: this.#places++, isGone: false, come };
      if (this.#isFree(purpose)) return come();
      this.#lines[purpose].push(waiting);
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  #isFree(purpose: Purpose): boolean {
    const { wait, call } = this.#taken;
    return wait + call < this.#most.call && this.#taken[purpose] < this.#most[purpose];
  }

  #giveBack(purpose: Purpose): void {
    this.#taken[purpose] -= 1;
    const [wait, call] = [this.#first("wait"), this.#first("call")];
    const isWaitFirst = wait !== undefined && (call === undefined || wait.place < call.place);
    (isWaitFirst ? wait : call)?.come();
  }

  /** Who is first in this line, if a connection may go to it. */
  #first(purpose: Purpose): Waiting | undefined {
    const line = this.#lines[purpose];
    while (line.first?.isGone) line.dropFirst();
    return this.#isFree(purpose) ? line.first : undefined;
  }
}
