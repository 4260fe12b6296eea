import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { OWN_CLIENTS } from "../test/sdk/own-clients.ts";
import { openSdk, SDKS, type SdkKit, whatIsMissing } from "../test/sdk/sdks.ts";
import { keepRun } from "./sdk-results.ts";

/**
 * `npm run test:sdk [-- --write]`: prepares each official SDK that can run here and our own clients, plays every scenario with each, prints a
 * row for each, and says what was left out and why. With `--write` the results are kept for docs/compatibility.md.
 */

/** What the test runner reports. */
interface Report {
  readonly testResults: readonly { readonly assertionResults: readonly Assertion[] }[];
}
interface Assertion {
  readonly ancestorTitles: readonly string[];
  readonly title: string;
  readonly status: string;
}

const reportFile = process.env.STAGEMQ_TEST_REPORT ?? join(mkdtempSync(join(tmpdir(), "stagemq-sdk-")), "report.json");

const leftOut = await prepareAll();
const exitCode = await play();
const assertions = readReport();
printRows(assertions);
for (const [name, reason] of leftOut) console.log(`left out: ${name}: ${reason}`);
console.log(summaryOf(assertions));
if (process.env.STAGEMQ_TEST_REPORT === undefined) rmSync(dirname(reportFile), { recursive: true });
if (process.argv.includes("--write")) await keepRun(assertions);
process.exitCode = exitCode;

/** Resolves with those that cannot run, and why. */
async function prepareAll(): Promise<ReadonlyMap<string, string>> {
  const kits: readonly SdkKit[] = [...SDKS, ...OWN_CLIENTS];
  const reasons = await Promise.all(kits.map(async (kit) => [kit.name, await prepare(kit)] as const));
  return new Map(reasons.flatMap(([name, reason]) => (reason === undefined ? [] : [[name, reason] as const])));
}

async function prepare(kit: SdkKit): Promise<string | undefined> {
  const { name, package: packageName, version, comesFrom } = kit;
  const label = `${name.padEnd(9)}${packageName} ${version} from ${comesFrom}`;
  const missing = await whatIsMissing(kit);
  const start = performance.now();
  try {
    if (missing === undefined) await openSdk(kit);
    console.log(
      missing === undefined ? `${label}: ready in ${seconds(performance.now() - start)}` : `${label}: left out`,
    );
    return missing;
  } catch (error) {
    // The suite will fail on it; here it is said early, and in full.
    console.log(`${label}: cannot be prepared`);
    console.error(error);
    return undefined;
  }
}

function play(): Promise<number> {
  const child = spawn("vitest", ["run", "--project", "sdk", "test/sdk/sdk.test.ts", "test/sdk/check-compat.whole.ts"], {
    stdio: "inherit",
    env: { ...process.env, STAGEMQ_SDK_SUITE: "whole", STAGEMQ_TEST_REPORT: reportFile },
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

function readReport(): readonly Assertion[] {
  const report = JSON.parse(readFileSync(reportFile, "utf8")) as Report;
  return report.testResults.flatMap(({ assertionResults }) => assertionResults);
}

function printRows(all: readonly Assertion[]): void {
  console.log();
  for (const { ancestorTitles, title, status } of all)
    if (ancestorTitles.length > 0) console.log(`${status.padEnd(8)}${[...ancestorTitles, title].join(" · ")}`);
}

/** Last of all, so that nobody has to look for it among a hundred rows. */
function summaryOf(all: readonly Assertion[]): string {
  const failed = all.filter(({ status }) => status === "failed");
  const rows = failed.map(({ ancestorTitles, title }) => `failed: ${[...ancestorTitles, title].join(" · ")}\n`);
  const passed = all.filter(({ status }) => status === "passed").length;
  return `${rows.join("")}${passed} passed, ${failed.length} failed; SDKs left out: ${leftOut.size}`;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1)} s`;
}
