import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ask } from "../../process/ask.ts";
import { BrokerProcess, newDirectory } from "../../process/broker-process.ts";
import { publish } from "../../process/signed-request.ts";
import { CrowdRun } from "../crowd-run.ts";
import { FakedClock } from "../faked-clock.ts";
import { hold } from "../front-door/figures.ts";
import { faketime } from "../requirements.ts";
import { scenario } from "../scenario.ts";
import { SimpleClient } from "../simple-client.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const STEPS = [HOUR_MS, -HOUR_MS, DAY_MS, -DAY_MS, 100, -100] as const;
const MESSAGES = 50;

export const clockJumps = scenario<{ readonly jumps: number }>({
  name: "clock-jumps",
  does: "the broker's wall clock is stepped by an hour, a day and a little, forward and back, under mixed load judged by the checker; retention rests after a step, and a request's date is held against the stepped clock",
  needs: [faketime],
  short: { jumps: 4, withinS: 300 },
  full: { jumps: 20, withinS: 400 },
  async run({ jumps }, random) {
    await datesFollowTheClock();
    await retentionRests();
    const clock = await FakedClock.make();
    // Signed by clients whose clocks stay.
    const environment = { ...clock.environment, STAGEMQ_CLOCK_SKEW: "10d", STAGEMQ_RETENTION_AGE: "30d" };
    // TIM-2: no half message is abandoned soon after a step, however old it is by the new time.
    const settings = { checksForMs: 30 * DAY_MS };
    const run = await CrowdRun.begin({ random, settings, broker: { environment } });
    try {
      const broker = await run.start(join(await newDirectory(), "data"));
      const step = (offsetMs: number) => run.writer.fault({ kind: "clock", offsetMs }, () => clock.step(offsetMs));
      for (let jump = 1; jump <= jumps; jump++) {
        await sleep(500 + random.below(1_500));
        await step(random.pick(STEPS));
      }
      await sleep(500);
      await step(0);
      return await run.expectKept(await run.finish(broker), { jumps });
    } finally {
      run.close();
    }
  },
});

/** The window for signatures is around the wall clock as it stands. */
async function datesFollowTheClock(): Promise<void> {
  const clock = await FakedClock.make();
  const broker = await BrokerProcess.start({ environment: { ...clock.environment, STAGEMQ_LOG_LEVEL: "warn" } });
  for (const offsetMs of [HOUR_MS, -DAY_MS, 0]) {
    await clock.step(offsetMs);
    const there = await ask(broker, { ...publish("dated"), date: Date.now() + offsetMs });
    const off = await ask(broker, { ...publish("dated"), date: Date.now() + offsetMs + HOUR_MS });
    const figures = { offsetMs, there: there.status, off: off.status };
    hold("a date is held against the stepped clock", there.status === 201 && off.status >= 400, figures);
  }
  await broker.stop();
}

/** Within the hour after a step nothing is dropped for its age (TIM-2). */
async function retentionRests(): Promise<void> {
  const clock = await FakedClock.make();
  const environment = { ...clock.environment, STAGEMQ_RETENTION_AGE: "2h", STAGEMQ_CLOCK_SKEW: "10d" };
  const broker = await BrokerProcess.start({ environment: { ...environment, STAGEMQ_LOG_LEVEL: "warn" } });
  const client = new SimpleClient(broker.endpoint);
  for (let number = 0; number < MESSAGES; number++) await client.publish("kept", `${number}`);
  await clock.step(DAY_MS);
  await sleep(2_500);
  const bodies = await client.drain("kept", "GID_later");
  client.close();
  await broker.stop();
  hold("nothing is dropped right after a step", bodies.length === MESSAGES, { bodies: bodies.length });
}
