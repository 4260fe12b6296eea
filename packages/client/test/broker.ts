import { type Broker, loadConfig, startBroker } from "@stagemq/broker";
import { Client, type ClientOptions } from "../src/index.ts";

/** A real broker in this process, in memory, with a port of its own and time that stands still. */
export class TestBroker implements AsyncDisposable {
  readonly #broker: Broker;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  static async start(flags: Record<string, string | boolean> = {}): Promise<TestBroker> {
    const config = await loadConfig({
      command: "dev",
      flags: { http: "127.0.0.1:0", clock: "simulated", logLevel: "error", ...flags },
      environment: {},
      directory: "/",
    });
    return new TestBroker(await startBroker(config, { terminal: false, pid: 1, uid: 0 }));
  }

  get endpoint(): string {
    return this.#broker.http[0] ?? "";
  }

  client(options: ClientOptions = {}): Client {
    return new Client({ endpoint: this.endpoint, accessKeyId: "dev", accessKeySecret: "dev-secret", ...options });
  }

  async advance(by: string): Promise<void> {
    const reply = await fetch(`${this.#broker.test}/api/v1/test/advance`, {
      method: "POST",
      body: JSON.stringify({ by }),
    });
    if (!reply.ok) throw new Error(await reply.text());
  }

  stop(): Promise<void> {
    return this.#broker.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
