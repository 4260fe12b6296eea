import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import {
  type Address,
  type Batch,
  type Outgoing,
  type Published,
  type Received,
  type RefusedHandle,
  SdkGaveUp,
  SdkMistake,
  SdkRefusal,
} from "./sdk.ts";

/** How a driver is started. */
export interface DriverCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** What a driver is asked: one line of JSON. drivers/README.md has the whole protocol. */
export interface Call {
  readonly client: number;
  readonly address: Address;
  readonly verb: string;
  readonly topic: string;
  readonly group?: string;
  readonly filter?: string;
  readonly message?: Outgoing;
  readonly upTo?: Batch["upTo"];
  readonly waitSeconds?: number;
  readonly receiptHandles?: readonly string[];
}

/** What a call gives, by its verb. */
export type Given = Published | readonly Received[] | readonly RefusedHandle[];

/** An SDK in a process of its own, in its own language. */
export class DriverProcess {
  readonly #child: ChildProcess;
  readonly #calls = new Map<number, Waiting>();
  readonly #ready: Promise<void>;
  #callCount = 0;
  #end: Error | undefined;

  constructor(name: string, { program, args, environment = {} }: DriverCommand) {
    this.#child = spawn(program, args, {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, ...environment },
    });
    const { stdin, stdout } = this.#child;
    if (stdin === null || stdout === null) throw new Error("the driver has no pipes");
    // Its exit tells more than the pipe that broke.
    stdin.on("error", () => {});
    const lines = createInterface({ input: stdout });
    this.#ready = new Promise((resolve, reject) => {
      lines.once("line", () => resolve());
      this.#calls.set(0, { resolve: () => resolve(), reject });
    });
    lines.on("line", (line) => this.#settle(JSON.parse(line) as Outcome));
    this.#child.once("exit", (code, signal) => this.#fail(`the ${name} driver ended with ${code ?? signal}`));
    this.#child.once("error", (error) => this.#fail(String(error)));
  }

  async call(call: Call): Promise<Given> {
    await this.#ready;
    if (this.#end !== undefined) throw this.#end;
    const number = ++this.#callCount;
    return new Promise((resolve, reject) => {
      this.#calls.set(number, { resolve, reject });
      this.#child.stdin?.write(`${JSON.stringify({ call: number, ...call })}\n`);
    });
  }

  end(): void {
    this.#child.kill("SIGKILL");
  }

  #settle({ call = 0, gives = [], refused, failed, code, gaveUp }: Outcome): void {
    const waiting = this.#calls.get(call);
    this.#calls.delete(call);
    if (refused !== undefined) waiting?.reject(new SdkRefusal(refused.code, refused.message, refused.status));
    else if (failed !== undefined) waiting?.reject(gaveUp ? new SdkGaveUp(failed) : new SdkMistake(failed, code));
    else waiting?.resolve(gives);
  }

  #fail(reason: string): void {
    this.#end = new Error(reason);
    for (const { reject } of this.#calls.values()) reject(this.#end);
    this.#calls.clear();
  }
}

interface Waiting {
  readonly resolve: (gives: Given) => void;
  readonly reject: (reason: Error) => void;
}

/** A line of the driver: what a call gave, or why it did not. The first says that it is ready. */
interface Outcome {
  readonly call?: number;
  readonly gives?: Given;
  readonly refused?: { readonly code: string; readonly message: string; readonly status?: number };
  readonly failed?: string;
  readonly code?: string;
  readonly gaveUp?: boolean;
}
