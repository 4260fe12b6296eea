import { type Call, type DriverCommand, DriverProcess, type Given } from "./driver-process.ts";
import type {
  Address,
  Batch,
  Published,
  Quirks,
  Received,
  RefusedHandle,
  Sdk,
  SdkClient,
  Subscription,
} from "./sdk.ts";

/** They have fields of their own. Some SDKs take them out of the properties, some leave them there. */
const RESERVED = new Set(["KEYS", "__SHARDINGKEY", "__STARTDELIVERTIME", "__TransCheckT"]);

export interface DriverSdkOptions {
  readonly name: string;
  readonly quirks: Quirks;
  readonly command: DriverCommand;
  /** PHP has no threads: a process serves one client. */
  readonly isProcessPerClient?: boolean;
}

/** An official SDK, asked by way of its driver. */
export class DriverSdk implements Sdk {
  readonly #options: DriverSdkOptions;
  readonly #processes = new Set<DriverProcess>();
  #shared: DriverProcess | undefined;
  #clientCount = 0;

  constructor(options: DriverSdkOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  get quirks(): Quirks {
    return this.#options.quirks;
  }

  connect(address: Address): SdkClient {
    const client = ++this.#clientCount;
    const driver = this.#driver();
    const topicOf = (topic: string) => this.#spell(topic);
    const call = (verb: string, { topic, ...asked }: Omit<Call, "client" | "address" | "verb">): Promise<Given> =>
      driver.call({ client, address, verb, topic: topicOf(topic), ...asked });
    const publish = async (verb: string, asked: Pick<Call, "topic" | "group" | "message">) =>
      (await call(verb, asked)) as Published;
    const receive = async (verb: string, subscription: Subscription, batch: Batch) =>
      ((await call(verb, { ...subscription, ...batch })) as readonly Received[]).map(withoutReserved);
    const end = async (verb: string, { topic, group }: Subscription, receiptHandles: readonly string[]) =>
      (await call(verb, { topic, group, receiptHandles })) as readonly RefusedHandle[];
    return {
      publish: (topic, message) => publish("publish", { topic, message }),
      consume: (subscription, batch) => receive("consume", subscription, batch),
      consumeOrderly: (subscription, batch) => receive("consumeOrderly", subscription, batch),
      acknowledge: (subscription, receiptHandles) => end("acknowledge", subscription, receiptHandles),
      publishHalf: ({ topic, group }, message) => publish("publishHalf", { topic, group, message }),
      consumeHalf: (producer, batch) => receive("consumeHalf", producer, batch),
      commit: (producer, receiptHandle) => end("commit", producer, [receiptHandle]),
      rollback: (producer, receiptHandle) => end("rollback", producer, [receiptHandle]),
      close: () => {
        if (this.#options.isProcessPerClient) this.#stop(driver);
      },
    };
  }

  end(): void {
    for (const driver of this.#processes) this.#stop(driver);
  }

  #driver(): DriverProcess {
    if (this.#options.isProcessPerClient) return this.#start();
    this.#shared ??= this.#start();
    return this.#shared;
  }

  #start(): DriverProcess {
    const driver = new DriverProcess(this.name, this.#options.command);
    this.#processes.add(driver);
    return driver;
  }

  #stop(driver: DriverProcess): void {
    driver.end();
    this.#processes.delete(driver);
  }

  #spell(topic: string): string {
    return this.quirks.leavesTopicsUnescaped ? topic.replaceAll("%", "%25") : topic;
  }
}

function withoutReserved(received: Received): Received {
  const own = Object.entries(received.properties).filter(([name]) => !RESERVED.has(name));
  return { ...received, properties: Object.fromEntries(own) };
}
