import { parseArgs } from "node:util";
import { SOMETIMES, type Sometimes } from "../packages/broker/test/simulation/history.ts";
import { type SeedReport, STEPS, simulate } from "../packages/broker/test/simulation/simulate.ts";

/**
 * Lives through seeds of the simulator, for so many of them or for so many seconds, and tells what it met. `--seed` lives through one
 * twice and prints the whole of a failure. Exit code 1 when a promise was broken, a replay differed, or nothing was put to the test.
 */
const { values: given } = parseArgs({
  options: {
    seeds: { type: "string" },
    seconds: { type: "string" },
    seed: { type: "string" },
    first: { type: "string", default: "1" },
    steps: { type: "string", default: `${STEPS}` },
  },
});

/** So many seeds must have met everything in `SOMETIMES`. */
const ENOUGH_TO_MEET_ALL = 500;
const REPLAYED = 50;
const TAIL = 40;
const ENOUGH_FAILURES = 5;

const steps = Number(given.steps);
const count = given.seed === undefined ? Number(given.seeds ?? (given.seconds === undefined ? 200 : 1e9)) : 1;
const first = Number(given.seed ?? given.first);
const deadline = performance.now() + Number(given.seconds ?? 1e9) * 1_000;

const met = new Map<Sometimes, number>();
const failed: number[] = [];
let lived = 0;
let replays = 0;
const cpuBefore = process.cpuUsage();

for (; lived < count && performance.now() < deadline && failed.length < ENOUGH_FAILURES; lived++) {
  const report = await simulate({ seed: first + lived, steps });
  for (const [what, times] of report.history.counts) met.set(what, (met.get(what) ?? 0) + times);
  if (report.failure !== undefined) await tellFailure(report);
  else if (given.seed !== undefined || lived % REPLAYED === 0) await replay(report);
  if (lived % 100 === 99) console.log(`${lived + 1} seeds, ${failed.length} failed`);
}

const { user, system } = process.cpuUsage(cpuBefore);
const unmet = SOMETIMES.filter((what) => !met.has(what));
console.log(
  `\n${lived} seeds of ${steps} operations, ${Math.round((user + system) / 1_000 / (lived + replays))} ms of CPU each, ${replays} lived through twice`,
);
for (const what of SOMETIMES) console.log(`${`${met.get(what) ?? 0}`.padStart(8)}  ${what}`);
if (failed.length > 0) console.log(`failed: ${failed.join(" ")}; again with: npm run simulate -- --seed ${failed[0]}`);
const provesNothing = lived >= ENOUGH_TO_MEET_ALL && unmet.length > 0;
if (provesNothing) console.log(`never met: ${unmet.join(", ")}`);
process.exitCode = failed.length > 0 || provesNothing ? 1 : 0;

async function tellFailure({ seed, failure, history }: SeedReport): Promise<void> {
  failed.push(seed);
  console.log(`seed ${seed} (history ${history.digest}): ${failure?.message.slice(0, 600)}`);
  if (given.seed === undefined) return;
  const least = await shrink(seed, steps);
  console.log(`fails within ${least.steps} operations; its end:`);
  for (const line of least.history.lines.slice(-TAIL)) console.log(`  ${line.slice(0, 400)}`);
  console.log(least.failure?.stack);
}

/** The fewest operations of this seed after which it still fails: halved as long as that helps. */
async function shrink(seed: number, from: number): Promise<SeedReport> {
  let least = await simulate({ seed, steps: from });
  for (let cut = from >> 1; cut > 0; cut >>= 1) {
    while (least.steps > cut) {
      const shorter = await simulate({ seed, steps: least.steps - cut });
      if (shorter.failure === undefined) break;
      least = shorter;
    }
  }
  return least;
}

async function replay({ seed, history }: SeedReport): Promise<void> {
  replays += 1;
  const again = await simulate({ seed, steps });
  if (given.seed !== undefined) console.log(`history ${history.digest}, again ${again.history.digest}`);
  if (again.history.digest === history.digest) return;
  failed.push(seed);
  console.log(`seed ${seed} does not replay: ${history.digest} and ${again.history.digest}`);
}
