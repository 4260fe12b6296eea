import type { Core } from "../calls/core.ts";
import { whenAborted } from "../when-aborted.ts";

/** Something that works in the background until it is stopped. */
export interface Service {
  stop(): Promise<void>;
  /** Resolves when it has stopped; rejects when it failed. */
  readonly stopped: Promise<void>;
}

/** Starts work that ends soon after `stopping` is aborted: by stop(), by the outer signal, by the client's close(). */
export function startService(
  { services }: Core,
  outer: AbortSignal | undefined,
  work: (stopping: AbortSignal) => Promise<void>,
): Service {
  const stopping = new AbortController();
  const abort = (): void => stopping.abort();
  const run = async (): Promise<void> => {
    const forget = whenAborted(outer, abort);
    try {
      await work(stopping.signal);
    } finally {
      forget();
      services.delete(service);
    }
  };
  const stopped = run();
  const stop = (): Promise<void> => {
    abort();
    return stopped;
  };
  const service = { stop, stopped };
  services.add(service);
  return service;
}
