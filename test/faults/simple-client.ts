import { type Decoded, decodeMessages, type WireMessage } from "@stagemq/wire";
import { type Answer, SignedClient } from "../crash/signed-client.ts";

export interface PollOptions {
  readonly max?: number;
  readonly waitSeconds?: number;
}

/** One client of a broker, one request after the other; an answer that does not come is status 0. */
export class SimpleClient {
  readonly #client = new SignedClient();
  readonly #endpoint: string;

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
  }

  /** The status of the answer. */
  async publish(topic: string, body: string): Promise<number> {
    const message = { body, tag: "", properties: "" };
    const operation = { name: "publish-message", topic } as const;
    return statusOf(this.#client.publish(this.#endpoint, operation, message));
  }

  async poll(topic: string, group: string, { max = 16, waitSeconds = 0 }: PollOptions = {}): Promise<WireMessage[]> {
    const poll = { topic, consumer: group, maxMessages: max, waitSeconds, mode: "concurrent", tag: "" } as const;
    const answer = await this.#client.send(this.#endpoint, { name: "consume-messages", ...poll });
    if (answer.status === 404) return [];
    if (answer.status !== 200) throw new Error(`a poll got ${answer.status}: ${answer.body.toString("utf8", 0, 500)}`);
    return [...contentOf(decodeMessages(answer.body))];
  }

  /** The status of the answer. */
  async acknowledge(topic: string, group: string, messages: readonly WireMessage[]): Promise<number> {
    const operation = { name: "acknowledge-messages", topic, consumer: group } as const;
    const handles = messages.map(({ receiptHandle }) => receiptHandle);
    return statusOf(this.#client.end(this.#endpoint, operation, handles));
  }

  /** The bodies of all that this group has not had. */
  async drain(topic: string, group: string): Promise<string[]> {
    const bodies: string[] = [];
    for (;;) {
      const messages = await this.poll(topic, group);
      if (messages.length === 0) return bodies;
      bodies.push(...messages.map(({ body }) => body));
      await this.acknowledge(topic, group, messages);
    }
  }

  close(): void {
    this.#client.close();
  }
}

async function statusOf(answer: Promise<Answer>): Promise<number> {
  return answer.then(
    ({ status }) => status,
    () => 0,
  );
}

function contentOf<T>(decoded: Decoded<T>): T {
  if ("value" in decoded) return decoded.value;
  throw new Error(`The broker answered what cannot be read: ${decoded.reason}`);
}
