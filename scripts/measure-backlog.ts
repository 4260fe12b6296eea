import { type ChildProcess, fork } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedEngine } from "../packages/broker/src/embedded/embedded-engine.ts";
import type { HousekeepingSettings } from "../packages/broker/src/embedded/housekeeper.ts";
import { FileJournal } from "../packages/broker/src/embedded/journal/file-journal.ts";
import type { Engine } from "../packages/broker/src/engine/engine.ts";
import { SystemClock } from "../packages/broker/src/runtime/system/system-clock.ts";
import { SystemDisk } from "../packages/broker/src/runtime/system/system-disk.ts";
import { SystemRandom } from "../packages/broker/src/runtime/system/system-random.ts";
import { silentLog } from "../packages/broker/src/testing/silent-log.ts";
import { DEFAULTS } from "../packages/broker/test/conformance/bench.ts";

/**
 * What a backlog costs (RET-2): so many retained messages of 200 bytes on a real disk, in a temporary directory; then starts
 * from the whole journal and from a snapshot, resident memory, and how fast a group reads beside a broker that holds nothing
 * else. Each step has a process of its own. Bounded by the number of messages; takes about a minute for each million.
 */

const BODY = "x".repeat(200);
const IN_FLIGHT = 4_000;
const CONSUMED = 50_000;
const CONSUMERS = 16;
const NEVER = new AbortController().signal;
const NO_SNAPSHOTS = {
  snapshotAfterBytes: Number.MAX_SAFE_INTEGER,
  snapshotAfterAtMostBytes: Number.MAX_SAFE_INTEGER,
  snapshotAtStopAfterBytes: Number.POSITIVE_INFINITY,
};
const SNAPSHOT_AT_STOP = {
  ...NO_SNAPSHOTS,
  snapshotAtStopAfterBytes: 0,
  snapshotAtStopUpToBytes: Number.MAX_SAFE_INTEGER,
};

interface Step {
  readonly directory: string;
  readonly does: "publish" | "start" | "keep-snapshot" | "consume";
  readonly count: number;
}

/** A time by the clock and by the processor: on a busy machine only the second means something. */
interface Cost {
  readonly seconds: number;
  readonly processorSeconds: number;
}

interface Outcome {
  readonly opening: Cost;
  readonly work: Cost;
  readonly residentMegabytes: number;
}

