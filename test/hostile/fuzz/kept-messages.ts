import { decodeMessages, type Operation } from "@stagemq/wire";
import { SignedClient } from "../../crash/signed-client.ts";

/** No mutation hits on it. */
const TOPIC = "kept_beside_the_fuzzer";
const PASSING = {
  name: "consume-messages",
  topic: TOPIC,
  consumer: "GID_passing",
  mode: "concurrent",
  tag: "",
} as const;

/** Well-formed traffic beside the hostile one: what it published must be there, at once and at the end. */
export class KeptMessages {
  readonly #client = new SignedClient();
  readonly #published: string[] = [];
  readonly #endpoint: string;

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
  }

  /** Publishes one message, receives it and acknowledges it; undefined when all went well. */
  async pass(): Promise<string | undefined> {
    const body = `kept ${this.#published.length}`;
    const publish: Operation = { name: "publish-message", topic: TOPIC };
    const { status } = await this.#client.publish(this.#endpoint, publish, { body, tag: "", properties: "" });
    if (status !== 201) return `a well-formed publish was answered ${status}`;
    this.#published.push(body);
    const [received] = await this.#receive("GID_passing", 1);
    if (received?.body !== body) return `published "${body}", received ${JSON.stringify(received?.body)}`;
    const end = await this.#end("GID_passing", [received.receiptHandle]);
    return end === 204 ? undefined : `an acknowledgement was answered ${end}`;
  }

  /** Whether another group finds less or more than all that was published. To be called at the end. */
  async missing(): Promise<string | undefined> {
    const found: string[] = [];
    for (;;) {
      const messages = await this.#receive("GID_at_the_end", 0);
      if (messages.length === 0) break;
      found.push(...messages.map(({ body }) => body));
    }
    this.#client.close();
    const differ = JSON.stringify(found) !== JSON.stringify(this.#published);
    return differ ? `published ${this.#published.length} messages, found ${found.length}` : undefined;
  }

  async #receive(consumer: string, waitSeconds: number) {
    const poll = { ...PASSING, consumer, maxMessages: 16, waitSeconds };
    const { status, body } = await this.#client.send(this.#endpoint, poll);
    if (status === 404) return [];
    const decoded = decodeMessages(body);
    if (status !== 200 || !("value" in decoded)) throw new Error(`a well-formed poll was answered ${status} ${body}`);
    return decoded.value;
  }

  async #end(consumer: string, handles: readonly string[]): Promise<number> {
    const operation: Operation = { name: "acknowledge-messages", topic: TOPIC, consumer };
    return (await this.#client.end(this.#endpoint, operation, handles)).status;
  }
}
