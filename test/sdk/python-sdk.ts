import { type ChildProcess, execFile, spawn } from "node:child_process";
import { access, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { type Address, type Sdk, type SdkClient, SdkRefusal } from "./sdk.ts";

const PACKAGE = "mq_http_sdk==1.0.3";
const ENVIRONMENT = resolve(import.meta.dirname, "../../node_modules/.cache/stagemq-python-sdk-1.0.3");
const DRIVER = join(import.meta.dirname, "python-driver.py");
const run = promisify(execFile);

/** Whether there is a Python that can make virtual environments. */
export async function hasPython(): Promise<boolean> {
  return run("python3", ["-c", "import ensurepip, venv"]).then(
    () => true,
    () => false,
  );
}

/** `mq_http_sdk` as PyPI delivers it, in a Python process beside this one. */
export class PythonSdk implements Sdk {
  readonly name = "Python";
  readonly escapesText = true;
  readonly tellsStatus = false;
  readonly #driver: ChildProcess;
  readonly #calls = new Map<number, Waiting>();
  #clientCount = 0;
  #callCount = 0;

  constructor(python: string) {
    this.#driver = spawn(python, [DRIVER], { stdio: ["pipe", "pipe", "inherit"] });
    if (this.#driver.stdout === null) throw new Error("the driver has no output");
    createInterface({ input: this.#driver.stdout }).on("line", (line) => this.#settle(JSON.parse(line) as Outcome));
    this.#driver.once("exit", (code) => this.#fail(`the Python driver ended with ${code}`));
    this.#driver.once("error", (error) => this.#fail(String(error)));
  }

  /** Makes the virtual environment unless it is there already. */
  static async start(): Promise<PythonSdk> {
    return new PythonSdk(await pythonWithSdk());
  }

  connect(address: Address): SdkClient {
    const client = ++this.#clientCount;
    const verb = <Name extends keyof SdkClient>(name: Name) =>
      ((...given: readonly unknown[]) =>
        this.#call({ client, address, verb: name, arguments: given })) as SdkClient[Name];
    return {
      publish: verb("publish"),
      consume: verb("consume"),
      consumeOrderly: verb("consumeOrderly"),
      acknowledge: verb("acknowledge"),
      publishHalf: verb("publishHalf"),
      consumeHalf: verb("consumeHalf"),
      commit: verb("commit"),
      rollback: verb("rollback"),
    };
  }

  end(): void {
    this.#driver.kill();
  }

  #call(call: object): Promise<unknown> {
    const number = ++this.#callCount;
    return new Promise((resolveCall, reject) => {
      this.#calls.set(number, { resolve: resolveCall, reject });
      this.#driver.stdin?.write(`${JSON.stringify({ call: number, ...call })}\n`);
    });
  }

  #settle({ call, gives, refused, failed }: Outcome): void {
    const waiting = this.#calls.get(call);
    this.#calls.delete(call);
    if (refused !== undefined) waiting?.reject(new SdkRefusal(refused.code, refused.message));
    else if (failed !== undefined) waiting?.reject(new Error(failed));
    else waiting?.resolve(gives);
  }

  #fail(reason: string): void {
    for (const { reject } of this.#calls.values()) reject(new Error(reason));
    this.#calls.clear();
  }
}

interface Waiting {
  readonly resolve: (gives: unknown) => void;
  readonly reject: (reason: Error) => void;
}

/** A line of the driver: what a call gave, or why it did not. */
interface Outcome {
  readonly call: number;
  readonly gives?: unknown;
  readonly refused?: { readonly code: string; readonly message: string };
  readonly failed?: string;
}

/** The Python of a virtual environment with the SDK, which is made unless it is there already. */
export async function pythonWithSdk(): Promise<string> {
  await makeEnvironment();
  return pythonIn(ENVIRONMENT);
}

/** Made aside and renamed when complete, so that one cut short is never taken for one that is ready. */
async function makeEnvironment(): Promise<void> {
  if (await exists(ENVIRONMENT)) return;
  await mkdir(dirname(ENVIRONMENT), { recursive: true });
  const unfinished = await mkdtemp(`${ENVIRONMENT}-`);
  await run("python3", ["-m", "venv", unfinished]);
  await run(pythonIn(unfinished), ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE]);
  try {
    await rename(unfinished, ENVIRONMENT);
  } catch (error) {
    // Another test run was first.
    await rm(unfinished, { recursive: true, force: true });
    if (!(await exists(ENVIRONMENT))) throw error;
  }
}

function pythonIn(environment: string): string {
  return join(environment, "bin/python");
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
