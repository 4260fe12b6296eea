import { whenAborted } from "./when-aborted.ts";

/** What the client asks of the world. Tests put another in its place, and hold time and chance still. */
export interface World {
  /** Milliseconds that only grow. */
  now(): number;
  /** Epoch milliseconds. */
  wall(): number;
  /** Runs it once, this many milliseconds from now, unless what is returned was called before. */
  schedule(run: () => void, afterMs: number): () => void;
  /** From 0 to below 1. */
  random(): number;
}

/** Node.js takes a longer time for none. */
const LONGEST_MS = 2 ** 31 - 1;

export const systemWorld: World = {
  now: () => performance.now(),
  wall: () => Date.now(),
  schedule: (run, afterMs) => {
    const timer = setTimeout(run, Math.min(afterMs, LONGEST_MS));
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

/** Resolves after this many milliseconds; rejects with the signal's reason if that comes first. */
export function sleep(world: World, afterMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const cancel = world.schedule(() => {
      forget();
      resolve();
    }, afterMs);
    const forget = whenAborted(signal, () => {
      cancel();
      reject(signal?.reason);
    });
  });
}
