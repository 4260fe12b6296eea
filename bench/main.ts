import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readWords } from "../scripts/read-words.ts";
import type { PeerName } from "./peers/peer.ts";
import { PEERS } from "./peers/peers.ts";
import { judgeGoals } from "./report/goals.ts";
import { writePage } from "./report/page.ts";
import { writeTables } from "./report/tables.ts";
import { currentCommit, describeMachine } from "./run/machine.ts";
import { Results } from "./run/results.ts";
import { ServerProcess } from "./run/server-process.ts";
import { FORMS, type Form, type Settings } from "./run/settings.ts";
import { Team } from "./run/team.ts";
import type { Bench, Workload } from "./workloads/workload.ts";
import { WORKLOAD_NAMES, type WorkloadName } from "./workloads/workload-names.ts";
import { WORKLOADS } from "./workloads/workloads.ts";

/** `npm run bench -- --quick`: stagemq beside its peers. `--help` says what else there is; the README says what is measured. */
const HELP = `npm run bench -- [--quick | --full] [--peers a,b] [--only a,b] [--page] [--resume] [--from FILE] [--dir DIR] [--backlog N]

  --quick     three short rounds, within 3 minutes; what is left out without a flag
  --full      five rounds, a backlog of 5,000,000 messages, within 25 minutes
  --peers     ${PEERS.map(({ name }) => name).join(", ")}
  --only      ${WORKLOAD_NAMES.join(", ")}
  --page      writes docs/operating/performance-report.md and performance.svg from what was measured
  --resume    goes on with the newest run of this form in bench/results/
  --from      measures nothing: reports what stands in a file of bench/results/
  --dir       where the servers keep their data; the system's temporary directory otherwise
  --backlog   retained messages of the workload backlog
`;

const words = readWords(
  {
    quick: { type: "boolean" },
    full: { type: "boolean" },
    peers: { type: "string" },
    only: { type: "string" },
    page: { type: "boolean" },
    resume: { type: "boolean" },
    from: { type: "string" },
    dir: { type: "string" },
    backlog: { type: "string" },
    help: { type: "boolean" },
  },
  ["backlog"],
);

if (words.help) process.stdout.write(HELP);
else if (words.from === undefined) report(await measure());
else report(Results.read(words.from));

async function measure(): Promise<Results> {
  const form: Form = words.full ? "full" : "quick";
  const settings: Settings = {
    form,
    ...FORMS[form],
    ...(words.backlog === undefined ? {} : { backlog: Number(words.backlog) }),
    peers: namesIn(
      "peers",
      words.peers,
      PEERS.map(({ name }) => name),
    ),
    only: namesIn("only", words.only, WORKLOAD_NAMES),
  };
  const directory = mkdtempSync(join(words.dir ?? tmpdir(), "stagemq-bench-"));
  // Some servers run as a user of their own, and must get through to their directory.
  chmodSync(directory, 0o711);
  const results = openResults(form, directory);
  const team = new Team(directory, results, settings.peers);
  const bench = openBench({ settings, results, team, directory });
  bench.tell(`each turn goes to ${results.file}`);
  const stopped = watchSignals();
  await Promise.race([runWorkloads(bench, stopped), once(stopped, "abort")]);
  await ServerProcess.stopAll();
  rmSync(directory, { recursive: true, force: true });
  if (!stopped.aborted) return results;
  console.error("Stopped. Go on with --resume, or report what there is with --from.");
  process.exit(1);
}

function openResults(form: Form, directory: string): Results {
  const commit = currentCommit();
  const earlier = words.resume ? Results.newest(form, commit) : undefined;
  if (earlier !== undefined) return earlier;
  if (words.resume) console.error(`There is no ${form} run of ${commit} to go on with: this one begins anew.`);
  const command = ["npm run bench --", ...process.argv.slice(2)].join(" ");
  const head = { form, commit, at: new Date().toISOString(), command };
  return Results.begin({ ...head, machine: describeMachine(directory) });
}

