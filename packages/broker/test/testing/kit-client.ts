import { onTestFinished } from "vitest";
import type { RawResponse } from "../../../wire/test/readers/seen.ts";
import { startTestBroker, type TestBroker, type TestBrokerOptions } from "../../src/testing/index.ts";
import { RawClient } from "../http/raw-client.ts";
import { type AnyRequest, aMessage, formatRequest, handles } from "../http/signed-request.ts";

/** A test broker, gone when the test is over, and the smallest client there is. */
export async function openKit(options: TestBrokerOptions = {}): Promise<{ broker: TestBroker; client: KitClient }> {
  const broker = await startTestBroker(options);
  const client = new KitClient(broker);
  onTestFinished(async () => {
    client.close();
    await broker.stop();
  });
  return { broker, client };
}

interface Sent {
  readonly topic?: string;
  readonly body?: string;
  readonly tag?: string;
  readonly properties?: string;
}

/** Each request on a connection of its own. */
export class KitClient {
  readonly #broker: TestBroker;
  readonly #dated: number;
  readonly #connections: RawClient[] = [];

  constructor(broker: TestBroker) {
    this.#broker = broker;
    this.#dated = broker.clock.now().getTime();
  }

  async publish({ topic = "orders", ...message }: Sent = {}): Promise<RawResponse> {
    return this.ask({ target: `/topics/${topic}/messages`, body: aMessage(message) });
  }

  poll(topic = "orders", group = "GID_a", query = ""): Promise<RawResponse> {
    const target = `/topics/${topic}/messages?consumer=${group}&numOfMessages=16${query}`;
    return this.ask({ method: "GET", target });
  }

  /** Polls at once, and ends what is found. */
  async consume(topic = "orders", group = "GID_a"): Promise<string[]> {
    const response = await this.poll(topic, group);
    if (response.status === 200) await this.acknowledge(elementsOf(response, "ReceiptHandle"), topic, group);
    return elementsOf(response, "MessageBody");
  }

  acknowledge(these: readonly string[], topic = "orders", group = "GID_a", query = ""): Promise<RawResponse> {
    const target = `/topics/${topic}/messages?consumer=${group}${query}`;
    return this.ask({ method: "DELETE", target, body: handles(...these) });
  }

  /** Rejects when the connection ends without an answer. */
  async ask(request: AnyRequest): Promise<RawResponse> {
    const connection = await RawClient.connect(Number(new URL(this.#broker.endpoint).port));
    this.#connections.push(connection);
    const { accessKeyId, accessKeySecret: secret } = this.#broker.credentials;
    connection.send(formatRequest({ accessKeyId, secret, ...request }, this.#dated));
    return connection.response(request.method);
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }
}

/** The texts of every such element of a response. */
export function elementsOf(response: RawResponse, name: string): string[] {
  const elements = response.body.toString().matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, "g"));
  return [...elements].map(([, text = ""]) => text);
}

/** `404 MessageNotExist`, or `200`; of several handles the first. */
export function verdictOf(response: RawResponse): string {
  const [code = ""] = [...elementsOf(response, "Code"), ...elementsOf(response, "ErrorCode")];
  return `${response.status} ${code}`.trim();
}
