/** What a user of the packages writes: programs that run, and files that a compiler has to accept. */

/** In CommonJS; called with an endpoint. */
export const FLOW = `
const { Client } = require("@stagemq/client");

async function main(endpoint) {
  const client = new Client({ endpoint, accessKeyId: "dev", accessKeySecret: "dev-secret" });
  await client.producer("orders").publish({ body: "hello", tag: "paid" });
  const batch = await client.consumer("orders", "GID_commonjs").receive({ wait: "10s" });
  for (const message of batch.messages.slice(0, 1)) console.log(message.tag, message.body);
  await batch.acknowledge();
  await client.close();
}

main(process.argv[2]);
`;

export const KIT = `
import { SimulatedClock } from "stagemq/testing";

const clock = new SimulatedClock();
const before = clock.now();
await clock.advance(300_000);
console.log(clock.now() - before);
`;

const CLIENT_USER = `
import { Client, type OutgoingMessage, type Published } from "@stagemq/client";

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
`;

const TEST_WRITER = `
import { VERSION } from "@stagemq/broker";
import { SimulatedClock } from "stagemq/testing";

export async function test(): Promise<string> {
  const clock = new SimulatedClock();
  await clock.advance(300_000);
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
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  noEmit: true,
  types: ["node"],
};
