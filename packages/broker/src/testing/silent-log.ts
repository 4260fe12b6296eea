import type { Log } from "../runtime/log.ts";

/** Says nothing. */
export const silentLog: Log = {
  isEnabled: () => false,
  write: () => {},
};
