import { type ChildProcess, spawn } from "node:child_process";
import { resolve } from "node:path";
import { newDirectory } from "./broker-process.ts";

const MAIN = resolve(import.meta.dirname, "../../packages/cli/dist/main.js");

export interface VerbOptions {
  /** Whose endpoint is in the environment; absent: nothing is. */
  readonly broker?: { readonly endpoint: string };
  /** Written to standard input, which ends then. Absent: it ends at once. */
  readonly input?: string | Uint8Array;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface VerbEnded {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  readonly errorOutput: string;
}

/** `stagemq send`, `consume`, … in a process of its own, while it runs. */
export class VerbProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<VerbEnded>;
  #output = "";
  #errorOutput = "";
  #wake: () => void = () => {};

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#output += text;
      this.#wake();
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#errorOutput += text;
    });
    this.ended = new Promise((end) => {
      child.once("close", (code, signal) => {
        end({ code, signal, output: this.#output, errorOutput: this.#errorOutput });
        this.#wake();
      });
    });
  }

  /** Waits until so many lines stand on its standard output, or until it has ended. */
  async lines(count: number): Promise<string[]> {
    let isOver = false;
    this.ended.then(
      () => {
        isOver = true;
      },
      () => {},
    );
    for (;;) {
      const lines = this.#output.split("\n").slice(0, -1);
      if (lines.length >= count || isOver) return lines;
      await new Promise<void>((more) => {
        this.#wake = more;
      });
    }
  }
}

export async function startVerb(args: readonly string[], options: VerbOptions = {}): Promise<VerbProcess> {
  const { broker, input = "", environment = {} } = options;
  const endpoint = broker === undefined ? {} : { STAGEMQ_ENDPOINT: broker.endpoint };
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: await newDirectory(),
    env: { ...withoutKeys(process.env), ...endpoint, ...environment },
    stdio: ["pipe", "pipe", "pipe"],
  });
  // It may end before it has read all.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  return new VerbProcess(child);
}

export async function runVerb(args: readonly string[], options: VerbOptions = {}): Promise<VerbEnded> {
  const verb = await startVerb(args, options);
  return verb.ended;
}

function withoutKeys(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/^(ALIBABA_CLOUD|STAGEMQ)_/.test(name)));
}
