import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canTrace } from "../crash/system-calls.ts";

/** What a machine may lack. */
export interface Requirement {
  readonly what: string;
  /** How to get it. */
  readonly getIt: string;
  isMet(): boolean;
}

const AS_ROOT = "run as root, or in a container with CAP_SYS_ADMIN";
const FAKETIME_PLACES = ["x86_64-linux-gnu", "aarch64-linux-gnu", "."].map(
  (place) => `/usr/lib/${place}/faketime/libfaketimeMT.so.1`,
);

export const mounts: Requirement = {
  what: "a file system can be mounted",
  getIt: AS_ROOT,
  isMet: () => tries((directory) => [["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", directory]], "umount"),
};

export const reflinks: Requirement = {
  what: "an XFS image can be made and mounted on a loop device",
  getIt: `apt-get install -y xfsprogs, and ${AS_ROOT}`,
  isMet: () =>
    tries((directory) => {
      const image = `${directory}.img`;
      return [
        ["truncate", "-s", "320M", image],
        ["mkfs.xfs", "-q", "-m", "reflink=1", image],
        ["mount", "-o", "loop", image, directory],
      ];
    }, "umount"),
};

export const strace: Requirement = {
  what: "strace may trace",
  getIt: "apt-get install -y strace, and where a container forbids it: --cap-add SYS_PTRACE",
  isMet: canTrace,
};

export const faketime: Requirement = {
  what: "libfaketime is there",
  getIt: "apt-get install -y faketime",
  isMet: () => faketimeLibrary() !== undefined,
};

export function faketimeLibrary(): string | undefined {
  return FAKETIME_PLACES.find((file) => existsSync(file));
}

/** Whether these commands can be run one after the other on a new directory. */
function tries(commands: (directory: string) => readonly (readonly string[])[], undo: string): boolean {
  const directory = mkdtempSync(join(tmpdir(), "stagemq-probe-"));
  const isDone = commands(directory).every(([program = "", ...args]) => spawnSync(program, args).status === 0);
  if (isDone) spawnSync(undo, [directory]);
  rmSync(directory, { recursive: true, force: true });
  rmSync(`${directory}.img`, { force: true });
  return isDone;
}
