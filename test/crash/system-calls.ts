import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";

/** A system call as strace saw it. Its begin and end are lines of the trace: instants that can be compared. */
export interface SystemCall {
  readonly name: string;
  /** With the path of a file, and the kind of a socket, behind its descriptor. */
  readonly parameters: string;
  readonly begunAt: number;
  readonly endedAt: number;
  readonly result: string;
}

const TRACED = "fdatasync,fsync,write,writev,pwrite64,pwritev,sendto,sendmsg";
/** More than an answer or a frame group of the test has, so that none is shown in part. */
const SHOWN_BYTES = 20_000;

/** False where strace is not there, or may not trace. */
export function canTrace(): boolean {
  return spawnSync("strace", ["-o", "/dev/null", "true"]).status === 0;
}

/** What to run a broker under: every thread's calls go to `file`. */
export function straceTo(file: string): string[] {
  return [
    "strace",
    "-f",
    "-y",
    "-qq",
    "-s",
    String(SHOWN_BYTES),
    "-e",
    `trace=${TRACED}`,
    "-e",
    "signal=none",
    "-o",
    file,
  ];
}

/** The finished calls of a trace, by their beginning. */
export async function readTrace(file: string): Promise<SystemCall[]> {
  const calls: SystemCall[] = [];
  const unfinished = new Map<string, Pick<SystemCall, "name" | "parameters" | "begunAt">>();
  const lines = (await readFile(file, "latin1")).split("\n");
  for (const [at, line] of lines.entries()) {
    const [, thread = "", text = ""] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const [, begun, half] = /^(\w+)\((.*) <unfinished \.\.\.>$/.exec(text) ?? [];
    if (begun !== undefined) unfinished.set(thread, { name: begun, parameters: half ?? "", begunAt: at });
    const [, rest, result] = /^<\.\.\. \w+ resumed>(.*)\) += (.*)$/.exec(text) ?? [];
    const begin = unfinished.get(thread);
    if (result !== undefined && begin !== undefined) {
      calls.push({ ...begin, parameters: begin.parameters + rest, endedAt: at, result });
      unfinished.delete(thread);
    }
    const [, name, parameters = "", whole] = /^(\w+)\((.*)\) += (.*)$/.exec(text) ?? [];
    if (name !== undefined && whole !== undefined)
      calls.push({ name, parameters, begunAt: at, endedAt: at, result: whole });
  }
  return calls.toSorted((a, b) => a.begunAt - b.begunAt);
}
