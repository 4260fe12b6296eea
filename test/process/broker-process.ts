import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

const ROOT = resolve(import.meta.dirname, "../..");
const MAIN = join(ROOT, "packages/cli/dist/main.js");
/** Longer is a hang. A large backlog may take 5 s (RET-2), and a machine with ten times as much to do as it can has been seen. */
const READY_WITHIN_MS = 60_000;
/** Many brokers share one disk here, and none of them needs 64 MiB in reserve (DUR-3). */
const SMALL_RESERVE = { STAGEMQ_RESERVE_BYTES: "8MiB" };

/** The line of `--ready-json`. */
export interface Ready {
  readonly event: "ready";
  readonly http: string;
  readonly accessKeyId?: string;
  readonly accessKeySecret?: string;
  readonly instance: string;
  readonly dataDirectory?: string;
  readonly pid: number;
  readonly version: string;
  readonly test?: string;
  readonly fast?: boolean;
}

export interface BrokerOptions {
  readonly command?: "dev" | "serve";
  /** Beside `--ready-json`, and `--http 127.0.0.1:0` unless given. */
  readonly args?: readonly string[];
  /** Absent: a new one, removed at the end of the test process. */
  readonly dataDirectory?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** What to run in front of node, such as strace. */
  readonly under?: readonly string[];
  /** Absent: a new one. */
  readonly startedIn?: string;
  /** Who runs it; only root may choose. */
  readonly uid?: number;
  /** kill -9 this long after it was started, whether it serves by then or not. */
  readonly killedAfterMs?: number;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** It ended before it served, or neither came in time. */
export class DidNotStart extends Error {
  readonly ended: Ended | undefined;
  /** What it said on standard error. */
  readonly errorOutput: string;

  constructor(ended: Ended | undefined, errorOutput: string) {
    const how =
      ended === undefined ? `within ${READY_WITHIN_MS / 1_000} s` : `and ended with ${ended.code ?? ended.signal}`;
    super(`the broker did not start ${how}:\n${errorOutput}`);
    this.ended = ended;
    this.errorOutput = errorOutput;
  }
}

export interface RunEnded extends Ended {
  readonly output: string;
  readonly errorOutput: string;
}

/** A real broker in a process of its own, as a user would run it. */
export class BrokerProcess {
  readonly ready: Ready;
  /** Resolves when the process is gone. */
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  readonly #errorOutput: string[];

  constructor(child: ChildProcess, ready: Ready, ended: Promise<Ended>, errorOutput: string[]) {
    this.#child = child;
    this.ready = ready;
    this.ended = ended;
    this.#errorOutput = errorOutput;
  }

  /** Starts one and waits until it serves; rejects with a DidNotStart when it does not. */
  static async start(options: BrokerOptions = {}): Promise<BrokerProcess> {
    const started = await launch(options);
    const line = await Promise.race([started.firstLine, started.ended, late()]);
    if (typeof line !== "string") throw new DidNotStart(line, started.errorOutput.join(""));
    const ready = JSON.parse(line) as Ready;
    running.get(started.child)?.push(ready.pid);
    return new BrokerProcess(started.child, ready, started.ended, started.errorOutput);
  }

  get endpoint(): string {
    return this.ready.http;
  }

  /** What it has said on standard error so far. */
  get log(): string {
    return this.#errorOutput.join("");
  }

  /** The lines of its log with this event, so far. */
  logged(event: string): Record<string, unknown>[] {
    const lines = this.log.split("\n").filter((line) => line.includes(`"event":"${event}"`));
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Its ends of the pipes that it writes to, for a reader that stops reading or goes away. */
  get pipes(): { readonly output: Readable; readonly errorOutput: Readable } {
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new Error("it has no pipes");
    return { output: stdout, errorOutput: stderr };
  }

  /** Sends a signal to the broker itself, not to what runs around it. */
  signal(name: NodeJS.Signals): void {
    process.kill(this.ready.pid, name);
  }

  /** kill -9. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.signal("SIGKILL");
    await this.ended;
  }

  /** TERM; resolves when it is gone. */
  async stop(): Promise<Ended> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.signal("SIGTERM");
    return this.ended;
  }

