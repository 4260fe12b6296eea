import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { type SdkClient, SdkRefusal } from "../sdk.ts";
import type { Scenario, Stage } from "../stage.ts";
import { bodiesOf, drain, handlesOf } from "./drain.ts";

const TOPIC = "news";
const READERS = { topic: TOPIC, group: "GID_readers" };
const IDLE_WAIT = 30;

export const twoGroups: Scenario = { title: "two groups each get every message", play: playTwoGroups };

export const twoConsumers: Scenario = {
  title: "two consumers of one group share its messages",
  play: playTwoConsumers,
};

export const waitingPoll: Scenario = {
  title: "a waiting poll is answered when a message is published",
  play: playWaitingPoll,
};

export const emptyPoll: Scenario = { title: "a poll that finds nothing is no error", play: playEmptyPoll };

export const instances: Scenario = {
  title: "no instance is the default instance, and sees nothing of another",
  play: playInstances,
};

export const restart: Scenario = {
  title: "a client goes on after kill -9 and a new start of the broker: nothing lost, handles good",
  play: playRestart,
};

export const idlePoll: Scenario = {
  title: "an idle long poll of 30 seconds ends empty, within the SDK's own patience",
  play: playIdlePoll,
};

async function playTwoGroups(stage: Stage): Promise<void> {
  const client = stage.client();
  const bodies = await publishMany(client, 20);
  expect(bodiesOf(await drain(client, { topic: TOPIC, group: "GID_one" }))).toEqual(bodies);
  expect(bodiesOf(await drain(client, { topic: TOPIC, group: "GID_two" }))).toEqual(bodies);
}

async function playTwoConsumers(stage: Stage): Promise<void> {
  const [first, second] = [stage.client(), stage.client()];
  const bodies = await publishMany(first, 20);
  const held = await first.consume(READERS, { upTo: 5 });
  const shares = await Promise.all([drain(first, READERS, { upTo: 2 }), drain(second, READERS, { upTo: 2 })]);
  expect(await first.acknowledge(READERS, handlesOf(held))).toEqual([]);
  expect([held, ...shares].flatMap(bodiesOf).toSorted()).toEqual(bodies);
}

async function playWaitingPoll(stage: Stage): Promise<void> {
  const [producer, consumer] = [stage.client(), stage.client()];
  const poll = consumer.consume(READERS, { upTo: 16, waitSeconds: IDLE_WAIT });
  // So that the poll waits already; were it late, it would find the message all the same.
  await sleep(200);
  await producer.publish(TOPIC, { body: "now" });
  expect(bodiesOf(await poll)).toEqual(["now"]);
}

async function playEmptyPoll(stage: Stage): Promise<void> {
  const client = stage.client();
  expect(await client.consume(READERS, { upTo: 16 })).toEqual([]);
  expect(await client.consumeOrderly(READERS, { upTo: 16 })).toEqual([]);
  expect(await client.consumeHalf(READERS, { upTo: 16 })).toEqual([]);
}

async function playInstances(stage: Stage): Promise<void> {
  const bare = stage.client();
  const named = stage.client({ instance: stage.defaultInstance });
  const foreign = stage.client({ instance: "MQ_INST_other" });
  await bare.publish(TOPIC, { body: "from no instance" });
  await foreign.publish(TOPIC, { body: "from another" });
  expect(bodiesOf(await drain(named, READERS))).toEqual(["from no instance"]);
  expect(bodiesOf(await drain(foreign, READERS))).toEqual(["from another"]);
  expect(await drain(bare, READERS)).toEqual([]);
}

async function playRestart(stage: Stage): Promise<void> {
  const client = stage.client();
  const bodies = await publishMany(client, 3);
  const inFlight = await client.consume(READERS, { upTo: 1 });
  await stage.restart();

  const acknowledge = () => client.acknowledge(READERS, handlesOf(inFlight));
  expect(await acknowledge().catch(onLostConnection(acknowledge))).toEqual([]);
  await client.publish(TOPIC, { body: "after" });
  const received = [...inFlight, ...(await drain(client, READERS))];
  expect(bodiesOf(received)).toEqual([...bodies, "after"]);
  expect(received.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1]);
}

/** Python's SDK sees that its connection is gone only when it has lost a request to it; its user calls again. */
function onLostConnection<Result>(again: () => Promise<Result>): (reason: unknown) => Promise<Result> {
  return (reason) => {
    if (reason instanceof SdkRefusal) throw reason;
    return again();
  };
}

async function playIdlePoll(stage: Stage): Promise<void> {
  const client = stage.client();
  const start = performance.now();
  expect(await client.consume(READERS, { upTo: 16, waitSeconds: IDLE_WAIT })).toEqual([]);
  expect(performance.now() - start).toBeGreaterThan(IDLE_WAIT * 1_000 - 500);
}

async function publishMany(client: SdkClient, count: number): Promise<readonly string[]> {
  const bodies = Array.from({ length: count }, (_, i) => `news ${String(i).padStart(2, "0")}`);
  for (const body of bodies) await client.publish(TOPIC, { body });
  return bodies;
}
