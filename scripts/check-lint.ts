import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runTool } from "./run-tool.ts";
import type { ToolReport } from "./tool-report.ts";

interface BiomeReport {
  readonly diagnostics: readonly {
    readonly severity: string;
    readonly message: string;
    readonly category: string;
    readonly location?: { readonly path: string; readonly start: { readonly line: number } };
  }[];
}

/** A shell script or a text is none of its business; that it saw all that is, `check-visited.ts` sees to. */
const NOT_ITS_LANGUAGE = "files/missingHandler";

/** What the linter and the formatter find, warnings included. */
export async function checkLint(root: string): Promise<ToolReport> {
  const scratch = mkdtempSync(join(tmpdir(), "stagemq-lint-"));
  try {
    const reportFile = join(scratch, "report.json");
    const run = await runTool(root, "biome", [
      "check",
      "--verbose",
      "--max-diagnostics=none",
      "--diagnostic-level=warn",
      "--reporter=json",
      `--reporter-file=${reportFile}`,
      "--reporter=default",
    ]);
    const report = JSON.parse(readFileSync(reportFile, "utf8")) as BiomeReport;
    const findings = report.diagnostics
      .filter(({ category }) => category !== NOT_ITS_LANGUAGE)
      .map(({ category, message, location }) => ({
        file: location?.path ?? "biome.json",
        ...(location && location.start.line > 0 && { line: location.start.line }),
        says: `${category}: ${message}`,
      }));
    if (run.exitCode !== 0 && report.diagnostics.length === 0)
      findings.push({ file: "biome.json", says: `biome: exit code ${run.exitCode}: ${run.errors}` });
    return { findings, visited: filesProcessed(run.output) };
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function filesProcessed(output: string): string[] {
  const [, list = ""] = output.split("Files processed:");
  const [processed = ""] = list.split("VERBOSE");
  return [...processed.matchAll(/^ {2}- (.+)$/gm)].map(([, file = ""]) => file);
}
