/** What a user of the packages writes: programs that run, and files that a compiler has to accept. */

/** In CommonJS; called with an endpoint. */
export const FLOW = `
const { Client } = require("@stagemq/client");

async function main(endpoint) {
  const client = new Client({ endpoint, accessKeyId: "dev", accessKeySecret: "dev-secret" });
  await client.producer("refunds").publish({ body: "hello", tag: "paid" });
  const batch = await client.consumer("refunds", "GID_commonjs").receive({ wait: "10s" });
  for (const message of batch.messages) console.log(message.tag, message.body);
  await batch.acknowledge();
  await client.close();
}

main(process.argv[2]);
`;

export const KIT = `
import { Client } from "@stagemq/client";
import { startTestBroker } from "stagemq/testing";

const broker = await startTestBroker({ clock: "simulated" });
const client = new Client({ endpoint: broker.endpoint, ...broker.credentials });
await client.producer("orders").publish({ body: "hello" });
const consumer = client.consumer("orders", "GID_billing");
const attempts = [];
for (const advance of ["5m", "0s"]) {
  const { messages } = await consumer.receive({ wait: 0 });
  attempts.push(messages[0].attempt);
  await broker.clock.advance(advance);
}
console.log(attempts.join(" "));
await client.close();
await broker.stop();
`;

const CLIENT_USER = `
import { Client, type OutgoingMessage, type Published } from "@stagemq/client";
import { MessageProperties, MQClient } from "@stagemq/client/mq-http-sdk";

export async function publish(client: Client, message: OutgoingMessage): Promise<Published> {
  return client.producer("orders").publish(message);
}

export async function consume(client: Client): Promise<string[]> {
  const bodies: string[] = [];
  for await (const batch of client.consumer("orders", "GID_billing").batches()) {
    for (const { text } of batch) bodies.push(text);
    await batch.acknowledge();
  }
  return bodies;
}

export async function publishAsBefore(client: MQClient): Promise<string> {
  const properties = new MessageProperties();
  properties.messageKey("order-1");
  const { body } = await client.getProducer("MQ_INST_dev", "orders").publishMessage("hello", "paid", properties);
  return body.MessageId;
}
`;

const TEST_WRITER = `
import { Client } from "@stagemq/client";
import { VERSION } from "@stagemq/broker";
import { startTestBroker } from "stagemq/testing";

export async function test(): Promise<string> {
  const broker = await startTestBroker({ clock: "simulated" });
  const client = new Client({ endpoint: broker.endpoint, ...broker.credentials });
  await client.producer("orders").publish({ body: "hello", tag: "paid" });
  await broker.expect("orders").toHavePublished({ tag: "paid", times: 1 });
  await broker.clock.advance("5m");
  await broker.stop();
  return VERSION;
}
`;

export interface Compilation {
  readonly title: string;
  /** In this repository: users bring their own. */
  readonly compiler: string;
  readonly options: Readonly<Record<string, string | readonly string[]>>;
  readonly files: Readonly<Record<string, string>>;
}

const NEWEST = "node_modules/typescript/bin/tsc";
const OLDER = "docs/api/node_modules/typescript/bin/tsc";
const MODULES = { "client-user.ts": CLIENT_USER, "test-writer.ts": TEST_WRITER };
const COMMONJS_TOO = { ...MODULES, "client-user.cts": CLIENT_USER };

export const COMPILATIONS: readonly Compilation[] = [
  { title: "as Node sees them", compiler: NEWEST, options: { module: "nodenext" }, files: COMMONJS_TOO },
  {
    title: "as Node sees them, with an older TypeScript",
    compiler: OLDER,
    options: { module: "nodenext" },
    files: COMMONJS_TOO,
  },
  {
    title: "as a bundler sees them",
    compiler: NEWEST,
    options: { module: "esnext", moduleResolution: "bundler" },
    files: MODULES,
  },
];

/** `skipLibCheck: false`: what we declare is compiled with what users wrote. */
export const STRICT = {
  target: "es2022",
  // Without a browser's names: what Node declares has to do.
  lib: ["es2023"],
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  noEmit: true,
  types: ["node"],
};
