import type { Results } from "../run/results.ts";
import { median } from "./median.ts";

/** What the product wants to reach, held against what was measured. */
export interface Goal {
  readonly name: string;
  readonly what: string;
  readonly wanted: { readonly atLeast: number } | { readonly atMost: number };
  readonly unit: string;
  /** Each measurement, of which the median counts; none where it was not measured. */
  readonly measured: (results: Results) => readonly number[];
}

export interface JudgedGoal extends Goal {
  readonly value: number | undefined;
  readonly reached: boolean | undefined;
}

const BROKERS = ["redis", "rabbitmq", "nats", "postgresql", "beanstalkd", "bullmq"] as const;
const BODY_BYTES = 500;
const PERCENT = 100;

const ratio = (workload: string, figure: string, one: string, other: string) => (results: Results) =>
  results.ratios(workload, figure, [one, other]);
const figure =
  (workload: string, subject: string, name: string, factor = 1) =>
  (results: Results) =>
    results.figures(workload, subject, name).map((value) => value * factor);
const publishBeside = (peer: string) => ratio("publish", "perSecond", "stagemq", peer);

export const GOALS: readonly Goal[] = [
  goal("G1", "durable publish, × bare node:http", { atLeast: 0.55 }, "×", publishBeside("node-http")),
  goal(
    "G1",
    "processor time of a publish, × bare node:http",
    { atMost: 1.9 },
    "×",
    ratio("publish", "microsEach", "stagemq", "node-http"),
  ),
  goal("G2", "durable publish, × RabbitMQ quorum queue", { atLeast: 1.6 }, "×", publishBeside("rabbitmq")),
  goal("G2", "durable publish, × PostgreSQL queue table", { atLeast: 1.9 }, "×", publishBeside("postgresql")),
  goal("G2", "durable publish, × NATS JetStream as Debian ships it", { atLeast: 1 }, "×", publishBeside("nats")),
  goal("G2", "durable publish, × Redis Streams, appendfsync always", { atLeast: 0.7 }, "×", publishBeside("redis")),
  goal("G3", "consume and acknowledge, × the best peer", { atLeast: 0.9 }, "×", besideBestPeer),
  goal("G3", "processor time of a message consumed", { atMost: 10 }, "µs", figure("consume", "stagemq", "microsEach")),
  goal("G4", "end to end at 500/s, p50", { atMost: 1 }, "ms", figure("latency", "stagemq", "p50Ms")),
  goal("G4", "end to end at 500/s, p99", { atMost: 5 }, "ms", figure("latency", "stagemq", "p99Ms")),
  goal(
    "G4",
    "ordered consumption, × the unordered rate",
    { atLeast: 0.6 },
    "×",
    ratio("ordered", "perSecond", "ordered", "normal"),
  ),
  goal(
    "G5",
    "publish with a backlog, × the empty broker",
    { atLeast: 0.8 },
    "×",
    ratio("backlog-publish", "perSecond", "full", "empty"),
  ),
  goal(
    "G5",
    "consume with a backlog, × the empty broker",
    { atLeast: 0.8 },
    "×",
    ratio("backlog-consume", "perSecond", "full", "empty"),
  ),
  goal(
    "G5",
    "resident memory with a backlog, after a start",
    { atMost: 600 },
    "MB",
    figure("backlog-start", "from-snapshot", "residentMegabytes"),
  ),
  goal(
    "G5",
    "start from the whole journal",
    { atMost: 5_000 },
    "ms",
    figure("backlog-start", "from-journal", "readyAfterMs"),
  ),
  goal(
    "G5",
    "start from a snapshot",
    { atMost: 1_000 },
    "ms",
    figure("backlog-start", "from-snapshot", "readyAfterMs"),
  ),
  goal(
    "G5",
    "bytes to the device, × the body",
    { atMost: 1.3 },
    "×",
    figure("publish", "stagemq", "writtenBytesEach", 1 / BODY_BYTES),
  ),
  goal(
    "G6",
    "resident memory with 5,000 idle long polls",
    { atMost: 400 },
    "MB",
    figure("idle-polls", "stagemq", "residentMegabytes"),
  ),
  goal(
    "G6",
    "share of a core that they use",
    { atMost: 10 },
    "%",
    figure("idle-polls", "stagemq", "idleShare", PERCENT),
  ),
  goal("G6", "a publish wakes its waiter, p99", { atMost: 50 }, "ms", figure("idle-polls", "stagemq", "p99Ms")),
  goal(
    "G7",
    "half message and commit, × plain publish",
    { atLeast: 0.45 },
    "×",
    ratio("kinds", "perSecond", "half-commit", "normal"),
  ),
  goal(
    "G7",
    "share of a core that pending half messages use",
    { atMost: 1 },
    "%",
    figure("pending", "stagemq", "idleShare", PERCENT),
  ),
  goal("G8", "ready on an empty directory", { atMost: 500 }, "ms", figure("start", "stagemq", "readyAfterMs")),
  goal("G8", "resident memory at rest", { atMost: 90 }, "MB", figure("start", "stagemq", "residentMegabytes")),
  goal("G8", "share of a core at rest", { atMost: 1 }, "%", figure("start", "stagemq", "idleShare", PERCENT)),
  goal("G8", "--version", { atMost: 150 }, "ms", figure("start", "stagemq", "versionAfterMs")),
  goal("beyond", "durable publish, × bare node:http", { atLeast: 0.65 }, "×", publishBeside("node-http")),
  goal("beyond", "durable publish, × Redis Streams, appendfsync always", { atLeast: 0.9 }, "×", publishBeside("redis")),
];

export function judgeGoals(results: Results, goals: readonly Goal[] = GOALS): JudgedGoal[] {
  return goals.map((each) => {
    const measured = each.measured(results).filter((value) => !Number.isNaN(value));
    if (measured.length === 0) return { ...each, value: undefined, reached: undefined };
    const value = median(measured);
    return {
      ...each,
      value,
      reached: "atLeast" in each.wanted ? value >= each.wanted.atLeast : value <= each.wanted.atMost,
    };
  });
}

function goal(name: string, what: string, wanted: Goal["wanted"], unit: string, measured: Goal["measured"]): Goal {
  return { name, what, wanted, unit, measured };
}

/** Round by round beside the peer whose median is best. */
function besideBestPeer(results: Results): readonly number[] {
  const rates = BROKERS.map((peer) => ({ peer, rate: median(results.figures("consume", peer, "perSecond")) }));
  const measured = rates.filter(({ rate }) => !Number.isNaN(rate)).sort((one, other) => other.rate - one.rate);
  const [best] = measured;
  return best === undefined ? [] : results.ratios("consume", "perSecond", ["stagemq", best.peer]);
}
