import type { Finding } from "./finding.ts";
import { runTool } from "./run-tool.ts";

/** The lock file is one that `npm ci` accepts. */
export async function checkLockFile(root: string): Promise<Finding[]> {
  const { exitCode, errors } = await runTool(root, "npm", [
    "ci",
    "--dry-run",
    "--ignore-scripts",
    "--include=dev",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ]);
  return exitCode === 0 ? [] : [{ file: "package-lock.json", says: errors.trim() }];
}
