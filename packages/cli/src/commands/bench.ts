import { type BenchOutcome, type BenchPlan, BenchRun, RefusedError } from "../bench/bench-run.ts";
import type { Caller } from "../bench/signed-operation.ts";
import type { Verdict } from "../bench/tally.ts";
import { EXIT } from "../exit-codes.ts";
import type { Host } from "../host.ts";
import { speaksNoTls } from "../messages/speaks-no-tls.ts";
import { formatBar, showProgress } from "../progress-bar.ts";
import { UsageMistake } from "../usage-mistake.ts";

/** What the command line of `bench` says. */
export interface BenchFlags {
  readonly endpoint?: string;
  readonly instance?: string;
  readonly topic?: string;
  readonly group?: string;
  readonly conns?: string;
  readonly size?: string;
  readonly time?: string;
  readonly messages?: string;
  readonly ordered?: boolean;
  readonly verify?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const LOCAL = "http://127.0.0.1:4876";
const LOOPBACK = /^(localhost|127[.][\d.]+|\[::1\])$/;
const MAX = { conns: 1_000, sizeBytes: 4 * 1_024 * 1_024, timeMs: 3_600_000, messages: 100_000_000 } as const;
const UNITS: Readonly<Record<string, number>> = { "": 1, b: 1, kib: 1_024, k: 1_024, mib: 1_048_576, m: 1_048_576 };
const SPANS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const SHOWN_EVERY_MS = 100;
const NAMED = 3;

/** Puts load on any endpoint, and verifies what comes back. Asks first where that could cost money. Resolves to the exit code. */
export async function bench(flags: BenchFlags, host: Host): Promise<number> {
  let plan: BenchPlan;
  try {
    plan = toPlan(flags, host);
  } catch (error) {
    if (!(error instanceof UsageMistake)) throw error;
    host.tell(`${error.message}\n`);
    return error.exitCode;
  }
  const mayGoOn = await agree(plan, flags, host);
  if (mayGoOn !== EXIT.ok) return mayGoOn;
  try {
    const outcome = await runWithProgress(plan, flags, host);
    host.answer(flags.json ? `${JSON.stringify(outcome)}\n` : formatOutcome(outcome));
    return isGood(outcome) ? EXIT.ok : EXIT.failure;
  } catch (error) {
    return tellFailure(error, plan, host);
  }
}

function toPlan(flags: BenchFlags, { environment, pid }: Host): BenchPlan {
  const endpoint = readEndpoint(flags.endpoint ?? (environment.STAGEMQ_ENDPOINT || LOCAL));
  return {
    caller: { endpoint, ...readKeys(endpoint, environment) },
    instance: flags.instance,
    topic: flags.topic ?? "stagemq_bench",
    group: flags.group ?? "GID_stagemq_bench",
    connections: readAmount("--conns", flags.conns ?? "64", { units: { "": 1 }, max: MAX.conns, example: "64" }),
    bodyBytes: readAmount("--size", flags.size ?? "500", { units: UNITS, max: MAX.sizeBytes, example: "500 or 64k" }),
    forMs: readAmount("--time", flags.time ?? "10s", { units: SPANS, max: MAX.timeMs, example: "30s or 5m" }),
    maxMessages: readAmount("--messages", flags.messages ?? String(MAX.messages), {
      units: { "": 1 },
      max: MAX.messages,
      example: "100000",
    }),
    ordered: flags.ordered ?? false,
    verify: flags.verify ?? false,
    run: `${Date.now().toString(36)}-${pid.toString(36)}`,
  };
}

function readEndpoint(text: string): URL {
  const endpoint = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = endpoint?.pathname === "/" && endpoint.search === "" && !text.endsWith("/");
  if (isPlain && /^https?:$/.test(endpoint.protocol)) return endpoint;
  throw new UsageMistake(`${text} is no endpoint: http://HOST:PORT, no path, no slash at the end.`);
}

function readKeys(endpoint: URL, environment: Host["environment"]): Omit<Caller, "endpoint"> {
  const { ALIBABA_CLOUD_ACCESS_KEY_ID: id, ALIBABA_CLOUD_ACCESS_KEY_SECRET: secret } = environment;
  const securityToken = environment.ALIBABA_CLOUD_SECURITY_TOKEN || undefined;
  if (id && secret) return { accessKeyId: id, accessKeySecret: secret, securityToken };
  // What every stagemq dev knows; nothing else listens there by that name.
  if (isLocal(endpoint)) return { accessKeyId: "dev", accessKeySecret: "dev-secret", securityToken: undefined };
  throw new UsageMistake("Set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET.");
}

function isLocal({ hostname }: URL): boolean {
  return LOOPBACK.test(hostname);
}

/** A whole number with a unit behind it, between 1 and the greatest that makes sense. */
function readAmount(
  flag: string,
  text: string,
  { units, max, example }: { units: Readonly<Record<string, number>>; max: number; example: string },
): number {
  const [, digits = "", unit = ""] = /^(\d+) ?([a-z]*)$/i.exec(text) ?? [];
  const amount = Number(digits) * (units[unit.toLowerCase()] ?? Number.NaN);
  if (digits !== "" && amount >= 1 && amount <= max) return amount;
  const [largest = "", factor = 1] = Object.entries(units).findLast(([, size]) => size <= max) ?? [];
  throw new UsageMistake(
    `${flag} is "${text}"; it must be at most ${count(max / factor)}${largest}, for example ${example}.`,
  );
}

/** Whether to go on, as an exit code: what is published elsewhere may cost money, and may disturb somebody. */
async function agree(
  { caller, topic, group, verify, ...plan }: BenchPlan,
  flags: BenchFlags,
  host: Host,
): Promise<number> {
  if (isLocal(caller.endpoint) || flags.yes) return EXIT.ok;
  const polled = verify ? `,\nand polls and acknowledges EVERYTHING that lies there for the group ${group}` : "";
  host.tell(`stagemq bench publishes to ${topic} at ${caller.endpoint.origin}, as fast as ${plan.connections} connections
can for ${plan.forMs / 1_000} s, at most ${count(plan.maxMessages)} messages${polled}.\n`);
  if (!host.interactive) {
    host.tell("Here is nobody to ask. Add --yes to go on without asking.\n");
    return EXIT.usage;
  }
  if (/^y(es)?$/i.test((await host.ask("Go on? [y/N] ")).trim())) return EXIT.ok;
  host.tell("Nothing was published.\n");
  return EXIT.failure;
}

async function runWithProgress(plan: BenchPlan, { quiet = false }: BenchFlags, host: Host): Promise<BenchOutcome> {
  const run = new BenchRun(plan);
  const progress = showProgress(host, {
    quiet,
    format: ({ done, total, forMs }) => {
      const share = Math.max(done / total, run.published / plan.maxMessages);
      const rate = count((run.published / Math.max(1, forMs)) * 1_000);
      const left = done < total ? `${Math.ceil((total - done) / 1_000)} s left` : "waiting for the rest";
      const received = plan.verify ? ` · ${count(run.received)} received` : "";
      return `${formatBar(share)}  ${count(run.published)} messages · ${rate}/s${received} · ${left}`;
    },
  });
  progress.begin(plan.forMs);
  const timer = setInterval(() => progress.add(SHOWN_EVERY_MS), SHOWN_EVERY_MS);
  const stopped = host.stopRequested().then(() => {
    run.stop();
    return new Promise<never>(() => {});
  });
  try {
    return await Promise.race([run.run(), stopped]);
  } finally {
    clearInterval(timer);
    progress.end();
  }
}

function isGood({ unconfirmed, verdict }: BenchOutcome): boolean {
  return unconfirmed === 0 && (verdict === undefined || troublesOf(verdict).length === 0);
}

/** What was measured, for people. */
export function formatOutcome(outcome: BenchOutcome): string {
  const { published, publishSeconds, latency, unconfirmed, received, receiveSeconds = 0, verdict } = outcome;
  const times = [`p50 ${millis(latency.p50)}`, `p99 ${millis(latency.p99)}`, `most ${millis(latency.max)}`];
  const lines = [`published   ${formatRate(published, publishSeconds)}, ${times.join(", ")}`];
  if (unconfirmed > 0) lines.push(`unanswered  ${count(unconfirmed)} publishes: they may or may not be stored`);
  if (received !== undefined) lines.push(`received    ${formatRate(received, receiveSeconds)}`);
  if (verdict !== undefined) lines.push(...formatVerdict(verdict));
  return `${lines.join("\n")}\n`;
}

function formatVerdict(verdict: Verdict): string[] {
  const troubles = troublesOf(verdict);
  const { again, foreign } = verdict;
  const notes = [
    ...(again > 0 ? [`${count(again)} came more than once, which is allowed`] : []),
    ...(foreign > 0 ? [`${count(foreign)} were not of this run`] : []),
  ];
  const order = verdict.outOfOrder === undefined ? "" : ", nothing out of order";
  if (troubles.length === 0) return [`verified    ${[`nothing lost, nothing changed${order}`, ...notes].join("; ")}`];
  return [...troubles, ...notes].map((line) => `verified    ${line}`);
}

function troublesOf({ lost, outOfOrder = [], changed }: Verdict): string[] {
  return [
    name(lost, "LOST: confirmed, and never came"),
    name(changed, "CHANGED: came with another body"),
    name(outOfOrder, "OUT OF ORDER: came after a later one of its connection"),
  ].flat();
}

function name(labels: readonly string[], trouble: string): string[] {
  if (labels.length === 0) return [];
  const more = labels.length > NAMED ? ", …" : "";
  return [`${count(labels.length)} ${trouble} (keys ${labels.slice(0, NAMED).join(", ")}${more})`];
}

function tellFailure(error: unknown, { caller }: BenchPlan, host: Host): number {
  if (error instanceof RefusedError) {
    host.tell(`${caller.endpoint.origin} refuses: ${error.message}\n`);
    return error.status === 403 ? EXIT.denied : error.status === 404 ? EXIT.notFound : EXIT.failure;
  }
  if (!(error instanceof Error && "code" in error)) throw error;
  const question = speaksNoTls(error) ? "Does it speak http?" : "Is a broker there?";
  host.tell(`${caller.endpoint.origin} cannot be reached: ${error.message.trim()}. ${question}\n`);
  return EXIT.unreachable;
}

function formatRate(messages: number, seconds: number): string {
  return `${count(messages)} in ${seconds.toFixed(1)} s: ${count(seconds === 0 ? 0 : messages / seconds)}/s`;
}

function millis(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}

function count(amount: number): string {
  return Math.round(amount).toLocaleString("en-US");
}
