import { setMaxListeners } from "node:events";

/** Calls once the signal is aborted, at once if it is, unless what is returned was called before. */
export function whenAborted(signal: AbortSignal | undefined, call: () => void): () => void {
  if (signal === undefined) return () => undefined;
  if (signal.aborted) {
    call();
    return () => undefined;
  }
  // One signal may end a thousand calls. They are no leak, and Node.js shall not warn of one.
  if (signal instanceof EventTarget) setMaxListeners(0, signal);
  signal.addEventListener("abort", call, { once: true });
  return () => signal.removeEventListener("abort", call);
}
