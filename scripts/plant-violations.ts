import { rmSync } from "node:fs";
import type { Finding } from "./finding.ts";
import { plantBans } from "./planted/bans.ts";
import { plantBoundaries } from "./planted/boundaries.ts";
import { isMetBy, plant } from "./planted/plant.ts";
import { plantPromises } from "./planted/promises.ts";
import { makeScratchCopy } from "./planted/scratch-copy.ts";
import { FORCED_INTO_GIT, PLANTED_IN_TREE } from "./planted/tree.ts";
import { runChecks } from "./run-checks.ts";
import { runTool } from "./run-tool.ts";

/** `npm run check:planted`: breaks every ban in a scratch copy, runs the checks once, and fails unless each is reported. */
const root = process.cwd();
const kinds = {
  boundaries: plantBoundaries(root),
  bans: plantBans(root),
  promises: plantPromises(root),
  tree: PLANTED_IN_TREE,
};

const copy = await makeScratchCopy(root);
try {
  const expected = Object.entries(kinds).map(([kind, plants]) => ({
    kind,
    expectations: plants.flatMap((each) => plant(copy, each)),
  }));
  await runTool(copy, "git", ["add", "--force", FORCED_INTO_GIT]);
  const findings: Finding[] = [];
  for await (const result of runChecks(copy)) findings.push(...result.findings);
  for (const { kind, expectations } of expected) {
    const unseen = expectations.filter((expectation) => !findings.some((finding) => isMetBy(expectation, finding)));
    const isComplete = expectations.length > 0 && unseen.length === 0;
    console.log(
      `${isComplete ? "ok   " : "FAIL "} ${kind}: ${expectations.length - unseen.length} of ${expectations.length} reported`,
    );
    for (const { file, first, says } of unseen)
      console.log(`        ${file}${first ? `:${first}` : ""}  not reported: ${says}`);
    if (!isComplete) process.exitCode = 1;
  }
} finally {
  rmSync(copy, { recursive: true });
}
