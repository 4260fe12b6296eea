import { isVisitedBy } from "./check-visited.ts";
import type { Finding } from "./finding.ts";
import { projectFiles } from "./project-files.ts";
import { runTool } from "./run-tool.ts";
import type { ToolReport } from "./tool-report.ts";

interface CruiseReport {
  readonly modules: readonly { readonly source: string }[];
  readonly summary: {
    readonly violations: readonly {
      readonly from: string;
      readonly to: string;
      readonly rule: { readonly name: string };
    }[];
  };
}

/** What imports say against the table of rooms. */
export async function checkBoundaries(root: string): Promise<ToolReport> {
  const sources = (await projectFiles(root)).filter((file) => isVisitedBy("boundaries", file));
  const places = [...new Set(sources.map((file) => file.split("/")[0] ?? file))];
  const { output, errors } = await runTool(root, "depcruise", [...places, "--output-type", "json"]);
  if (!output.startsWith("{"))
    return { findings: [{ file: ".dependency-cruiser.cjs", says: output + errors }], visited: [] };
  const { modules, summary } = JSON.parse(output) as CruiseReport;
  const findings: Finding[] = summary.violations.map(({ from, to, rule }) => ({
    file: from,
    says: `${rule.name}${from === to ? "" : ` → ${to}`}`,
  }));
  return { findings, visited: modules.map(({ source }) => source) };
}
