import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { escapePattern } from "../escape-pattern.ts";
import { idsOf, type TestTitle } from "../find-tests.ts";
import { runTool } from "../run-tool.ts";
import { breakWith, type Mutant } from "./mutant.ts";

/** What became of a mutant: caught by so many tests of its rule, or alive. */
export interface Trial {
  readonly mutant: Mutant;
  readonly redTests: number;
  readonly greenTests: number;
  /** What the runner said where it could not run at all. */
  readonly trouble?: string;
}

interface Report {
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

const MAX_TRIAL_MS = 180_000;

/** Runs the tests of the mutant's rule, and no others, against the broken copy. */
export async function tryMutant(copy: string, mutant: Mutant, titles: readonly TestTitle[]): Promise<Trial> {
  const mend = breakWith(copy, mutant);
  try {
    return { mutant, ...(await runTests(copy, mutant.rule, titles)) };
  } finally {
    mend();
  }
}

async function runTests(copy: string, rule: string, titles: readonly TestTitle[]): Promise<Omit<Trial, "mutant">> {
  const files = new Set(titles.filter(({ ids }) => ids.includes(rule)).map(({ file }) => runnableOf(file)));
  if (files.size === 0) return { redTests: 0, greenTests: 0, trouble: `no unit test is titled ${rule}` };
  const outputFile = join(copy, "mutant-report.json");
  rmSync(outputFile, { force: true });
  const pattern = `(^|[ ,])${escapePattern(rule)}(?![.\\d])`;
  const options = ["--project", "unit", "--reporter", "json", "--outputFile", outputFile, "--testNamePattern", pattern];
  const { errors } = await runTool(copy, "vitest", ["run", ...options, ...files], { withinMs: MAX_TRIAL_MS });
  const report = readReport(outputFile);
  if (report === undefined) return { redTests: 0, greenTests: 0, trouble: errors.slice(0, 1_000) };
  const results = report.testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ title }) => idsOf(title).includes(rule));
  const count = (status: string) => results.filter((result) => result.status === status).length;
  const [redTests, greenTests] = [count("failed"), count("passed")];
  // A file that cannot even be loaded tells nothing of a promise.
  const trouble = report.testResults.find(({ assertionResults }) => assertionResults.length === 0)?.message;
  return { redTests, greenTests, ...(trouble ? { trouble } : {}) };
}

function readReport(file: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Report;
  } catch {
    return undefined;
  }
}

/** The families of the conformance suite are run by one file. */
function runnableOf(file: string): string {
  return file.endsWith(".test.ts") ? file : file.replace(/[^/]+$/, "conformance.test.ts");
}
