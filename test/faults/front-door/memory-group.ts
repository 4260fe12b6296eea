import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A control group with a bound on its memory, into which a process can be started. */
export interface MemoryGroup {
  /** What to put in front of a program's command line. */
  readonly under: readonly string[];
  /** How often its bound made the kernel kill. */
  countKills(): Promise<number>;
  remove(): Promise<void>;
}

/** The two ways in which kernels offer it. */
const KINDS = [
  { root: "/sys/fs/cgroup/memory", limit: "memory.limit_in_bytes", kills: "memory.oom_control" },
  { root: "/sys/fs/cgroup", limit: "memory.max", kills: "memory.events" },
] as const;

/** Undefined where none can be made: not Linux, not root, or no such controller. */
export async function makeMemoryGroup(bytes: number): Promise<MemoryGroup | undefined> {
  for (const { root, limit, kills } of KINDS) {
    const directory = join(root, `stagemq-test-${process.pid}`);
    try {
      await mkdir(directory);
    } catch {
      continue;
    }
    try {
      await writeFile(join(directory, limit), `${bytes}`);
    } catch {
      await rmdir(directory);
      continue;
    }
    const enter = `echo $$ > ${join(directory, "cgroup.procs")} && exec "$@"`;
    return {
      under: ["sh", "-c", enter, "sh"],
      countKills: async () => Number(/oom_kill (\d+)/.exec(await readFile(join(directory, kills), "latin1"))?.[1] ?? 0),
      remove: () => rmdir(directory),
    };
  }
  return undefined;
}
