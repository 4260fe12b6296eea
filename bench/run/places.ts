import { accessSync, constants, readdirSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";

export const ROOT = resolve(import.meta.dirname, "../..");
export const BENCH = resolve(import.meta.dirname, "..");

/** Where programs of the system stand that only root has in its PATH. */
const ALSO = ["/usr/sbin", "/usr/local/sbin"];

/** The full path of a program, or undefined when it is not installed. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), ...ALSO];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** The same in the newest of the folders that a package keeps for each version. */
export function findVersioned(folder: string, pattern: RegExp, path: string): string | undefined {
  try {
    const versions = readdirSync(folder).filter((name) => pattern.test(name));
    const newestFirst = versions.sort((one, other) => other.localeCompare(one, "en", { numeric: true }));
    return newestFirst.map((version) => join(folder, version, path)).find(isExecutable);
  } catch {
    return undefined;
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
