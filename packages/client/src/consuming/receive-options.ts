import type { Duration } from "../duration.ts";

export interface ReceiveOptions {
  /** 1 to 16, the default. */
  readonly maxMessages?: number | undefined;
  /** How long to wait for a message: up to `"30s"`, rounded up to whole seconds. Default: not at all. */
  readonly wait?: Duration | undefined;
}

export interface BatchesOptions {
  /** 1 to 16, the default. */
  readonly maxMessages?: number | undefined;
  /** How long one request waits for a message: up to `"30s"`, the default, rounded up to whole seconds. */
  readonly wait?: Duration | undefined;
  /** Ends the loop. What was handed out is not touched by it. */
  readonly signal?: AbortSignal | undefined;
}
