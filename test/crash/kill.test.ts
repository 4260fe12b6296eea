import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { BrokerProcess, cleanUp, newDirectory, runToEnd } from "../process/broker-process.ts";
import { Crowd } from "./crowd.ts";
import type { History, Settings } from "./history.ts";
import { judge } from "./judge.ts";
import { SeededRandom } from "./seeded-random.ts";

const KILLS = process.env.STAGEMQ_CI ? 50 : 10;
const SEED = Number(process.env.STAGEMQ_TEST_SEED ?? Date.now() % 1_000_000);
const LONGEST_LIFE_MS = 1_200;
/** Each kill has a second, and a busy machine three. */
const TIMEOUT_MS = 60_000 + KILLS * 3_000;
/** Long before it serves, or soon after. */
const LONGEST_START_MS = 600;

/** What `--fast` makes of 200 s, a minute and 10 s. A start may take 2 s, and this is no measurement: five times that. */
const ENVIRONMENT = { STAGEMQ_INVISIBLE_FOR: "200s", STAGEMQ_LOG_LEVEL: "warn" };
const SETTINGS: Settings = {
  invisibleFor: { concurrent: 2_000, ordered: 1_000, half: 1_000 },
  immunity: 1_000,
  startWithin: 10_000,
};

afterAll(cleanUp);

describe("a broker killed with -9 again and again, under load", () => {
  it("PUB-1.2, DEL-10.1, DEL-10.2, DEL-14.1, ORD-5.1, TX-8.1: breaks no promise that it has confirmed", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const random = new SeededRandom(SEED);
    const dataDirectory = await newDirectory();
    const options = { dataDirectory, args: ["--fast"], environment: ENVIRONMENT };
    const crowd = new Crowd(SETTINGS, random);
    const startBroker = async () => {
      const startedAt = Date.now();
      const broker = await BrokerProcess.start(options);
      crowd.brokerServes(broker.endpoint, { startedAt, servesAt: Date.now() });
      return broker;
    };
    console.log(`${KILLS} kills; the same again: STAGEMQ_TEST_SEED=${SEED}`);
    crowd.start();
    try {
      for (let kill = 1; kill <= KILLS; kill++) {
        const broker = await startBroker();
        await sleep(random.below(LONGEST_LIFE_MS));
        const killed = broker.kill();
        crowd.brokerIsGone();
        await killed;
        if (random.percent(25)) await runToEnd({ ...options, killedAfterMs: 1 + random.below(LONGEST_START_MS) });
      }
      const last = await startBroker();
      await crowd.drain();
      expect(await last.stop()).toEqual({ code: 0, signal: null });
    } finally {
      crowd.close();
    }
    console.log(describeRun(crowd.history));
    expect(judge(crowd.history).map(({ property, says }) => `${property}: ${says}`)).toEqual([]);
    expectToHaveSeen(crowd.history);
  });
});

function describeRun({ publications, polls, endings, starts }: History): string {
  const unknown = (operations: readonly { outcome: string }[]) =>
    operations.filter(({ outcome }) => outcome === "unknown").length;
  const deliveries = polls.flatMap(({ deliveries }) => deliveries);
  const again = deliveries.filter(({ consumedTimes }) => consumedTimes > 1).length;
  const times = starts.map(({ startedAt, servesAt }) => servesAt - startedAt).toSorted((a, b) => a - b);
  return [
    `${publications.length} published (${unknown(publications)} without an answer)`,
    `${deliveries.length} delivered, ${again} of them again (${unknown(polls)} polls without an answer)`,
    `${endings.length} ended (${unknown(endings)} without an answer)`,
    `serving after ${times[0]} to ${times.at(-1)} ms, median ${times[times.length >> 1]} ms`,
  ].join("\n");
}

/** A run in which the interesting things did not happen proves nothing. */
function expectToHaveSeen({ publications, polls, endings, starts }: History): void {
  const all = polls.flatMap(({ sort, deliveries }) => deliveries.map((delivery) => ({ sort, ...delivery })));
  const again = (sort: string) => all.filter((one) => one.sort === sort && one.consumedTimes > 1).length;
  const kills = starts.slice(1).map(({ startedAt }) => startedAt);
  const inFlight = polls.flatMap(({ endedAt, deliveries }) =>
    deliveries.filter(({ nextConsumeTime }) => kills.some((at) => endedAt < at && at < nextConsumeTime)),
  ).length;
  expect(publications.filter(({ outcome }) => outcome === "ok").length).toBeGreaterThan(KILLS * 5);
  expect(endings.filter(({ as, outcome }) => as !== "acknowledge" && outcome === "ok").length).toBeGreaterThan(KILLS);
  expect([...publications, ...polls, ...endings].filter(({ outcome }) => outcome === "unknown").length).toBeGreaterThan(
    KILLS,
  );
  expect(inFlight, "in flight when the broker was killed").toBeGreaterThan(0);
  for (const sort of ["concurrent", "ordered", "half"]) expect(again(sort), `${sort}, again`).toBeGreaterThan(0);
}
