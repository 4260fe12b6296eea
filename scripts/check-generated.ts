import type { Finding } from "./finding.ts";
import { runTool } from "./run-tool.ts";

/** Every page that a `scripts/…-page.ts` writes is what that script would write now. */
export async function checkGenerated(root: string, projectFiles: readonly string[]): Promise<Finding[]> {
  const writers = projectFiles.filter((file) => /^scripts\/[^/]+-page[.]ts$/.test(file));
  const runs = await Promise.all(
    writers.map(async (file) => ({ file, run: await runTool(root, "tsx", ["--conditions=source", file, "--check"]) })),
  );
  return runs
    .filter(({ run }) => run.exitCode !== 0)
    .map(({ file, run }) => ({ file, says: (run.output + run.errors).trim() || "its page is stale" }));
}
