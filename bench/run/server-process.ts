import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { pinned } from "./pinned.ts";
import { readUsage, treeOf, type Usage } from "./usage.ts";

export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** For what refuses to run as root. */
  readonly as?: { readonly uid: number; readonly gid: number };
}

const START_WITHIN_MS = 60_000;
/** A broker may write a snapshot of gigabytes before it ends. */
const STOP_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 20;
const KEPT_WORDS = 2_000;

/** A server that the suite has started, on the core that is kept for servers. */
export class ServerProcess {
  static readonly #all = new Set<ServerProcess>();

  readonly #child: ChildProcess;
  readonly #startedAt = performance.now();
  #words = "";

  constructor({ command, args, environment = {}, as = undefined }: ServerCommand) {
    const [program, words] = pinned("server", command, args);
    this.#child = spawn(program, words, {
      // Erlang ends where its standard input does.
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...environment },
      ...as,
    });
    ServerProcess.#all.add(this);
    this.#child.once("exit", () => ServerProcess.#all.delete(this));
    this.#child.on("error", (error) => {
      this.#words += error.message;
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on("data", (chunk: Buffer) => {
        this.#words = (this.#words + chunk.toString()).slice(-KEPT_WORDS);
      });
  }

  /** Whatever still runs. */
  static async stopAll(): Promise<void> {
    await Promise.all([...ServerProcess.#all].map((server) => server.stop()));
  }

  get pid(): number {
    return this.#child.pid ?? Number.NaN;
  }

  get hasEnded(): boolean {
    return this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** What it said last. */
  get words(): string {
    return this.#words.trim();
  }

  usage(): Promise<Usage> {
    return readUsage(this.pid);
  }

  /** The first line it says, and after how many milliseconds. */
  async firstLine(): Promise<{ line: string; afterMs: number }> {
    const { stdout } = this.#child;
    if (stdout === null) throw new Error("it has no standard output");
    const lines = createInterface({ input: stdout });
    const ended = once(this.#child, "exit").then(() => {
      throw new Error(`it ended: ${this.words}`);
    });
    const [line] = (await Promise.race([once(lines, "line"), ended])) as [string];
    return { line, afterMs: performance.now() - this.#startedAt };
  }

  /** Waits until somebody listens on a port of loopback. */
  async listensOn(port: number): Promise<void> {
    const deadline = performance.now() + START_WITHIN_MS;
    while (!(await isListening(port))) {
      if (this.hasEnded) throw new Error(`it ended: ${this.words}`);
      if (performance.now() > deadline) throw new Error(`nobody listens on ${port} after 60 s: ${this.words}`);
      await pause(LOOK_EVERY_MS);
    }
  }

  /** By the ids of what was started, children first where it does not end by itself. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    if (this.hasEnded) return;
    const tree = await treeOf(this.pid);
    const ended = once(this.#child, "exit");
    const all = signal === "SIGKILL" ? tree : [this.pid];
    for (const pid of all) kill(pid, signal);
    const waited = new AbortController();
    const isLate = await Promise.race([
      ended.then(() => false),
      pause(STOP_WITHIN_MS, true, { signal: waited.signal }).catch(() => false),
    ]);
    waited.abort();
    if (isLate) for (const pid of tree.toReversed()) kill(pid, "SIGKILL");
    await ended;
  }
}

/** A port of loopback that nobody uses now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  return (await new Promise((resolve) => {
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
  }).finally(() => socket.destroy())) as boolean;
}

function kill(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has gone by itself.
  }
}
