import { execFileSync } from "node:child_process";
import { closeSync, fdatasyncSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { median } from "../report/median.ts";
import { canPin } from "./pinned.ts";
import { ROOT } from "./places.ts";

/** What a run was measured on. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGigabytes: number;
  readonly system: string;
  readonly node: string;
  readonly pinned: boolean;
  /** The median of some syncs of 4 KiB in the directory that the servers write to. */
  readonly syncMs: number;
}

const SYNCS = 50;
const PAGE = Buffer.alloc(4_096);

export function describeMachine(directory: string): Machine {
  const [core] = cpus();
  return {
    processor: core?.model.trim() || "unknown",
    cores: cpus().length,
    memoryGigabytes: Math.round(totalmem() / 1_073_741_824),
    system: `${distribution()}, Linux ${release()}`,
    node: process.versions.node,
    pinned: canPin,
    syncMs: measureSync(join(directory, "sync")),
  };
}

/** The commit, and whether anything was changed since. */
export function currentCommit(): string {
  const git = (...words: string[]): string => execFileSync("git", words, { cwd: ROOT, encoding: "utf8" }).trim();
  const isChanged = git("status", "--porcelain", "--untracked-files=no", "--", "packages") !== "";
  return `${git("rev-parse", "--short", "HEAD")}${isChanged ? " and changes" : ""}`;
}

function distribution(): string {
  try {
    return /^PRETTY_NAME="(.*)"$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "unknown";
  } catch {
    return process.platform;
  }
}

function measureSync(file: string): number {
  const handle = openSync(file, "w");
  const times = Array.from({ length: SYNCS }, () => {
    const startedAt = performance.now();
    writeSync(handle, PAGE);
    fdatasyncSync(handle);
    return performance.now() - startedAt;
  });
  closeSync(handle);
  rmSync(file);
  return median(times);
}
