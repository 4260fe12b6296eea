import { relative } from "node:path";
import type { Finding } from "./finding.ts";
import { runTool } from "./run-tool.ts";
import type { ToolReport } from "./tool-report.ts";

/** What the compiler finds in sources, tests and scripts. */
export async function checkTypes(root: string): Promise<ToolReport> {
  const { exitCode, output, errors } = await runTool(root, "tsc", [
    "-p",
    "tsconfig.check.json",
    "--listFiles",
    "--pretty",
    "false",
  ]);
  const findings: Finding[] = [];
  const visited: string[] = [];
  for (const line of output.split("\n")) {
    const diagnostic = /^(.+?)\((\d+),\d+\): (error TS.*)$/.exec(line);
    if (diagnostic) {
      const [, file = "", at, says = ""] = diagnostic;
      findings.push({ file, line: Number(at), says });
    } else if (line.startsWith("/")) {
      visited.push(relative(root, line));
    } else if (line.startsWith("error ")) {
      findings.push({ file: "tsconfig.check.json", says: line });
    }
  }
  if (exitCode !== 0 && findings.length === 0) findings.push({ file: "tsc", says: `exit code ${exitCode}: ${errors}` });
  return { findings, visited };
}