  /** Moves a simulated clock; resolves with its time. `"0s"` only asks. */
  async advance(by: string): Promise<Date> {
    const { now } = (await this.#test("advance", { by })) as { now: string };
    return new Date(now);
  }

  async reset(): Promise<void> {
    await this.#test("reset", {});
  }

  async #test(what: string, body: object): Promise<unknown> {
    const response = await fetch(`${this.ready.test}/api/v1/test/${what}`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${what}: ${response.status} ${await response.text()}`);
    return response.json();
  }
}

/** Runs the broker where it is expected not to start: what it said, and how it ended. */
export async function runToEnd(options: BrokerOptions): Promise<RunEnded> {
  const { ended, output, errorOutput } = await launch(options);
  const end = await ended;
  return { ...end, output: output.join(""), errorOutput: errorOutput.join("") };
}

/** Runs the program with just these words. */
export async function runProgram(...args: readonly string[]): Promise<RunEnded> {
  const { ended, output, errorOutput } = follow([process.execPath, MAIN, ...args], { cwd: await newDirectory() });
  const end = await ended;
  return { ...end, output: output.join(""), errorOutput: errorOutput.join("") };
}

/** A folder that is gone when the test process ends well. */
export async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "stagemq-test-"));
  directories.push(directory);
  return directory;
}

/** Ends every broker that a test forgot, also those under a tracer, which would outlive it; resolves when they are gone. */
export async function endAll(): Promise<void> {
  await Promise.all(
    [...running].map(async ([child, pids]) => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGKILL");
        for (const pid of pids) if (pid !== child.pid) killIfThere(pid);
        await once(child, "close");
      }
    }),
  );
}

/** Removes what tests left behind, and ends every broker that a test forgot. To be called after all tests of a file. */
export async function cleanUp(): Promise<void> {
  await endAll();
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true });
}

const directories: string[] = [];
/** What was started and is not gone, and the brokers that run in it. */
const running = new Map<ChildProcess, number[]>();

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

interface Launched {
  readonly child: ChildProcess;
  readonly firstLine: Promise<string>;
  readonly ended: Promise<Ended>;
  readonly output: string[];
  readonly errorOutput: string[];
}

async function launch(options: BrokerOptions): Promise<Launched> {
  const { command = "dev", args = [], environment = {}, under = [], uid, killedAfterMs } = options;
  const keeps = !args.includes("--ephemeral") && !args.includes("--data") && !args.includes("simulated");
  const data = options.dataDirectory ?? (keeps ? await newDirectory() : undefined);
  const cwd = options.startedIn ?? (await newDirectory());
  if (uid !== undefined) await chown(cwd, uid, uid);
  const line = [
    ...under,
    process.execPath,
    MAIN,
    command,
    ...(args.includes("--http") ? [] : ["--http", "127.0.0.1:0"]),
    "--ready-json",
    ...(data === undefined ? [] : ["--data", data]),
    ...args,
  ];
  return follow(line, {
    cwd,
    env: { ...process.env, ...SMALL_RESERVE, ...environment },
    ...(uid === undefined ? {} : { uid, gid: uid }),
    ...(killedAfterMs === undefined ? {} : { timeout: killedAfterMs, killSignal: "SIGKILL" }),
  });
}

function follow([program = "", ...args]: readonly string[], options: SpawnOptions): Launched {
  const child = spawn(program, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  running.set(child, []);
  const output: string[] = [];
  const errorOutput: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => errorOutput.push(text));
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (text) => output.push(`${text}\n`));
  const firstLine = new Promise<string>((resolveLine) => lines.once("line", resolveLine));
  const ended = new Promise<Ended>((resolveEnd) => {
    child.once("close", (code, signal) => {
      running.delete(child);
      resolveEnd({ code, signal });
    });
  });
  return { child, firstLine, ended, output, errorOutput };
}

function late(): Promise<undefined> {
  return new Promise((resolveLate) => {
    setTimeout(() => resolveLate(undefined), READY_WITHIN_MS).unref();
  });
}
