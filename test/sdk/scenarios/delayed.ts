import { expect } from "vitest";
import type { Scenario, Stage } from "../stage.ts";
import { bodiesOf, drain } from "./drain.ts";

const REMINDERS = { topic: "reminders", group: "GID_reminders" };
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export const delayed: Scenario = {
  title: "a delayed message is invisible until its time, and never early",
  play: playDelayed,
};

async function playDelayed(stage: Stage): Promise<void> {
  const [producer, consumer] = [stage.client(), stage.client()];
  const start = await stage.now();
  await producer.publish(REMINDERS.topic, { body: "in 40 days", deliverAt: start + 40 * DAY });
  await producer.publish(REMINDERS.topic, { body: "in an hour", deliverAt: start + HOUR });
  await producer.publish(REMINDERS.topic, { body: "long ago", deliverAt: start - HOUR });
  const tooFar = producer.publish(REMINDERS.topic, { body: "too far", deliverAt: start + 41 * DAY });
  await expect(tooFar).rejects.toMatchObject({ code: "InvalidArgument" });

  expect(bodiesOf(await drain(consumer, REMINDERS))).toEqual(["long ago"]);
  await stage.passUntil(start + HOUR - 1);
  expect(await drain(consumer, REMINDERS)).toEqual([]);
  await stage.pass(1);
  expect(await drain(consumer, REMINDERS)).toMatchObject([{ body: "in an hour", deliverAt: start + HOUR }]);
  await stage.passUntil(start + 40 * DAY);
  expect(bodiesOf(await drain(consumer, REMINDERS))).toEqual(["in 40 days"]);
}
