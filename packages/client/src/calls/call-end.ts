import { TimeoutError } from "../errors/timeout-error.ts";
import { whenAborted } from "../when-aborted.ts";
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
  /** Whether the broker may have a request of this call. */
  mayHaveArrived = false;
  /** What the last try failed with. */
  lastFailure: unknown;
  /** Ends the call with this reason. */
  readonly end: (reason: unknown) => void;
  /** The call is over; nothing rings any more. */
  readonly release: () => void;
  readonly signal: AbortSignal;

  constructor(world: World, { what, timeoutMs, signal }: CallTerms) {
    const controller = new AbortController();
    this.signal = controller.signal;
    this.end = (reason) => controller.abort(reason);
    const cancel = world.schedule(() => {
      const sentence = `${what} took longer than ${timeoutMs / 1_000} s; it was ${this.phase}.`;
      this.end(new TimeoutError(sentence, { outcomeUnknown: this.mayHaveArrived, cause: this.lastFailure }));
    }, timeoutMs);
    this.release = () => {
      cancel();
      forget();
    };
    const forget = whenAborted(signal, () => this.end(signal?.reason));
  }
}