/** Runs the whole of it and prints a table. */
export async function measureBacklog(messages: number): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "stagemq-backlog-"));
  const [full, empty] = [join(directory, "full"), join(directory, "empty")];
  try {
    row("figure", "value");
    row("---", "---");
    const published = await inProcess({ directory: full, does: "publish", count: messages });
    row(`published, ${messages.toLocaleString("en-US")} messages of ${BODY.length} bytes`, rate(messages, published));
    row("journal", `${megabytes(await bytesOf(full, ".seg"))} MB`);
    const replayed = await inProcess({ directory: full, does: "start", count: 0 });
    row("start from the whole journal", show(replayed.opening));
    const kept = await inProcess({ directory: full, does: "keep-snapshot", count: 0 });
    row("stop with a snapshot", show(kept.work));
    row("snapshot", `${megabytes(await bytesOf(full, ".snap"))} MB`);
    const restored = await inProcess({ directory: full, does: "start", count: 0 });
    row("start from a snapshot", show(restored.opening));
    row("resident memory after it", `${restored.residentMegabytes.toFixed(0)} MB`);
    await inProcess({ directory: empty, does: "publish", count: CONSUMED });
    const beside = await inProcess({ directory: empty, does: "consume", count: CONSUMED });
    row(`consumed from a broker with ${CONSUMED.toLocaleString("en-US")} messages`, rate(CONSUMED, beside));
    const consumed = await inProcess({ directory: full, does: "consume", count: Math.min(CONSUMED, messages) });
    row("consumed from the backlog", rate(Math.min(CONSUMED, messages), consumed));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function inProcess(step: Step): Promise<Outcome> {
  const child: ChildProcess = fork(import.meta.filename, [JSON.stringify(step)]);
  return await new Promise((resolve, reject) => {
    child.once("message", (outcome) => resolve(outcome as Outcome));
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${step.does} ended with ${code} before it was done`)));
  });
}

async function take({ directory, does, count }: Step): Promise<Outcome> {
  const opening = stopwatch();
  const engine = await open(directory, does === "keep-snapshot" ? SNAPSHOT_AT_STOP : NO_SNAPSHOTS);
  const opened = opening();
  const residentMegabytes = await residentNow();
  const working = stopwatch();
  if (does === "publish") await publishAll(engine, count);
  if (does === "consume") await consumeAll(engine, count);
  if (does === "keep-snapshot") await engine.stop();
  const work = working();
  await engine.stop();
  return { opening: opened, work, residentMegabytes };
}

function stopwatch(): () => Cost {
  const startedAt = performance.now();
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return { seconds: (performance.now() - startedAt) / 1_000, processorSeconds: (user + system) / 1_000_000 };
  };
}

function open(directory: string, housekeeping: Partial<HousekeepingSettings>): Promise<Engine> {
  const clock = new SystemClock();
  const disk = new SystemDisk({ pid: process.pid, uid: process.getuid?.() });
  const runtime = { clock, log: silentLog, random: new SystemRandom(), disk };
  const journal = new FileJournal(runtime, { directory, version: "0.0.0-measured" });
  return openEmbeddedEngine({ journal, runtime, settings: { ...DEFAULTS, housekeeping }, waitClocks: [clock] });
}

async function publishAll(engine: Engine, count: number): Promise<void> {
  const topic = { instance: "i", topic: "backlog" };
  const message = { body: BODY, tag: "", key: "key", properties: [] };
  const call = { caller: "measure", requestId: "measure", signal: NEVER };
  for (let left = count; left > 0; left -= IN_FLIGHT) {
    const publishes = Array.from({ length: Math.min(left, IN_FLIGHT) }, () =>
      engine.publish(call, { topic, message, intent: { kind: "normal" } }),
    );
    await Promise.all(publishes);
  }
}

async function consumeAll(engine: Engine, count: number): Promise<void> {
  const names = { topic: { instance: "i", topic: "backlog" }, group: { instance: "i", group: "GID_measured" } };
  const call = { caller: "measure", requestId: "measure", signal: NEVER };
  let left = count;
  const consume = async (): Promise<void> => {
    while (left > 0) {
      left -= 16;
      const poll = { ...names, mode: "concurrent", tags: "*", maxMessages: 16, waitUpTo: 0 } as const;
      const deliveries = await engine.receive(call, poll);
      await engine.acknowledge(call, { ...names, handles: deliveries.map(({ handle }) => handle) });
    }
  };
  await Promise.all(Array.from({ length: CONSUMERS }, consume));
}

async function residentNow(): Promise<number> {
  const status = await readFile("/proc/self/status", "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1_024;
}

async function bytesOf(directory: string, ending: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(directory)) {
    if (name.endsWith(ending)) bytes += (await stat(join(directory, name))).size;
  }
  return bytes;
}

function show({ seconds, processorSeconds }: Cost): string {
  return `${seconds.toFixed(2)} s, ${processorSeconds.toFixed(2)} s of the processor`;
}

function rate(count: number, { work }: Outcome): string {
  const perSecond = Math.round(count / work.seconds).toLocaleString("en-US");
  return `${perSecond}/s, ${((work.processorSeconds / count) * 1_000_000).toFixed(0)} µs of the processor each`;
}

function megabytes(bytes: number): string {
  return (bytes / 1_048_576).toFixed(0);
}

function row(name: string, value: string): void {
  process.stdout.write(`| ${name} | ${value} |\n`);
}

const step = process.argv[2];
if (process.send !== undefined && step !== undefined) {
  const outcome = await take(JSON.parse(step) as Step);
  process.send(outcome, () => process.exit(0));
}
