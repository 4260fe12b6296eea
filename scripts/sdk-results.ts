import { execFile } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { OWN_CLIENTS } from "../test/sdk/own-clients.ts";
import { SDKS, type SdkKit, toolChainOf } from "../test/sdk/sdks.ts";

export const RESULTS = new URL("../docs/compatibility.json", import.meta.url);
const BROKER = new URL("../packages/broker/package.json", import.meta.url);
const run = promisify(execFile);

/** When an SDK was last run through the suite, and with what. */
export interface Ran {
  /** A day: `2026-11-21` */
  readonly on: string;
  readonly stagemq: string;
  readonly toolChain: string;
  /** Of its source, where no registry has the package. */
  readonly commit?: string;
}

export interface ScenarioResult {
  readonly operation: string;
  readonly title: string;
  /** By the name of the SDK; absent: not run. */
  readonly passed: Readonly<Record<string, boolean>>;
}

/** What the runs of some have shown so far. */
export interface Results {
  readonly ran: Readonly<Record<string, Ran>>;
  readonly scenarios: readonly ScenarioResult[];
}

/** Those of the seven official SDKs, and apart from them those of our own clients. */
export interface AllResults extends Results {
  readonly ownClients: Results;
}

export interface PlayedTest {
  readonly ancestorTitles: readonly string[];
  readonly title: string;
  readonly status: string;
}

const NOTHING_RAN: Results = { ran: {}, scenarios: [] };

export function readResults(): AllResults {
  const kept = existsSync(RESULTS) ? (JSON.parse(readFileSync(RESULTS, "utf8")) as Partial<AllResults>) : {};
  return { ...NOTHING_RAN, ownClients: NOTHING_RAN, ...kept };
}

/** Keeps what this run has shown; of SDKs that were left out now, what an earlier one has. */
export async function keepRun(tests: readonly PlayedTest[]): Promise<void> {
  const before = readResults();
  const { ran, scenarios } = await addRun(before, SDKS, tests);
  const ownClients = await addRun(before.ownClients, OWN_CLIENTS, tests);
  writeFileSync(RESULTS, `${JSON.stringify({ ran, scenarios, ownClients }, null, 2)}\n`);
  await run("tsx", ["--conditions=source", "scripts/write-compatibility-page.ts"]);
}

async function addRun(before: Results, kits: readonly SdkKit[], tests: readonly PlayedTest[]): Promise<Results> {
  const played = tests.filter(
    ({ ancestorTitles: [name, operation], status }) =>
      kits.some((kit) => kit.name === name) && operation !== undefined && isVerdict(status),
  );
  const names = new Set(played.map(({ ancestorTitles: [name = ""] }) => name));
  const scenarios = new Map<string, ScenarioResult>();
  for (const {
    ancestorTitles: [name = "", operation = ""],
    title,
    status,
  } of played) {
    const earlier = before.scenarios.find((one) => one.title === title)?.passed ?? {};
    const kept = Object.entries(earlier).filter(([sdk]) => !names.has(sdk));
    const passed = scenarios.get(title)?.passed ?? Object.fromEntries(kept);
    scenarios.set(title, { operation, title, passed: { ...passed, [name]: status === "passed" } });
  }
  const ran: Record<string, Ran> = { ...before.ran };
  for (const kit of kits) if (names.has(kit.name)) ran[kit.name] = await describeRun(kit);
  if (played.length === 0) return before;
  return { ran, scenarios: [...scenarios.values()].map((one) => ({ ...one, passed: inOrderOf(kits, one.passed) })) };
}

/** So that what was left out, or ran first, moves no line. */
function inOrderOf<T>(kits: readonly SdkKit[], byName: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(kits.flatMap(({ name }) => (byName[name] === undefined ? [] : [[name, byName[name]]])));
}

async function describeRun(kit: SdkKit): Promise<Ran> {
  const { version } = JSON.parse(readFileSync(BROKER, "utf8")) as { readonly version: string };
  const commit = await commitOf(kit);
  return {
    on: new Date().toISOString().slice(0, "2026-11-21".length),
    stagemq: version,
    toolChain: await toolChainOf(kit),
    ...(commit === undefined ? {} : { commit }),
  };
}

async function commitOf({ sourceVariable }: SdkKit): Promise<string | undefined> {
  const folder = sourceVariable === undefined ? undefined : process.env[sourceVariable];
  if (folder === undefined) return undefined;
  return run("git", ["-C", folder, "rev-parse", "HEAD"]).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
}

function isVerdict(status: string): boolean {
  return status === "passed" || status === "failed";
}
