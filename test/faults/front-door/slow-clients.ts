import { connect, type Socket } from "node:net";
import { BrokerProcess } from "../../process/broker-process.ts";
import { formatRequest } from "../../process/signed-request.ts";
import { type Figures, hold, percentile } from "./figures.ts";
import { SteadyTraffic } from "./steady-traffic.ts";

export interface SlowClients {
  /** Clients that never finish the head of their request. */
  readonly slowHeads?: number;
  /** Clients that never finish its body; 0 where nobody has a minute. */
  readonly slowBodies?: number;
  /** Clients that connect and say nothing. */
  readonly idle?: number;
  /** Whether it counts how long the well-behaved client waits; not where the machine has other things to do. */
  readonly holdsPace?: boolean;
}

const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** Late by a second at most is what is promised; a machine that is busy gets five. */
const LATE_MS = 5_000;
const BASELINE_MS = 3_000;
const BYTE_EVERY_MS = 500;

/**
 * S8: a crowd of slow clients on one side, a well-behaved one on the other. The slow ones are told 408 in time, the well-behaved one is
 * served all the while.
 */
export async function run({
  slowHeads = 500,
  slowBodies = 500,
  idle = 2_000,
  holdsPace = true,
}: SlowClients = {}): Promise<Figures> {
  const broker = await BrokerProcess.start({ environment: { STAGEMQ_LOG_LEVEL: "warn" } });
  const traffic = await SteadyTraffic.start(broker.endpoint);
  try {
    await new Promise((resolve) => setTimeout(resolve, BASELINE_MS));
    const before = traffic.take();
    const heads = Array.from(
      { length: slowHeads },
      () => new SlowClient(broker.endpoint, "POST /topics/a/messages HTTP/1.1\r\nx-slow: "),
    );
    const unfinished = formatRequest({ headers: { "Content-Length": "10000" } });
    const bodies = Array.from({ length: slowBodies }, () => new SlowClient(broker.endpoint, unfinished));
    const silent = Array.from({ length: idle }, () => new SlowClient(broker.endpoint, undefined));
    const headsTook = await Promise.all(heads.map(({ cutOffAfterMs }) => cutOffAfterMs));
    const silentTook = await Promise.all(silent.map(({ cutOffAfterMs }) => cutOffAfterMs));
    const bodiesTook = await Promise.all(bodies.map(({ cutOffAfterMs }) => cutOffAfterMs));
    const beside = traffic.take();
    const figures = {
      slowHeads,
      slowBodies,
      idle,
      headsCutOffFromMs: Math.round(Math.min(...headsTook)),
      headsCutOffUpToMs: percentile(headsTook, 100),
      silentCutOffUpToMs: percentile(silentTook, 100),
      bodiesCutOffUpToMs: percentile(bodiesTook, 100),
      told408: [...heads, ...bodies].filter(({ heard }) => heard.startsWith("HTTP/1.1 408 ")).length,
      servedBefore: before.requests,
      p99BeforeMs: before.p99Ms,
      servedBeside: beside.requests,
      p99BesideMs: beside.p99Ms,
    };
    hold("slow heads are cut off after 10 s", figures.headsCutOffUpToMs <= HEADERS_TIMEOUT_MS + LATE_MS, figures);
    hold("none of them is cut off before", figures.headsCutOffFromMs >= HEADERS_TIMEOUT_MS - BYTE_EVERY_MS, figures);
    hold("who says nothing is cut off as soon", figures.silentCutOffUpToMs <= HEADERS_TIMEOUT_MS + LATE_MS, figures);
    hold("slow bodies are cut off after 60 s", figures.bodiesCutOffUpToMs <= REQUEST_TIMEOUT_MS + LATE_MS, figures);
    hold("each slow one is told 408", figures.told408 === slowHeads + slowBodies, figures);
    hold("the well-behaved client is served rightly", before.wrong + beside.wrong === 0, figures);
    const isPaceKept = figures.p99BesideMs <= 2 * figures.p99BeforeMs + 100;
    hold("and hardly later than before", isPaceKept || !holdsPace, figures);
    return figures;
  } finally {
    await traffic.stop();
    await broker.stop();
  }
}

/** Sends what it begins with, then a byte now and then; one that has no beginning sends nothing. */
class SlowClient {
  heard = "";
  /** Since it connected. */
  readonly cutOffAfterMs: Promise<number>;
  readonly #socket: Socket;

  constructor(endpoint: string, beginning: string | Buffer | undefined) {
    const { hostname, port } = new URL(endpoint);
    this.#socket = connect(Number(port), hostname);
    this.#socket.on("error", () => {});
    this.#socket.on("data", (chunk) => {
      this.heard += chunk.toString("latin1");
    });
    this.cutOffAfterMs = new Promise((resolve) => {
      this.#socket.once("connect", () => {
        const connectedAt = performance.now();
        if (beginning !== undefined) this.#drip(beginning);
        this.#socket.once("close", () => resolve(performance.now() - connectedAt));
      });
    });
  }

  #drip(beginning: string | Buffer): void {
    this.#socket.write(beginning);
    const dripping = setInterval(() => this.#socket.write("x"), BYTE_EVERY_MS);
    const stop = () => clearInterval(dripping);
    this.#socket.once("end", stop).once("close", stop);
  }
}
