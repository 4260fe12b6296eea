import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import type { Form, Scenario } from "../test/faults/scenario.ts";
import { SCENARIOS } from "../test/faults/scenarios.ts";
import { type Outcome, readOutcomes, writeReliabilityPage } from "./write-reliability-page.ts";

/**
 * `npm run test:faults [-- --full]`: does faults to real broker processes and prints a row for each scenario. What a machine cannot do is
 * left out with the line that helps. `--only NAME` (more than once) takes some of them, `--seconds N` begins none after N seconds, `--seed N`
 * draws what an earlier run drew. With `--full` or `--results FILE` each outcome is kept as a line of that file, and what it has of this
 * commit is not done again. `--page` writes docs/operating/reliability-report.md from it.
 */
const { values } = parseArgs({
  options: {
    full: { type: "boolean", default: false },
    only: { type: "string", multiple: true },
    seconds: { type: "string" },
    seed: { type: "string" },
    results: { type: "string" },
    page: { type: "boolean", default: false },
  },
});
const root = join(import.meta.dirname, "..");
const PLAY = join(root, "test/faults/play.ts");
const RESULTS = join(root, "node_modules/.cache/stagemq/faults.jsonl");
const CORES = 2;
/** A scenario that is told to stop cleans up first. */
const CLEANS_UP_WITHIN_MS = 20_000;

const form: Form = values.full ? "full" : "short";
const resultsFile = values.results ?? (values.full || values.page ? RESULTS : undefined);
const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" }).trim();
const startedAt = performance.now();
const playing = new Set<ChildProcess>();
let isStopped = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stop);

if (values.page) writeReliabilityPage(readOutcomes(resultsFile as string));
else await main();

async function main(): Promise<void> {
  const unknown = (values.only ?? []).filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
  if (unknown.length > 0) throw new Error(`there is no scenario ${unknown.join(", ")}`);
  const chosen = SCENARIOS.filter(({ name }) => values.only?.includes(name) ?? true);
  const done = resultsFile === undefined ? [] : readOutcomes(resultsFile);
  const isDone = ({ name }: Scenario) =>
    done.some((one) => one.name === name && one.form === form && one.commit === commit && one.verdict === "ok");
  const outcomes = await playAll(chosen.filter((scenario) => !isDone(scenario)));
  for (const { name } of chosen.filter(isDone)) console.log(`ok        ${name}: done before, at this commit`);
  const notBegun = chosen.length - chosen.filter(isDone).length - outcomes.length;
  const count = (verdict: Outcome["verdict"]) => outcomes.filter((one) => one.verdict === verdict).length;
  const report = { numPassedTests: count("ok"), numFailedTests: count("FAILED"), numPendingTests: count("left out") };
  console.log(
    `${report.numPassedTests} ok, ${report.numFailedTests} FAILED, ${report.numPendingTests} left out, ${notBegun} not begun, in ${secondsGone()} s`,
  );
  const reportFile = process.env.STAGEMQ_TEST_REPORT;
  if (reportFile) writeFileSync(reportFile, JSON.stringify({ ...report, numTodoTests: notBegun, testResults: [] }));
  if (report.numFailedTests > 0 || isStopped) process.exitCode = 1;
}

/** Those that take longest first, as many side by side as there are cores for. */
async function playAll(scenarios: readonly Scenario[]): Promise<Outcome[]> {
  const waiting = scenarios.toSorted((a, b) => b.withinS[form] - a.withinS[form]);
  const outcomes: Outcome[] = [];
  let free = CORES;
  const underWay = new Set<Promise<void>>();
  for (;;) {
    const mayBegin = !isStopped && secondsGone() < Number(values.seconds ?? Number.POSITIVE_INFINITY);
    const at = mayBegin ? waiting.findIndex(({ cores }) => cores <= free) : -1;
    const [next] = at < 0 ? [] : waiting.splice(at, 1);
    if (next !== undefined) {
      free -= next.cores;
      const played = playOne(next).then((outcome) => {
        free += next.cores;
        outcomes.push(outcome);
        underWay.delete(played);
      });
      underWay.add(played);
    } else if (underWay.size > 0) await Promise.race(underWay);
    else return outcomes;
  }
}

async function playOne(scenario: Scenario): Promise<Outcome> {
  const { name } = scenario;
  const missing = scenario.needs.filter((requirement) => !requirement.isMet());
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  const begunAt = performance.now();
  const result: Pick<Outcome, "verdict" | "figures" | "why"> =
    missing.length > 0
      ? {
          verdict: "left out",
          figures: {},
          why: missing.map(({ what, getIt }) => `not so here: ${what}. To have it: ${getIt}`).join("; "),
        }
      : await playInChild(scenario, seed);
  const seconds = Math.round((performance.now() - begunAt) / 1_000);
  const outcome: Outcome = { name, form, commit, seed, seconds, at: new Date().toISOString(), ...result };
  console.log(`${outcome.verdict.padEnd(9)} ${name} (${seconds} s, seed ${seed}): ${outcome.why ?? format(outcome)}`);
  if (resultsFile !== undefined && !isStopped) {
    mkdirSync(dirname(resultsFile), { recursive: true });
    appendFileSync(resultsFile, `${JSON.stringify(outcome)}\n`);
  }
  return outcome;
}

/** In a process of its own: it can hang, and be told to stop. */
function playInChild({ name, withinS }: Scenario, seed: number): Promise<Pick<Outcome, "verdict" | "figures" | "why">> {
  const child = fork(PLAY, [name, form, `${seed}`], {
    execArgv: ["--import", "tsx", "--conditions=source"],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  playing.add(child);
  let told: { readonly figures?: Outcome["figures"]; readonly error?: string } = { error: "it ended without a word" };
  let errors = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-4_000);
  });
  child.on("message", (message: typeof told) => {
    told = message;
  });
  const late = setTimeout(() => {
    told = { error: `it did not end within ${withinS[form]} s` };
    end(child);
  }, withinS[form] * 1_000);
  return new Promise((resolve) => {
    child.once("close", () => {
      clearTimeout(late);
      playing.delete(child);
      const { figures, error = `it told nothing. ${errors}` } = told;
      resolve(
        figures ? { verdict: "ok", figures } : { verdict: "FAILED", figures: {}, why: `${error}\n${errors}`.trim() },
      );
    });
  });
}

function end(child: ChildProcess): void {
  child.kill("SIGTERM");
  setTimeout(() => child.kill("SIGKILL"), CLEANS_UP_WITHIN_MS).unref();
}

function stop(): void {
  isStopped = true;
  for (const child of playing) end(child);
}

function secondsGone(): number {
  return Math.round((performance.now() - startedAt) / 1_000);
}

function format({ figures }: Outcome): string {
  return Object.entries(figures)
    .map(([what, value]) => `${what} ${value}`)
    .join(", ");
}
