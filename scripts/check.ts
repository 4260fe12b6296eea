import { checkBoundaries } from "./check-boundaries.ts";
import { checkGenerated } from "./check-generated.ts";
import { checkLint } from "./check-lint.ts";
import { checkLockFile } from "./check-lock-file.ts";
import { checkRules } from "./check-rules.ts";
import { checkTypes } from "./check-types.ts";
import { checkVisited } from "./check-visited.ts";
import { checkWireItems } from "./check-wire-items.ts";
import { type Finding, formatFinding } from "./finding.ts";
import { projectFiles } from "./project-files.ts";

/** `npm run check`: every step runs, each says its result, one failure fails the whole. */
const root = process.cwd();
const files = await projectFiles(root);

const types = checkTypes(root);
const lint = checkLint(root);
const boundaries = checkBoundaries(root);

const steps: Readonly<Record<string, () => Promise<readonly Finding[]> | readonly Finding[]>> = {
  types: async () => (await types).findings,
  "lint and format": async () => (await lint).findings,
  boundaries: async () => (await boundaries).findings,
  "files looked at": async () => [
    ...checkVisited("types", (await types).visited, files),
    ...checkVisited("lint", (await lint).visited, files),
    ...checkVisited("boundaries", (await boundaries).visited, files),
  ],
  rules: () => checkRules(root, files),
  "wire items": () => checkWireItems(root, files),
  "generated pages": () => checkGenerated(root, files),
  "lock file": () => checkLockFile(root),
};

for (const [name, step] of Object.entries(steps)) {
  try {
    report(name, await step());
  } catch (error) {
    report(name, [{ file: name, says: String(error) }]);
  }
}

function report(name: string, findings: readonly Finding[]): void {
  console.log(
    `${findings.length === 0 ? "ok  " : "FAIL"} ${name}${findings.length === 0 ? "" : ` (${findings.length})`}`,
  );
  for (const finding of findings) console.log(`       ${formatFinding(finding)}`);
  if (findings.length > 0) process.exitCode = 1;
}
