import { checkBoundaries } from "./check-boundaries.ts";
import { checkDependencies } from "./check-dependencies.ts";
import { checkGenerated } from "./check-generated.ts";
import { checkLint } from "./check-lint.ts";
import { checkLockFile } from "./check-lock-file.ts";
import { checkRules } from "./check-rules.ts";
import { checkTypes } from "./check-types.ts";
import { checkVisited } from "./check-visited.ts";
import { checkWireItems } from "./check-wire-items.ts";
import type { Finding } from "./finding.ts";
import { projectFiles } from "./project-files.ts";

export interface StepResult {
  readonly step: string;
  readonly findings: readonly Finding[];
}

/** Every check of the house, each in turn even when one before it failed. */
export async function* runChecks(root: string): AsyncGenerator<StepResult> {
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
    dependencies: () => checkDependencies(root),
  };
  await Promise.allSettled([types, lint, boundaries]);
  for (const [step, check] of Object.entries(steps)) yield { step, findings: await findingsOf(step, check) };
}

/** A check that breaks has found something too. */
async function findingsOf(
  step: string,
  check: () => Promise<readonly Finding[]> | readonly Finding[],
): Promise<readonly Finding[]> {
  try {
    return await check();
  } catch (error) {
    return [{ file: step, says: error instanceof Error ? (error.stack ?? error.message) : String(error) }];
  }
}
