import { RawClient } from "../../process/raw-client.ts";
import { formatRequest, poll, publish } from "../../process/signed-request.ts";
import { percentile } from "./figures.ts";

/** One well-behaved client: publishes and polls over a connection of its own, one request after the other. */
export class SteadyTraffic {
  readonly #client: RawClient;
  #tookMs: number[] = [];
  #wrong = 0;
  #isDone = false;
  #driving: Promise<void> | undefined;

  static async start(endpoint: string): Promise<SteadyTraffic> {
    const traffic = new SteadyTraffic(await RawClient.connect(endpoint));
    traffic.#driving = traffic.#drive().catch(() => {
      // Cut off: that is no answer either.
      traffic.#wrong += 1;
    });
    return traffic;
  }

  private constructor(client: RawClient) {
    this.#client = client;
  }

  /** Since the last time: how many requests there were, how many got another answer than they should, and how long they took. */
  take(): { requests: number; wrong: number; p99Ms: number } {
    const taken = { requests: this.#tookMs.length, wrong: this.#wrong, p99Ms: percentile(this.#tookMs, 99) };
    this.#tookMs = [];
    this.#wrong = 0;
    return taken;
  }

  /** Safe to call twice. */
  async stop(): Promise<void> {
    this.#isDone = true;
    await this.#driving;
    this.#client.close();
  }

  async #drive(): Promise<void> {
    for (let turn = 0; !this.#isDone; turn++) {
      const publishes = turn % 2 === 0;
      const askedAt = performance.now();
      this.#client.send(formatRequest(publishes ? publish("steady") : poll("steady", "GID_steady")));
      const { status } = await this.#client.response();
      this.#tookMs.push(performance.now() - askedAt);
      if (status !== (publishes ? 201 : 200)) this.#wrong += 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
