import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { Client } from "@stagemq/client";

/**
 * Publishes a second, with this client and with the official Node SDK, against one stagemq that keeps nothing: the rounds take
 * turns, and each figure is the median of five, with the least and the most. Loopback only; ends by itself within a minute.
 */

const ROUNDS = 5;
const PUBLISHERS = 64;
const PUBLISHES = 4_000;
const BODY = "x".repeat(500);
const KEY = { id: "dev", secret: "dev-secret" };
const ROOT = resolve(import.meta.dirname, "..");

type Publish = () => Promise<unknown>;

/** The part of the SDK that is measured; it has no types of its own. */
interface OfficialSdk {
  readonly MQClient: new (
    endpoint: string,
    accessKeyId: string,
    accessKeySecret: string,
  ) => {
    getProducer(instance: string, topic: string): { publishMessage(body: string, tag: string): Promise<unknown> };
  };
}

async function startBroker(): Promise<{ readonly broker: ChildProcess; readonly endpoint: string }> {
  const main = join(ROOT, "packages/cli/dist/main.js");
  const args = [main, "dev", "--http", "127.0.0.1:0", "--ready-json", "--log-level", "warn", "--ephemeral"];
  const broker = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const line = await new Promise<string>((answer) => createInterface({ input: broker.stdout }).once("line", answer));
  return { broker, endpoint: (JSON.parse(line) as { http: string }).http };
}

/** One after the other by each of 64 publishers: how many a second by all of them. */
async function rateOf(publish: Publish): Promise<number> {
  let left = PUBLISHES;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: PUBLISHERS }, async () => {
      while (left-- > 0) await publish();
    }),
  );
  return (PUBLISHES / (performance.now() - startedAt)) * 1_000;
}

function spread(rates: readonly number[]): string {
  const [least, , median, , most] = [...rates]
    .sort((a, b) => a - b)
    .map((rate) => Math.round(rate).toLocaleString("en-US"));
  return `${median}/s (${least} to ${most})`;
}

const { broker, endpoint } = await startBroker();
try {
  const client = new Client({ endpoint, accessKeyId: KEY.id, accessKeySecret: KEY.secret });
  const ours = client.producer("measured");
  const { MQClient } = createRequire(import.meta.url)("@aliyunmq/mq-http-sdk") as OfficialSdk;
  const official = new MQClient(endpoint, KEY.id, KEY.secret).getProducer("", "measured");
  const contenders: Readonly<Record<string, Publish>> = {
    "@stagemq/client": () => ours.publish({ body: BODY, tag: "t" }),
    "the official SDK": () => official.publishMessage(BODY, "t"),
  };
  const rates = new Map<string, number[]>(Object.keys(contenders).map((name) => [name, []]));
  // The first round warms both up.
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [name, publish] of Object.entries(contenders)) {
      const rate = await rateOf(publish);
      if (round > 0) rates.get(name)?.push(rate);
    }
  }
  for (const [name, some] of rates) console.log(`${name}: ${spread(some)}`);
  const [our = [], their = []] = [...rates.values()];
  const ratios = our.map((rate, round) => rate / (their[round] ?? Number.NaN)).sort((a, b) => a - b);
  console.log(`ratio: ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")} (median ${ratios[2]?.toFixed(2)})`);
  await client.close();
} finally {
  broker.kill("SIGTERM");
}
