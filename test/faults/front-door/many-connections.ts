import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { BrokerProcess } from "../../process/broker-process.ts";
import { RawClient } from "../../process/raw-client.ts";
import { formatRequest, publish } from "../../process/signed-request.ts";
import { type Figures, hold } from "./figures.ts";
import { SteadyTraffic } from "./steady-traffic.ts";

export interface ManyConnections {
  readonly connections?: number;
  /** How many descriptors the broker may have; absent: what this machine gives. */
  readonly descriptors?: number;
}

const HOLDER = join(import.meta.dirname, "hold-connections.ts");
/** Within two seconds is what is promised; a machine that is busy gets ten. */
const RECOVERS_WITHIN_MS = 10_000;
/** Of a broker that nobody talks to. */
const FEW = 100;

/**
 * S9: a flood of connections from another process. What is over the bound is closed at once, a client that was there before is served all
 * the while, the journal keeps descriptors of its own, and afterwards everybody is let in again.
 */
export async function run({ connections = 10_000, descriptors }: ManyConnections = {}): Promise<Figures> {
  const under = descriptors === undefined ? [] : ["prlimit", `--nofile=${descriptors}:${descriptors}`];
  const broker = await BrokerProcess.start({ under, environment: { STAGEMQ_LOG_LEVEL: "warn" } });
  const traffic = await SteadyTraffic.start(broker.endpoint);
  try {
    const holder = spawn(
      process.execPath,
      ["--import", "tsx", HOLDER, "--port", new URL(broker.endpoint).port, "--count", `${connections}`],
      { stdio: ["pipe", "pipe", "inherit"] },
    );
    const [line] = (await once(createInterface({ input: holder.stdout }), "line")) as [string];
    const { held, refused } = JSON.parse(line) as { held: number; refused: number };
    const openThen = await countDescriptors(broker.ready.pid);
    const beside = traffic.take();
    const letGoAt = performance.now();
    holder.stdin.end();
    await once(holder, "close");
    const isInTime = () => performance.now() < letGoAt + RECOVERS_WITHIN_MS;
    while (!(await isServed(broker)) && isInTime()) await pause();
    const recoveredAfterMs = Math.round(performance.now() - letGoAt);
    while ((await countDescriptors(broker.ready.pid)) > FEW && isInTime()) await pause();
    const openAfterwards = await countDescriptors(broker.ready.pid);
    const after = traffic.take();
    await traffic.stop();
    const { code } = await broker.stop();
    const figures = {
      connections,
      descriptors: descriptors ?? "as given",
      held,
      refused,
      openThen,
      servedBeside: beside.requests,
      p99BesideMs: beside.p99Ms,
      recoveredAfterMs,
      openAfterwards,
      endedWith: `${code}`,
    };
    hold("each connection is held or refused", held + refused === connections, figures);
    const forConnections = (descriptors ?? Number.POSITIVE_INFINITY) * 0.75;
    hold("the rest of the descriptors is the journal's", held < forConnections, figures);
    hold("who was there before is served rightly", beside.requests > 0 && beside.wrong + after.wrong === 0, figures);
    hold("everybody is let in again at once", recoveredAfterMs <= RECOVERS_WITHIN_MS, figures);
    hold("no descriptor stays behind", openAfterwards <= FEW, figures);
    hold("it stops well", code === 0, figures);
    return figures;
  } finally {
    await traffic.stop();
    await broker.stop();
  }
}

/** A newcomer. */
async function isServed({ endpoint }: BrokerProcess): Promise<boolean> {
  const client = await RawClient.connect(endpoint);
  client.send(formatRequest(publish("afterwards")));
  const response = await client.response().catch(() => undefined);
  client.close();
  return response?.status === 201;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

async function countDescriptors(pid: number): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`)).length;
}
