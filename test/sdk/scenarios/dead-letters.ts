import { expect } from "vitest";
import type { Scenario, Stage } from "../stage.ts";

const JOBS = { topic: "jobs", group: "GID_jobs" };
const DEAD_JOBS = { topic: "%DLQ%GID_jobs", group: "GID_jobs" };
const FIVE_MINUTES = 300_000;
/** DEL-9: the first delivery and 288 retries. */
const DELIVERIES = 289;

export const deadLetters: Scenario = {
  title: "a message that nobody acknowledges is delivered 289 times, then waits among the dead letters",
  play: playDeadLetters,
};

async function playDeadLetters(stage: Stage): Promise<void> {
  const client = stage.client();
  const { messageId } = await client.publish(JOBS.topic, {
    body: "never done",
    tag: "night",
    key: "job-1",
    properties: { a: "1" },
  });
  for (let attempt = 1; attempt <= DELIVERIES; attempt++) {
    expect(await client.consume(JOBS, { upTo: 16 })).toMatchObject([{ messageId, attempt }]);
    await stage.pass(FIVE_MINUTES);
  }
  expect(await client.consume(JOBS, { upTo: 16 })).toEqual([]);

  const [dead, ...noMore] = await client.consume(DEAD_JOBS, { upTo: 16 });
  expect(noMore).toEqual([]);
  expect(dead).toMatchObject({ messageId, body: "never done", tag: "night", key: "job-1", attempt: 1 });
  expect(dead?.properties).toMatchObject({ a: "1", DLQ_ORIGIN_TOPIC: "jobs", DLQ_ORIGIN_MESSAGE_ID: messageId });
  expect(await client.acknowledge(DEAD_JOBS, [dead?.receiptHandle ?? ""])).toEqual([]);
  await stage.pass(FIVE_MINUTES);
  expect(await client.consume(DEAD_JOBS, { upTo: 16 })).toEqual([]);
}
