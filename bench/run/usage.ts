import { readdir, readFile } from "node:fs/promises";

/** What a server and all processes that it started have used until now. */
export interface Usage {
  readonly processorMicros: number;
  /** Given to the device, or on the way there. NaN where the system does not say. */
  readonly writtenBytes: number;
  readonly residentMegabytes: number;
}

const TICK_MICROS = 10_000;
const MICRO_NANOS = 1_000;
const KIB_A_MEGABYTE = 1_024;

/** Children that have ended meanwhile are counted where their parent waited for them. */
export async function readUsage(pid: number): Promise<Usage> {
  const pids = await treeOf(pid);
  const each = await Promise.all(pids.map((one) => readProcess(one, pids.length > 1)));
  const sum = (figure: keyof Usage): number => each.reduce((total, usage) => total + usage[figure], 0);
  return {
    processorMicros: sum("processorMicros"),
    writtenBytes: sum("writtenBytes"),
    residentMegabytes: sum("residentMegabytes"),
  };
}

/** A process and its descendants, parents first. */
export async function treeOf(root: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir("/proc")) {
    const [, parent] = await readStat(Number(name));
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const tree = [root];
  for (const pid of tree) for (const [child, parent] of parents) if (parent === pid) tree.push(child);
  return tree;
}

async function readProcess(pid: number, shares: boolean): Promise<Usage> {
  const stat = await readStat(pid);
  const ticksOfEnded = Number(stat[13] ?? 0) + Number(stat[14] ?? 0);
  const written = /^write_bytes: (\d+)/m.exec(await read(`/proc/${pid}/io`))?.[1] ?? Number.NaN;
  // What several share counts once: Pss. It takes long to gather, so a single process tells its resident memory.
  const resident = shares
    ? /^Pss: +(\d+)/m.exec(await read(`/proc/${pid}/smaps_rollup`))?.[1]
    : /^VmRSS:\s+(\d+)/m.exec(await read(`/proc/${pid}/status`))?.[1];
  return {
    processorMicros: (await readThreads(pid)) + ticksOfEnded * TICK_MICROS,
    writtenBytes: Number(written),
    residentMegabytes: Number(resident ?? 0) / KIB_A_MEGABYTE,
  };
}

/** In nanoseconds by the scheduler: the ticks of /proc/PID/stat are too coarse where many processes share the work. */
async function readThreads(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const each = await Promise.all(threads.map((thread) => read(`/proc/${pid}/task/${thread}/schedstat`)));
  return each.reduce((total, text) => total + Number(text.split(" ")[0]), 0) / MICRO_NANOS;
}

/** What follows the name in /proc/PID/stat: state, parent, …; empty when the process is gone. */
async function readStat(pid: number): Promise<string[]> {
  if (!Number.isInteger(pid)) return [];
  const stat = await read(`/proc/${pid}/stat`);
  return stat === "" ? [] : stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

async function read(file: string): Promise<string> {
  return await readFile(file, "utf8").catch(() => "");
}
