import { type ExecFileException, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import type { Ready } from "../process/broker-process.ts";

const run = promisify(execFile);

export interface Outcome {
  readonly exitCode: number;
  readonly output: string;
  readonly errorOutput: string;
}

export interface Serving {
  readonly ready: Ready;
  /** The exit code of the command. */
  readonly ended: Promise<number | null>;
}

/** A folder of a user who knows nothing of this repository: its commands find nothing of what is installed here. */
export class EmptyFolder {
  readonly path: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #started: (() => void)[] = [];

  constructor(path: string) {
    this.path = join(path, "shop");
    const ours = /^(npm_|NODE_|VITEST|STAGEMQ_|ALIBABA_)/i;
    const kept = Object.entries(process.env).filter(([name]) => !ours.test(name));
    const search = (process.env.PATH ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
    this.#environment = {
      ...Object.fromEntries(kept),
      PATH: [dirname(process.execPath), ...search].join(delimiter),
      npm_config_cache: join(path, "npm-cache"),
      npm_config_userconfig: join(path, "npmrc"),
      npm_config_globalconfig: join(path, "global-npmrc"),
      npm_config_update_notifier: "false",
    };
  }

  async write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(this.path, name)), { recursive: true });
      await writeFile(join(this.path, name), text);
    }
  }

  /** Runs a command to its end. */
  async run(program: string, ...args: readonly string[]): Promise<Outcome> {
    const { stdout, stderr, code } = await run(program, args, { cwd: this.path, env: this.#environment }).then(
      (done) => ({ ...done, code: 0 }),
      (error: ExecFileException & { stdout: string; stderr: string }) => error,
    );
    return { exitCode: Number(code), output: stdout, errorOutput: stderr };
  }

  /** The same for a command that has to end well; what it wrote. */
  async outputOf(program: string, ...args: readonly string[]): Promise<string> {
    const { exitCode, output, errorOutput } = await this.run(program, ...args);
    if (exitCode !== 0)
      throw new Error(`${program} ${args.join(" ")} ended with ${exitCode}:\n${output}${errorOutput}`);
    return output;
  }

  /** The packages that node takes files from while it runs this. */
  async packagesLoadedBy(...args: readonly string[]): Promise<string[]> {
    const coverage = join(this.path, "coverage");
    await run(process.execPath, args, { cwd: this.path, env: { ...this.#environment, NODE_V8_COVERAGE: coverage } });
    const reports = (await readdir(coverage)).map((file) => readFile(join(coverage, file), "utf8"));
    const urls = (await Promise.all(reports)).flatMap((report) =>
      (JSON.parse(report) as { result: { url: string }[] }).result.map(({ url }) => url),
    );
    const names = urls.flatMap((url) => /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules)/.exec(url)?.[1] ?? []);
    return [...new Set(names)];
  }

  /** Starts a command that tells in a line of JSON that it serves. */
  async serve(program: string, ...args: readonly string[]): Promise<Serving> {
    const child = spawn(program, args, { cwd: this.path, env: this.#environment, stdio: ["ignore", "pipe", "pipe"] });
    const ended = once(child, "close").then(([code]) => code as number | null);
    this.#started.push(() => child.kill("SIGKILL"));
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    const first = new Promise<string>((answer) => createInterface({ input: child.stdout }).once("line", answer));
    const line = await Promise.race([first, ended]);
    if (typeof line !== "string") throw new Error(`${program} ${args.join(" ")} ended with ${line}:\n${said}`);
    const ready = JSON.parse(line) as Ready;
    this.#started.push(() => killIfThere(ready.pid));
    return { ready, ended };
  }

  /** Ends what still runs. */
  endAll(): void {
    for (const end of this.#started) end();
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
