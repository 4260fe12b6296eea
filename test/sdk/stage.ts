import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type BrokerOptions, BrokerProcess, newDirectory } from "../process/broker-process.ts";
import { Limit } from "./limit.ts";
import type { Address, Sdk, SdkClient } from "./sdk.ts";

/** More at once only slow each other down until one of them is late. */
const starts = new Limit(3);

/** What a user does with an SDK, and what must come of it. */
export interface Scenario {
  readonly title: string;
  /** A `stagemq.yaml`: its broker is `serve`, where everything must be declared. */
  readonly config?: string;
  play(stage: Stage): Promise<void>;
}

/** How the broker of a scenario is started. */
export interface Setting {
  readonly isEphemeral?: boolean;
  readonly isSimulated?: boolean;
}

/** A broker for one scenario, one of the SDKs to reach it with, and its time. */
export class Stage {
  readonly sdk: Sdk;
  readonly #options: BrokerOptions;
  readonly #isSimulated: boolean;
  readonly #clients: SdkClient[] = [];
  #broker: BrokerProcess;

  constructor(sdk: Sdk, broker: BrokerProcess, options: BrokerOptions, isSimulated: boolean) {
    this.sdk = sdk;
    this.#broker = broker;
    this.#options = options;
    this.#isSimulated = isSimulated;
  }

  static async open(sdk: Sdk, { config }: Scenario, setting: Setting): Promise<Stage> {
    const { isEphemeral = false, isSimulated = false } = setting;
    const startedIn = await newDirectory();
    if (config !== undefined) await writeFile(join(startedIn, "stagemq.yaml"), config);
    const options: BrokerOptions = {
      command: config === undefined ? "dev" : "serve",
      startedIn,
      args: [...(isEphemeral ? ["--ephemeral"] : []), ...(isSimulated ? ["--clock", "simulated"] : [])],
      ...(isEphemeral ? {} : { dataDirectory: await newDirectory() }),
    };
    return new Stage(sdk, await starts.run(() => BrokerProcess.start(options)), options, isSimulated);
  }

  /** A client of its own, as `dev` unless told otherwise. */
  client(as: Partial<Address> = {}): SdkClient {
    const { http, accessKeyId = "", accessKeySecret = "" } = this.#broker.ready;
    const client = this.sdk.connect({ endpoint: http, accessKeyId, accessKeySecret, ...as });
    this.#clients.push(client);
    return client;
  }

  get defaultInstance(): string {
    return this.#broker.ready.instance;
  }

  get log(): string {
    return this.#broker.log;
  }

  /** The broker's time, in milliseconds since the epoch. */
  async now(): Promise<number> {
    return this.#isSimulated ? (await this.#broker.advance("0s")).getTime() : Date.now();
  }

  /** Lets time go on: moves a simulated clock, waits where the clock is real. */
  async pass(milliseconds: number): Promise<void> {
    if (this.#isSimulated) await this.#broker.advance(`${milliseconds}ms`);
    else await sleep(milliseconds);
  }

  async passUntil(at: number): Promise<void> {
    await this.pass(Math.max(at - (await this.now()), 0));
  }

  /** kill -9, and a new process on the same directory and port. */
  async restart(): Promise<void> {
    const { host } = new URL(this.#broker.endpoint);
    await this.#broker.kill();
    const options = { ...this.#options, args: [...(this.#options.args ?? []), "--http", host] };
    this.#broker = await starts.run(() => BrokerProcess.start(options));
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.#broker.stop();
  }
}
