import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { undoAtTheEnd } from "../ways-out.ts";

const execute = promisify(execFile);

export async function run(program: string, ...args: readonly string[]): Promise<void> {
  await execute(program, args);
}

/** Mounts on a new directory; resolves with what unmounts it. A loop device goes with its mount. */
export async function mounted(directory: string, ...what: readonly string[]): Promise<() => Promise<void>> {
  await mkdir(directory);
  await run("mount", ...what, directory);
  return undoAtTheEnd(() => unmount(directory));
}

/** Who used it last may not be wholly gone yet. */
async function unmount(directory: string): Promise<void> {
  for (let attempt = 1; attempt <= 20; attempt++) {
    if (await succeeds(run("umount", directory))) return;
    await sleep(100);
  }
  await run("umount", "--lazy", directory);
}

function succeeds(trial: Promise<void>): Promise<boolean> {
  return trial.then(
    () => true,
    () => false,
  );
}
