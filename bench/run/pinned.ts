import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";

const CORES = { server: 0, client: 1 } as const;

/** Whether servers and clients can have a core each. */
export const canPin = availableParallelism() > 1 && spawnSync("taskset", ["--version"]).status === 0;

/** A command as it is to be spawned: on the core that is kept for its role, where that is possible. */
export function pinned(
  role: keyof typeof CORES,
  command: string,
  args: readonly string[],
): [command: string, args: readonly string[]] {
  return canPin ? ["taskset", ["-c", String(CORES[role]), command, ...args]] : [command, args];
}
