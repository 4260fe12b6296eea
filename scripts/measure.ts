import { type ChildProcess, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { measureBacklog } from "./measure-backlog.ts";
import { readWords } from "./read-words.ts";

/**
 * First figures: start, memory at rest, durable publishes beside a bare `node:http` server that says hello. Each is the median
 * of five, with the least and the most. Loopback only, bounded in count; ends by itself in about a minute. With `--backlog
 * 5000000` instead: what so many retained messages cost.
 */

const ROUNDS = 5;
const CLIENTS = 64;
const PUBLISHES = 20_000;
const TICKS_A_SECOND = 100;
const BODY = "x".repeat(500);
const ROOT = resolve(import.meta.dirname, "..");
const HELLO = `
  require("node:http").createServer((request, response) => {
    request.resume().on("end", () => response.writeHead(201, { "content-length": 5 }).end("hello"));
  }).listen(0, "127.0.0.1", function () { console.log(JSON.stringify({ http: "http://127.0.0.1:" + this.address().port })); });
`;

interface Server {
  readonly child: ChildProcess;
  readonly endpoint: string;
  readonly readyAfterMs: number;
}

async function start(args: readonly string[]): Promise<Server> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
  const line = await new Promise<string>((answer) => createInterface({ input: child.stdout }).once("line", answer));
  const { http } = JSON.parse(line) as { http: string };
  return { child, endpoint: http, readyAfterMs: performance.now() - startedAt };
}

async function stop({ child }: Server): Promise<void> {
  const ended = new Promise((gone) => child.once("exit", gone));
  child.kill("SIGTERM");
  await ended;
}

async function withBroker<Result>(use: (broker: Server) => Promise<Result>): Promise<Result> {
  const data = await mkdtemp(join(tmpdir(), "stagemq-measure-"));
  const main = join(ROOT, "packages/cli/dist/main.js");
  const args = [main, "dev", "--http", "127.0.0.1:0", "--ready-json", "--log-level", "warn", "--data", data];
  const broker = await start(args);
  try {
    return await use(broker);
  } finally {
    await stop(broker);
    await rm(data, { recursive: true, force: true });
  }
}

/** Signed publishes, one at a time on each connection: how many a second. */
async function publishRate({ endpoint }: Server): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  let left = PUBLISHES;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (left-- > 0) await publish(agent, endpoint);
    }),
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  agent.destroy();
  return PUBLISHES / seconds;
}

function publish(agent: Agent, endpoint: string): Promise<void> {
  const path = "/topics/measured/messages";
  const body = `<Message><MessageBody>${BODY}</MessageBody></Message>`;
  const date = new Date().toUTCString();
  const text = `POST\n\ntext/xml\n${date}\nx-mq-version:2015-06-06\n${path}`;
  const signature = createHmac("sha1", "dev-secret").update(text).digest("base64");
  const headers = {
    "content-type": "text/xml",
    "content-length": Buffer.byteLength(body),
    date,
    "x-mq-version": "2015-06-06",
    authorization: `MQ dev:${signature}`,
  };
  return new Promise((done, fail) => {
    const sent = request(`${endpoint}${path}`, { method: "POST", agent, headers }, (response) => {
      response.resume();
      response.once("end", () =>
        response.statusCode === 201 ? done() : fail(new Error(`answered ${response.statusCode}`)),
      );
    });
    sent.once("error", fail);
    sent.end(body);
  });
}

/** Processor time that a process has had, user and system, in microseconds. */
async function processorMicros({ child }: Server): Promise<number> {
  const stat = await readFile(`/proc/${child.pid}/stat`, "utf8");
  const [user, system] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13)
    .map(Number);
  return ((user ?? Number.NaN) + (system ?? Number.NaN)) * (1_000_000 / TICKS_A_SECOND);
}

/** Publishes, and what they cost: how many a second, and processor time for each. */
async function measurePublishes(server: Server): Promise<{ rate: number; micros: number }> {
  const before = await processorMicros(server);
  const rate = await publishRate(server);
  return { rate, micros: ((await processorMicros(server)) - before) / PUBLISHES };
}

async function residentMegabytes({ child }: Server): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1_024;
}

function row(name: string, unit: string, figures: readonly number[], digits = 0): void {
  const sorted = [...figures].sort((one, other) => one - other);
  const show = (figure: number | undefined): string =>
    (figure ?? Number.NaN).toLocaleString("en-US", { maximumFractionDigits: digits });
  const median = sorted[Math.floor(sorted.length / 2)];
  process.stdout.write(`| ${name} | ${show(median)} ${unit} | ${show(sorted[0])} – ${show(sorted.at(-1))} |\n`);
}

async function measureFirstFigures(): Promise<void> {
  const ready: number[] = [];
  const resident: number[] = [];
  const durable: { rate: number; micros: number }[] = [];
  const bare: { rate: number; micros: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await withBroker(async (broker) => {
      ready.push(broker.readyAfterMs);
      resident.push(await residentMegabytes(broker));
      durable.push(await measurePublishes(broker));
    });
    const hello = await start(["-e", HELLO]);
    bare.push(await measurePublishes(hello));
    await stop(hello);
  }
  process.stdout.write("| figure | median of 5 | least – most |\n|---|---|---|\n");
  row("start of the node process to ready", "ms", ready);
  row("resident memory when idle", "MB", resident);
  for (const [name, rounds] of [
    [`durable publishes, ${CLIENTS} clients, ${BODY.length} bytes`, durable],
    ["a bare node:http server, the same requests", bare],
  ] as const) {
    row(
      name,
      "/s",
      rounds.map(({ rate }) => rate),
    );
    row(
      "its processor time",
      "µs each",
      rounds.map(({ micros }) => micros),
      1,
    );
  }
  const ratios = durable.map(({ rate }, round) => rate / (bare[round]?.rate ?? Number.NaN));
  const costs = durable.map(({ micros }, round) => micros / (bare[round]?.micros ?? Number.NaN));
  row("rate, as a ratio to bare, round by round", "", ratios, 2);
  row("processor time, as a ratio to bare, round by round", "", costs, 2);
}

const { backlog } = readWords({ backlog: { type: "string" } }, ["backlog"]);
if (backlog === undefined) await measureFirstFigures();
else await measureBacklog(Number(backlog));
