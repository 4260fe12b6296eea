import { formatFinding } from "./finding.ts";
import { runChecks } from "./run-checks.ts";

/** `npm run check`: every step says its result, one failure fails the whole. */
for await (const { step, findings } of runChecks(process.cwd())) {
  console.log(findings.length === 0 ? `ok    ${step}` : `FAIL  ${step} (${findings.length})`);
  for (const finding of findings) console.log(`        ${formatFinding(finding)}`);
  if (findings.length > 0) process.exitCode = 1;
}
