import type { Host } from "../host.ts";

/** Aborted at the first Ctrl-C or TERM. */
export function stopSignal({ stopRequested }: Pick<Host, "stopRequested">): AbortSignal {
  const stop = new AbortController();
  stopRequested().then(
    () => stop.abort(),
    (reason) => stop.abort(reason),
  );
  return stop.signal;
}
