import { createHistogram } from "node:perf_hooks";
import { type Clients, type Driver, LABEL_BYTES, type Place } from "./driver.ts";
import {
  type ConsumeFigures,
  type LatencyFigures,
  maxMs,
  type PublishFigures,
  percentileMs,
  recordMs,
} from "./figures.ts";
import { holdPolls } from "./hold-polls.ts";
import { Roll } from "./roll.ts";

/** What the load process can be asked to do, one after the other. */
export interface Tasks {
  /** Opens clients for a round; what they cost is not measured. */
  begin(place: Place): Promise<void>;
  /** Each publisher one message after the other, until the time or the count is up. */
  publish(bounds: { forMs: number; count?: number }): Promise<PublishFigures>;
  /** Takes and acknowledges so many messages. */
  consume(bounds: { count: number; atMostMs: number }): Promise<ConsumeFigures>;
  /** Publishes at a fixed rate, whether or not replies come, and times each message from the instant it was due. */
  latency(rate: { perSecond: number; forMs: number }): Promise<LatencyFigures>;
  /** Closes the clients and forgets the place. */
  close(nothing: object): Promise<void>;
  /** Waits in many long polls, then wakes them one by one. */
  holdPolls(polls: { count: number; wakes: number }): Promise<void>;
  wakePolls(nothing: object): Promise<LatencyFigures>;
}

/** How long the last messages may take. */
const PATIENCE_MS = 5_000;

export function openTasks(driver: Driver, port: number): Tasks {
  let clients: Clients = { publishers: [], consumers: [], close: async () => {} };
  let number = 0;
  const nextLabel = (): string => String(number++).padStart(LABEL_BYTES, "0");
  let wake: () => Promise<LatencyFigures> = () => Promise.reject(new Error("no poll is held"));
  return {
    async begin(place) {
      clients = await driver.begin(place);
    },
    publish: (bounds) => measured(() => publishAll(clients, nextLabel, bounds)),
    consume: (bounds) => measured(() => consumeAll(clients, bounds)),
    latency: (rate) => measureLatency(clients, rate),
    close: () => clients.close(),
    async holdPolls(polls) {
      wake = await holdPolls(port, polls);
    },
    wakePolls: () => wake(),
  };
}

/** With the share of a core that this process used meanwhile. */
async function measured<Figures extends { seconds: number }>(
  work: () => Promise<Figures>,
): Promise<Figures & { clientShare: number }> {
  const before = process.cpuUsage();
  const figures = await work();
  const { user, system } = process.cpuUsage(before);
  return { ...figures, clientShare: (user + system) / 1_000_000 / figures.seconds };
}

async function publishAll(
  { publishers }: Clients,
  nextLabel: () => string,
  { forMs, count = Number.POSITIVE_INFINITY }: { forMs: number; count?: number },
): Promise<Omit<PublishFigures, "clientShare">> {
  const histogram = createHistogram();
  const ids: (string | undefined)[] = [];
  const startedAt = performance.now();
  const deadline = startedAt + forMs;
  let left = count;
  await Promise.all(
    publishers.map(async (publisher) => {
      for (let at = performance.now(); at < deadline && left-- > 0; ) {
        ids.push(await publisher.publish(nextLabel()));
        const now = performance.now();
        recordMs(histogram, now - at);
        at = now;
      }
    }),
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  checkUnique(ids);
  return { count: ids.length, seconds, p50Ms: percentileMs(histogram, 50), p99Ms: percentileMs(histogram, 99) };
}

/** A message that is confirmed twice under one id was stored once. */
function checkUnique(ids: readonly (string | undefined)[]): void {
  const named = ids.filter((id) => id !== undefined);
  const repeated = named.length - new Set(named).size;
  if (repeated > 0)
    throw new Error(`${repeated} of ${named.length} publishes were confirmed with an id that another has`);
}

async function consumeAll(
  { consumers }: Clients,
  { count, atMostMs }: { count: number; atMostMs: number },
): Promise<Omit<ConsumeFigures, "clientShare">> {
  const startedAt = performance.now();
  const roll = new Roll(count, atMostMs);
  await consumeUntilDone(consumers, roll);
  const seconds = (performance.now() - startedAt) / 1_000;
  return { count: roll.count, seconds, again: roll.again };
}

/** Whoever still waits in a long poll when all is received has nothing to acknowledge, and is not waited for. */
async function consumeUntilDone(consumers: Clients["consumers"], roll: Roll): Promise<void> {
  await Promise.all(
    consumers.map((consumer) => {
      const consuming = consumer.consume(roll);
      consuming.catch(() => {});
      return Promise.race([consuming, roll.done]);
    }),
  );
}

async function measureLatency(
  { publishers, consumers }: Clients,
  { perSecond, forMs }: { perSecond: number; forMs: number },
): Promise<LatencyFigures> {
  const histogram = createHistogram();
  const total = Math.floor((perSecond * forMs) / 1_000);
  const everyMs = 1_000 / perSecond;
  const startedAt = performance.now();
  const dueAt = (number: number): number => startedAt + number * everyMs;
  const roll = new Roll(total, forMs + PATIENCE_MS, (label) =>
    recordMs(histogram, performance.now() - dueAt(Number(label))),
  );
  const consuming = consumeUntilDone(consumers, roll);
  await publishOnTime(publishers, { total, dueAt });
  await consuming;
  const [p50Ms, p99Ms] = [percentileMs(histogram, 50), percentileMs(histogram, 99)];
  return { count: roll.count, p50Ms, p99Ms, maxMs: maxMs(histogram), missing: total - roll.count };
}

/** Sends each message when it is due. Turns the loop without rest, for timers would be up to a millisecond late. */
async function publishOnTime(
  publishers: Clients["publishers"],
  { total, dueAt }: { total: number; dueAt: (number: number) => number },
): Promise<void> {
  const idle = [...publishers];
  const underWay: Promise<void>[] = [];
  for (let number = 0; number < total; ) {
    const publisher = performance.now() >= dueAt(number) ? idle.pop() : undefined;
    if (publisher === undefined) {
      await new Promise((resolve) => setImmediate(resolve));
      continue;
    }
    const label = String(number++).padStart(LABEL_BYTES, "0");
    underWay.push(
      publisher.publish(label).then(() => {
        idle.push(publisher);
      }),
    );
  }
  await Promise.all(underWay);
}
