import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { findTests } from "./find-tests.ts";
import { describeMisfit, type Mutant } from "./mutants/mutant.ts";
import { MUTANTS } from "./mutants/mutants.ts";
import { type Trial, tryMutant } from "./mutants/try-mutant.ts";
import { makeScratchCopy } from "./planted/scratch-copy.ts";
import { projectFiles } from "./project-files.ts";
import { readWords } from "./read-words.ts";

/**
 * `npm run test:mutants`: breaks the product in scratch copies, one line at a time, and fails unless a test of the rule that
 * was broken turns red each time. `--seconds N` begins no trial after N seconds; which mutants come first then depends on the
 * commit. `--only TEXT` takes those whose rule or file contains it. `--write` commits the outcome to the result page.
 */
const RESULT_PAGE = "docs/operating/mutants.md";
const COPIES = 2;
/** What a broken broker has its tests wait for may never come. */
process.env.STAGEMQ_UNIT_TEST_TIMEOUT = "10000";

const values = readWords({ seconds: { type: "string" }, only: { type: "string" }, write: { type: "boolean" } }, [
  "seconds",
]);
const root = process.cwd();
const startedAt = performance.now();
const secondsGone = () => (performance.now() - startedAt) / 1_000;
const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" }).trim();

const misfits = MUTANTS.flatMap((mutant) => describeMisfit(root, mutant) ?? []);
for (const misfit of misfits) console.log(`FAIL  a mutant no longer fits: ${misfit}`);
if (misfits.length > 0) process.exitCode = 1;

const chosen = MUTANTS.filter(
  (mutant) => describeMisfit(root, mutant) === undefined && `${mutant.rule} ${mutant.file}`.includes(values.only ?? ""),
);
const queue = values.seconds === undefined ? [...chosen] : rotate(chosen, Number.parseInt(commit, 16));
const trials: Trial[] = [];
const titles = findTests(root, await projectFiles(root)).filter(({ file }) => file.startsWith("packages/"));
await Promise.all(Array.from({ length: COPIES }, workThrough));

const alive = trials.filter(({ redTests }) => redTests === 0);
console.log(`${trials.length - alive.length} of ${trials.length} mutants caught, of ${MUTANTS.length} there are`);
if (alive.length > 0 || trials.length === 0) process.exitCode = 1;
if (values.write) writeFileSync(RESULT_PAGE, formatPage());

async function workThrough(): Promise<void> {
  const copy = await makeScratchCopy(root);
  try {
    for (let mutant = queue.shift(); mutant !== undefined && !isOutOfTime(); mutant = queue.shift()) {
      const trial = await tryMutant(copy, mutant, titles);
      trials.push(trial);
      const outcome = trial.redTests > 0 ? `ok    ${trial.redTests} red` : "FAIL  alive ";
      console.log(`${outcome.padEnd(14)} ${mutant.rule.padEnd(9)} ${mutant.does}`);
      if (trial.trouble !== undefined) console.log(`      ${trial.trouble}`);
    }
  } finally {
    rmSync(copy, { recursive: true });
  }
}

function isOutOfTime(): boolean {
  return secondsGone() >= Number(values.seconds ?? Number.POSITIVE_INFINITY);
}

function rotate(mutants: readonly Mutant[], by: number): Mutant[] {
  const first = mutants.length === 0 ? 0 : by % mutants.length;
  return [...mutants.slice(first), ...mutants.slice(0, first)];
}

function formatPage(): string {
  const rows = MUTANTS.flatMap((mutant) => {
    const trial = trials.find((each) => each.mutant === mutant);
    if (trial === undefined) return [];
    const { rule, file, does } = mutant;
    const outcome = trial.redTests > 0 ? `${trial.redTests} red, ${trial.greenTests} green` : "**alive**";
    return `| ${rule} | ${does} | \`${file.replace("packages/broker/src/", "")}\` | ${outcome} |`;
  });
  return [
    "# Mutants of the product",
    "",
    "One line of the product is broken at a time; a test of the rule that it breaks must turn red. Written by",
    "`npm run test:mutants -- --write`; the lines themselves stand in `scripts/mutants/mutants.ts`.",
    "",
    `Commit ${commit}: ${trials.length - alive.length} of ${trials.length} caught, in ${Math.round(secondsGone())} s.`,
    "",
    "| rule | what the broken broker does | where | tests of the rule |",
    "|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}
