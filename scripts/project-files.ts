import { existsSync } from "node:fs";
import { join } from "node:path";
import { runTool } from "./run-tool.ts";

/** Every file of the project: what git tracks and what it would track, without what was deleted. */
export async function projectFiles(root: string): Promise<string[]> {
  const { exitCode, output, errors } = await runTool(root, "git", [
    "ls-files",
    "-z",
    "--cached",
    "--others",
    "--exclude-standard",
  ]);
  if (exitCode !== 0) throw new Error(`git ls-files: ${errors}`);
  return [...new Set(output.split("\0"))].filter((file) => file !== "" && existsSync(join(root, file))).sort();
}