function openBench({
  settings,
  results,
  team,
  directory,
}: Pick<Bench, "settings" | "results" | "team"> & { directory: string }): Bench {
  const startedAt = performance.now();
  const timeLeftMs = (): number => settings.atMostMs - (performance.now() - startedAt);
  let directories = 0;
  const tell = (line: string): void => {
    process.stderr.write(`${String(Math.round((performance.now() - startedAt) / 1_000)).padStart(5)} s  ${line}\n`);
  };
  return {
    settings,
    results,
    team,
    tell,
    newDirectory() {
      const made = join(directory, `alone-${directories++}`);
      mkdirSync(made);
      return made;
    },
    timeLeftMs,
    hasTimeFor(what) {
      if (timeLeftMs() > 0) return true;
      results.leaveOut(`${what}, in part or whole: no time was left`);
      return false;
    },
    isWanted: (workload) => settings.only?.includes(workload as WorkloadName) ?? true,
    record(sample) {
      // Round 0 warms up.
      if (sample.round === 0) return;
      results.add(sample);
      const figures = Object.entries(sample.figures).map(([name, value]) => `${name} ${Math.round(value * 100) / 100}`);
      tell(`${sample.workload} ${sample.subject} ${sample.round}: ${figures.join(", ")}`);
    },
  };
}

/** Those that are stagemq's alone come once the others are down. */
async function runWorkloads(bench: Bench, stopped: AbortSignal): Promise<void> {
  const wanted = WORKLOAD_NAMES.filter((name) => bench.isWanted(name));
  const workloads = [...new Set(wanted.map((name) => WORKLOADS[name]))];
  for (const workload of workloads.filter(({ alone }) => !alone)) await runWorkload(workload, bench, stopped);
  await bench.team.stop();
  if (bench.settings.peers?.includes("stagemq") === false) return;
  for (const workload of workloads.filter(({ alone }) => alone)) await runWorkload(workload, bench, stopped);
}

/** One that fails is told and left out: the others may take half an hour. */
async function runWorkload(workload: Workload, bench: Bench, stopped: AbortSignal): Promise<void> {
  if (stopped.aborted) return;
  const names = Object.entries(WORKLOADS).flatMap(([name, each]) => (each === workload ? [name] : []));
  bench.tell(`${names.join(", ")}: ${workload.does}`);
  try {
    await workload.run(bench);
  } catch (error) {
    if (stopped.aborted) return;
    const sentence = error instanceof Error ? error.message : String(error);
    bench.tell(`${names.join(", ")} FAILED: ${error instanceof Error ? error.stack : sentence}`);
    bench.results.leaveOut(`${names.join(", ")}, in part or whole: failed: ${sentence.split("\n")[0]}`);
    await bench.team.stop();
  }
}

/** Whoever stops the suite finds no server of it afterwards. */
function watchSignals(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}

function report(results: Results): void {
  process.stdout.write(`${writeTables(results)}\n`);
  const file = results.file.replace(/[.]ndjson$/, ".json");
  const goals = judgeGoals(results).map(({ measured: _, ...goal }) => goal);
  const { head, leftOut, samples } = results;
  writeFileSync(file, `${JSON.stringify({ ...head, goals, leftOut, samples }, undefined, 2)}\n`);
  process.stderr.write(`${file}\n`);
  if (words.page) for (const written of writePage(results)) process.stderr.write(`${written}\n`);
}

function namesIn<Name extends PeerName | WorkloadName>(
  flag: string,
  text: string | undefined,
  known: readonly Name[],
): readonly Name[] | undefined {
  if (text === undefined) return undefined;
  const names = text.split(",");
  const unknown = names.find((name) => !known.includes(name as Name));
  if (unknown === undefined) return names as Name[];
  console.error(`--${flag} has ${unknown}; known are ${known.join(", ")}.`);
  process.exit(2);
}
