import { execFileSync, fork } from "node:child_process";
import { SOMETIMES, type Sometimes } from "../packages/broker/test/simulation/history.ts";
import { FAULTS, type Fault } from "../packages/broker/test/simulation/plan.ts";
import { shrink } from "../packages/broker/test/simulation/shrink.ts";
import { STEPS, simulate } from "../packages/broker/test/simulation/simulate.ts";
import { compileSimulation } from "./compile-simulation.ts";
import { readWords } from "./read-words.ts";
import type { Share, WorkerMessage } from "./simulation-worker.ts";

/**
 * Lives through seeds of the simulator in several processes, for so many of them or for so many seconds, and tells what it met.
 * `--seed` lives through one, twice. A failing seed is shrunk and printed with what repeats it. Exit code 1 when a promise was
 * broken, a replay differed, or something was never put to the test.
 */
const given = readWords(
  {
    seeds: { type: "string" },
    seconds: { type: "string" },
    /** With `seconds`: so many in any case, however slow the machine is. */
    least: { type: "string", default: "0" },
    first: { type: "string", default: "1" },
    steps: { type: "string", default: `${STEPS}` },
    processes: { type: "string", default: "2" },
    seed: { type: "string" },
    /** With `seed`: these steps only, as `0,4,17-20`. */
    keep: { type: "string" },
    /** With `seed`: without these faults. */
    without: { type: "string", default: "" },
  },
  ["seeds", "seconds", "least", "first", "steps", "processes", "seed"],
);

/** So many seeds must have met everything in `SOMETIMES`. */
const ENOUGH_TO_MEET_ALL = 1_000;
const REPLAY_EVERY = 50;
const SHOWN_FAILURES = 3;
/** A worker keeps to one core: threads of its own for garbage would be in the way of the other workers. And there is much garbage. */
const ALONE = ["--single-threaded", "--min-semi-space-size=64", "--max-semi-space-size=64"];
const SHRINK_FOR = 30_000;
const TAIL = 60;

const steps = Number(given.steps);
async function liveThroughMany(): Promise<boolean> {
  const processes = Number(given.processes);
  const first = Number(given.first);
  const seeds = Number(given.seeds ?? (given.seconds === undefined ? 200 : 1e9));
  const startedAt = Date.now();
  const until = startedAt + Number(given.seconds ?? 1e6) * 1_000;
  const least = Math.ceil(Number(given.least) / processes);
  const tally = new Tally();
  const worker = compileSimulation();
  const shares = Array.from({ length: processes }, (_, index) => {
    const count = Math.ceil((seeds - index) / processes);
    return { first: first + index, stride: processes, count, steps, replayEvery: REPLAY_EVERY, until, least };
  });
  const ends = await Promise.all(shares.map((share) => run(worker, share, tally)));
  const seconds = (Date.now() - startedAt) / 1_000;
  console.log(
    `\n${tally.seeds} seeds of ${steps} operations in ${seconds.toFixed(0)} s on ${processes} processes, ` +
      `${(tally.cpuMs / Math.max(1, tally.lives)).toFixed(1)} ms of CPU each, ${tally.lives - tally.seeds} lived through twice`,
  );
  for (const what of SOMETIMES) console.log(`${`${tally.met.get(what) ?? 0}`.padStart(8)}  ${what}`);
  for (const [seed, failure] of tally.failures.slice(0, SHOWN_FAILURES)) await show(seed, failure);
  if (tally.failures.length > 0) console.log(`failed: ${tally.failures.map(([seed]) => seed).join(" ")}`);
  const unmet = SOMETIMES.filter((what) => !tally.met.has(what));
  const provesNothing = tally.seeds >= ENOUGH_TO_MEET_ALL && unmet.length > 0;
  if (provesNothing) console.log(`never met: ${unmet.join(", ")}`);
  return tally.failures.length === 0 && !provesNothing && ends.every((isDone) => isDone);
}

