import { TimeoutError } from "../errors/timeout-error.ts";
import type { World } from "../world.ts";

/** What one call is about, and how long it may take. */
export interface CallTerms {
  /** For sentences: `publish to orders`. */
  readonly what: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** What it waits for before it begins. */
  readonly turn?: Promise<void> | undefined;
}

/** When a call ends before its reply: its time is up, or its caller gave up. Whoever works on it watches `signal`. */
export class CallEnd {
  /** What is done just now, for the sentence of a time-out. */
  phase = "waiting for its turn";
  /** Whether the broker may have the request. */
  mayHaveArrived = false;
  /** What the last attempt failed with. */
  lastFailure: unknown;
  readonly #controller = new AbortController();
  readonly #release: () => void;

  constructor(world: World, { what, timeoutMs, signal }: CallTerms) {
    const onAbort = (): void => this.#controller.abort(signal?.reason);
    const cancel = world.schedule(() => {
      const sentence = `${what} took longer than ${timeoutMs / 1_000} s, the last of it ${this.phase}.`;
      const details = { outcomeUnknown: this.mayHaveArrived, cause: this.lastFailure };
      this.#controller.abort(new TimeoutError(sentence, details));
    }, timeoutMs);
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#release = () => {
      cancel();
      signal?.removeEventListener("abort", onAbort);
    };
    if (signal?.aborted) onAbort();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The call is over; nothing rings any more. */
  release(): void {
    this.#release();
  }
}
