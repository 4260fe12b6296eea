import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

export interface ToolRun {
  readonly exitCode: number;
  readonly output: string;
  readonly errors: string;
}

/** Runs a program in `root` to its end, whatever its exit code; past `withinMs` it is ended, with exit code 1. */
export function runTool(
  root: string,
  program: string,
  args: readonly string[],
  { withinMs = 0 }: { readonly withinMs?: number } = {},
): Promise<ToolRun> {
  const installed = join(root, "node_modules/.bin", program);
  return new Promise((resolve, reject) => {
    execFile(
      existsSync(installed) ? installed : program,
      args,
      { cwd: root, maxBuffer: 256 * 1024 * 1024, timeout: withinMs },
      (error, output, errors) => {
        if (error?.killed) {
          resolve({ exitCode: 1, output, errors: `${errors}\nended after ${withinMs} ms` });
          return;
        }
        if (error !== null && typeof error.code !== "number") {
          reject(error);
          return;
        }
        resolve({ exitCode: error === null ? 0 : Number(error.code), output, errors });
      },
    );
  });
}