/** Whether the worker came to its end. */
function run(worker: string, share: Share, tally: Tally): Promise<boolean> {
  return new Promise((resolve) => {
    let isDone = false;
    const child = fork(worker, { execArgv: ALONE });
    child.on("message", (message: WorkerMessage) => {
      if (message.kind === "done") isDone = true;
      else tally.add(message);
    });
    child.on("exit", () => resolve(isDone));
    child.send(share);
  });
}

class Tally {
  seeds = 0;
  lives = 0;
  cpuMs = 0;
  readonly met = new Map<Sometimes, number>();
  readonly failures: (readonly [seed: number, failure: string])[] = [];

  add({ seed, lives, cpuMs, met, failure }: Extract<WorkerMessage, { kind: "lived" }>): void {
    this.seeds += 1;
    this.lives += lives;
    this.cpuMs += cpuMs;
    for (const [what, times] of met) this.met.set(what, (this.met.get(what) ?? 0) + times);
    if (failure !== undefined) this.failures.push([seed, failure]);
    if (this.seeds % 1_000 === 0) console.log(`${this.seeds} seeds, ${this.failures.length} failed`);
  }
}

async function liveThroughOne(seed: number): Promise<boolean> {
  const without = given.without.split(",").filter((name): name is Fault => FAULTS.some((fault) => fault === name));
  const options = { seed, steps: given.keep === undefined ? steps : parseSteps(given.keep), without };
  const report = await simulate(options);
  const again = await simulate(options);
  const verdict = report.failure === undefined ? "every promise held" : "a promise was broken";
  const sameness =
    report.history.digest === again.history.digest
      ? "the same when lived through again"
      : "but ANOTHER when lived through again";
  console.log(`seed ${seed}: ${verdict}; its history is ${report.history.digest}, ${sameness}`);
  if (report.failure !== undefined) {
    for (const line of report.history.lines.slice(-TAIL)) console.log(`  ${line.slice(0, 400)}`);
    console.log(report.failure.stack);
  }
  return report.failure === undefined && again.history.digest === report.history.digest;
}

/** Shrinks a failing seed, and prints how to see it again. */
async function show(seed: number, failure: string): Promise<void> {
  console.log(`\nseed ${seed}: ${failure.slice(0, 600)}`);
  const report = await simulate({ seed, steps });
  if (report.failure === undefined) return;
  const until = Date.now() + SHRINK_FOR;
  const shrunk = await shrink({ seed, steps }, report, () => Date.now() < until);
  const { steps: _, ...options } = shrunk.report.plan;
  console.log(`shrunk to ${shrunk.steps.length} operations: ${shrunk.report.failure?.message.slice(0, 600)}`);
  console.log(`options: ${JSON.stringify(options)}`);
  console.log(`operations: ${shrunk.report.plan.steps.map(({ operation }) => operation).join(" ")}`);
  const without = shrunk.without.length === 0 ? "" : ` --without ${JSON.stringify(shrunk.without.join(","))}`;
  console.log(`again, at ${commit()}:`);
  console.log(`  npm run simulate -- --seed ${seed} --keep ${formatSteps(shrunk.steps)}${without}`);
}

function commit(): string {
  try {
    return execFileSync("git", ["describe", "--always", "--dirty"], { encoding: "utf8" }).trim();
  } catch {
    return "an unknown commit";
  }
}

function formatSteps(indices: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const index of indices) {
    const last = ranges.at(-1);
    if (last?.[1] === index - 1) last[1] = index;
    else ranges.push([index, index]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(",") || "none";
}

function parseSteps(text: string): readonly number[] {
  if (text === "none") return [];
  return text.split(",").flatMap((range) => {
    const [from = 0, to = from] = range.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
}

process.exitCode = (await (given.seed === undefined ? liveThroughMany() : liveThroughOne(Number(given.seed)))) ? 0 : 1;
