import { nextTick } from "node:process";
import { setImmediate } from "node:timers";

/** Ticks run when no promise is left to go on. */
export function promisesSettled(): Promise<void> {
  return new Promise((resolve) => {
    nextTick(resolve);
  });
}

/** When the loop has come round: sockets, files and timers had their turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
