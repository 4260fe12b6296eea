import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import {
  type ConsumeRequest,
  type ConsumeResult,
  DEAD_LETTERS,
  type Got,
  type HistoryEvent,
  type Verb,
} from "../checker/history.ts";
import { HistoryWriter } from "../checker/history-writer.ts";
import { judgeHistory } from "../checker/judge-history.ts";
import { BrokerProcess, cleanUp, newDirectory, runToEnd } from "../process/broker-process.ts";
import { Crowd } from "./crowd.ts";
import { CROWD_SETTINGS, crowdBroker, IMMUNITY_MS } from "./crowd-settings.ts";
import { SeededRandom } from "./seeded-random.ts";

const KILLS = process.env.STAGEMQ_CI ? 50 : 10;
const SEED = Number(process.env.STAGEMQ_TEST_SEED ?? Date.now() % 1_000_000);
const LONGEST_LIFE_MS = 1_200;
/** Each kill has a second, and a busy machine three. */
const TIMEOUT_MS = 60_000 + KILLS * 3_000;
/** Long before it serves, or soon after. */
const LONGEST_START_MS = 600;

afterAll(cleanUp);

describe("a broker killed with -9 again and again, under load", () => {
  it("PUB-1.2, DEL-10.1, DEL-10.2, DEL-14.1, ORD-5.1, TX-8.1: breaks no promise that it has confirmed", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const random = new SeededRandom(SEED);
    const options = await crowdBroker({ dataDirectory: join(await newDirectory(), "data") });
    const historyFile = process.env.STAGEMQ_HISTORY;
    const writer = new HistoryWriter(historyFile === undefined ? {} : { file: historyFile });
    writer.settings(CROWD_SETTINGS);
    const crowd = new Crowd({ settings: CROWD_SETTINGS, random, writer, immunityMs: IMMUNITY_MS });
    const startBroker = async () => {
      const broker = await writer.fault({ kind: "start" }, () => BrokerProcess.start(options));
      crowd.brokerServes(broker.endpoint);
      return broker;
    };
    console.log(`${KILLS} kills; the same again: STAGEMQ_TEST_SEED=${SEED}`);
    crowd.start();
    try {
      for (let kill = 1; kill <= KILLS; kill++) {
        const broker = await startBroker();
        await sleep(random.below(LONGEST_LIFE_MS));
        await writer.fault({ kind: "kill" }, () => {
          const killed = broker.kill();
          crowd.brokerIsGone();
          return killed;
        });
        if (random.percent(25)) await runToEnd({ ...options, killedAfterMs: 1 + random.below(LONGEST_START_MS) });
      }
      const last = await startBroker();
      await crowd.drain();
      expect(await last.stop()).toEqual({ code: 0, signal: null });
    } finally {
      crowd.close();
      writer.close();
    }
    const { violations, classes, lateness } = judgeHistory(writer.events);
    console.log(describeRun(writer.events), { classes, lateness });
    expect(violations).toEqual([]);
    expect(crowd.serverErrors).toBe(0);
    expectToHaveSeen(writer.events);
  });
});

/** All that ended in one way, of one sort. */
function ended(events: readonly HistoryEvent[], type: HistoryEvent["type"], ...verbs: readonly Verb[]): HistoryEvent[] {
  return events.filter((event) => event.type === type && verbs.includes(event.f));
}

function received(events: readonly HistoryEvent[]): Got[] {
  return ended(events, "ok", "consume", "consumeHalf").flatMap(({ res }) => (res as ConsumeResult).got);
}

function describeRun(events: readonly HistoryEvent[]): string {
  const unknown = (...verbs: readonly Verb[]) => ended(events, "info", ...verbs).length;
  const got = received(events);
  return [
    `${ended(events, "ok", "publish").length} published (${unknown("publish")} without an answer)`,
    `${got.length} delivered, ${got.filter(({ c }) => c > 1).length} of them again (${unknown("consume", "consumeHalf")} polls without an answer)`,
    `${ended(events, "ok", ...ENDINGS).length} requests to end something (${unknown(...ENDINGS)} without an answer)`,
  ].join("\n");
}

const ENDINGS = ["ack", "commit", "rollback"] as const;

/** A run in which the interesting things did not happen proves nothing. */
function expectToHaveSeen(events: readonly HistoryEvent[]): void {
  const again = { plain: 0, ordered: 0, half: 0, dead: 0 };
  const asked = new Map<string, HistoryEvent>();
  for (const event of events) {
    if (event.type === "invoke") asked.set(event.p, event);
    if (event.type !== "ok" || (event.f !== "consume" && event.f !== "consumeHalf")) continue;
    const { got } = event.res as ConsumeResult;
    const { topic, mode } = (asked.get(event.p) as HistoryEvent).req as ConsumeRequest;
    again[mode ?? "half"] += got.filter(({ c }) => c > 1).length;
    if (topic.startsWith(DEAD_LETTERS)) again.dead += got.length;
  }
  const kills = ended(events, "ok", "fault").filter(({ p }) => p === "fault kill");
  const inFlight = received(events).filter(({ next }) => kills.some(({ wall }) => next - 1_000 < wall && wall < next));
  expect(ended(events, "ok", "publish").length).toBeGreaterThan(KILLS * 5);
  expect(ended(events, "ok", "commit", "rollback").length).toBeGreaterThan(KILLS);
  expect(ended(events, "info", "publish", "consume", "consumeHalf", ...ENDINGS).length).toBeGreaterThan(KILLS);
  expect(inFlight.length, "in flight when the broker was killed").toBeGreaterThan(0);
  for (const [what, count] of Object.entries(again)) expect(count, `${what}, again`).toBeGreaterThan(0);
}
