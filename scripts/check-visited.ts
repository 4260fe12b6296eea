import type { Finding } from "./finding.ts";

export type Tool = "types" | "lint" | "boundaries";

/** Which files each tool must have looked at. The cruiser's own configuration is the one program that no tool reads as ours. */
const MUST_VISIT: Record<Tool, RegExp> = {
  types: /[.][cm]?tsx?$/,
  lint: /[.][cm]?[jt]sx?$/,
  boundaries: /[.][cm]?[jt]sx?$/,
};
const READ_BY_ITS_TOOL = ".dependency-cruiser.cjs";

export function isVisitedBy(tool: Tool, file: string): boolean {
  return MUST_VISIT[tool].test(file) && file !== READ_BY_ITS_TOOL;
}

/** A tool that skips a file finds nothing in it; one that reads a foreign file finds nothing about ours. */
export function checkVisited(tool: Tool, visited: readonly string[], projectFiles: readonly string[]): Finding[] {
  const expected = new Set(projectFiles.filter((file) => isVisitedBy(tool, file)));
  const actual = new Set(visited.filter((file) => MUST_VISIT[tool].test(file) && isInside(file)));
  const missed = [...expected].filter((file) => !actual.has(file));
  const foreign = [...actual].filter((file) => !expected.has(file));
  return [
    ...missed.map((file) => ({ file, says: `${tool} did not look at it` })),
    ...foreign.map((file) => ({ file, says: `${tool} looked at it, but git does not know it` })),
  ];
}

function isInside(file: string): boolean {
  return !file.startsWith("..") && !/(^|\/)node_modules\//.test(file);
}
