import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Tasks } from "../load/tasks.ts";
import type { PeerName } from "../peers/peer.ts";
import { pinned } from "./pinned.ts";
import { BENCH, ROOT } from "./places.ts";

/** A young generation that is large enough keeps the collector from setting the pace. */
const NODE_FLAGS = ["--conditions=source", "--max-semi-space-size=64", "--import", "tsx"];

/** The clients of one server, in a process of their own on the core that is kept for clients. */
export class LoadProcess {
  readonly #child: ChildProcess;

  static async open(peer: PeerName, port: number): Promise<LoadProcess> {
    const args = [...NODE_FLAGS, join(BENCH, "load/main.ts"), peer, String(port)];
    const [program, words] = pinned("client", process.execPath, args);
    const child = spawn(program, words, { cwd: ROOT, stdio: ["ignore", "inherit", "inherit", "ipc"] });
    const load = new LoadProcess(child);
    await load.#answer();
    return load;
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Tasks are asked for one after the other. */
  async do<Name extends keyof Tasks>(
    task: Name,
    words: Parameters<Tasks[Name]>[0],
  ): Promise<Awaited<ReturnType<Tasks[Name]>>> {
    const answered = this.#answer();
    this.#child.send({ task, words });
    return (await answered) as Awaited<ReturnType<Tasks[Name]>>;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    if (this.#child.connected) this.#child.disconnect();
    else this.#child.kill();
    await ended;
  }

  async #answer(): Promise<unknown> {
    const waited = new AbortController();
    const message = once(this.#child, "message", waited);
    const exit = once(this.#child, "exit", waited).then(() => [{ error: "the load process ended" }]);
    const [{ result, error }] = (await Promise.race([message, exit])) as [{ result?: unknown; error?: string }];
    waited.abort();
    for (const each of [message, exit]) each.catch(() => {});
    if (error !== undefined) throw new Error(error);
    return result;
  }
}
