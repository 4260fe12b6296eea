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

interface Figures {
  /** Publishes a second. */
  readonly rate: number;
  /** Processor time of this process for one publish: other work on the machine matters less to it. */
  readonly microseconds: number;
}

/** One after the other by each of 64 publishers. */
async function measure(publish: Publish): Promise<Figures> {
  let left = PUBLISHES;
  const startedAt = performance.now();
  const before = process.cpuUsage();
  await Promise.all(
    Array.from({ length: PUBLISHERS }, async () => {
      while (left-- > 0) await publish();
    }),
  );
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - startedAt) / 1_000;
  return { rate: PUBLISHES / seconds, microseconds: (user + system) / PUBLISHES };
}

function spread(figures: readonly number[], digits = 0): string {
  const inOrder = [...figures].sort((a, b) => a - b);
  const [least, , median, , most] = inOrder.map((figure) =>
    figure.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }),
  );
  return `${median} (${least} to ${most})`;
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
  const figures = new Map<string, Figures[]>(Object.keys(contenders).map((name) => [name, []]));
  // The first round warms both up.
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [name, publish] of Object.entries(contenders)) {
      const measured = await measure(publish);
      if (round > 0) figures.get(name)?.push(measured);
    }
  }
  for (const [name, some] of figures) {
    console.log(`${name}: ${spread(some.map(({ rate }) => rate))} publishes a second,`);
    console.log(`  ${spread(some.map(({ microseconds }) => microseconds))} µs of processor time each`);
  }
  const [our = [], their = []] = [...figures.values()];
  const ratios = our.map(({ rate }, round) => rate / (their[round]?.rate ?? Number.NaN));
  console.log(`${spread(ratios, 2)} times as many publishes a second`);
  await client.close();
} finally {
  broker.kill("SIGTERM");
}
