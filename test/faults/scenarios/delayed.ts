import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ConsumeResult, HistoryEvent, PublishRequest } from "../../checker/history.ts";
import { type Cast, PLAIN } from "../../crash/crowd.ts";
import { newDirectory } from "../../process/broker-process.ts";
import { CrowdRun } from "../crowd-run.ts";
import { hold } from "../front-door/figures.ts";
import { scenario } from "../scenario.ts";

const PRODUCERS = 8;
const CONSUMERS = 8;
/** Five times what is promised of a broker that is not too busy. */
const LATE_P99_MS = 1_250;
const CAUGHT_UP_WITHIN_MS = 150_000;

interface Setting {
  readonly messages: number;
  /** The first is due this long after the beginning, … */
  readonly leadS: number;
  /** … the last so long after it. */
  readonly overS: number;
  readonly downS: number;
}

export const delayed = scenario<Setting>({
  name: "delayed",
  does: "many messages become due, some while the broker is killed and away for a while: none early, those of the downtime soon after it",
  short: { messages: 1_000, leadS: 4, overS: 12, downS: 3, withinS: 300 },
  full: { messages: 100_000, leadS: 240, overS: 180, downS: 20, withinS: 1_200 },
  cores: 1,
  async run({ messages, leadS, overS, downS }, random) {
    const firstDueAt = Date.now() + leadS * 1_000;
    const lastDueAt = firstDueAt + overS * 1_000;
    const run = await CrowdRun.begin({
      random,
      cast: castOf(messages, (draw) => firstDueAt + draw.below(overS * 1_000)),
      settings: { drainWithinMs: 600_000, startWithinMs: (downS + 30) * 1_000 },
    });
    try {
      const dataDirectory = join(await newDirectory(), "data");
      const first = await run.start(dataDirectory);
      await run.crowd.allSent();
      const areSentInTime = Date.now() < firstDueAt + (overS * 1_000) / 2;
      hold("they are sent before most are due", areSentInTime, { lateByMs: Date.now() - firstDueAt });
      await sleep(Math.max(0, firstDueAt + (overS * 1_000) / 2 - Date.now()));
      await run.kill(first);
      await sleep(downS * 1_000);
      const broker = await run.start(dataDirectory);
      const backAt = Date.now();
      await sleep(Math.max(0, lastDueAt - Date.now()));
      const judgement = await run.finish(broker);
      const figures = await run.expectKept(judgement, {
        downS,
        caughtUpAfterMs: caughtUpAt(run.writer.events, backAt) - backAt,
      });
      hold("late by little", judgement.lateness.p99 <= LATE_P99_MS, figures);
      hold("what was due meanwhile comes soon", Number(figures.caughtUpAfterMs) <= CAUGHT_UP_WITHIN_MS, figures);
      return figures;
    } finally {
      run.close();
    }
  },
});

function castOf(messages: number, dueAt: (random: { below(bound: number): number }) => number): Cast {
  const cast: Record<string, Cast[string]> = {};
  const share = Math.ceil(messages / PRODUCERS);
  for (let number = 0; number < PRODUCERS; number++)
    cast[`producer ${number}`] = {
      does: "publish",
      topic: PLAIN,
      keys: [undefined],
      dueAt,
      messages: share,
      pausesUpToMs: 0,
    };
  for (let number = 0; number < CONSUMERS; number++)
    cast[`consumer ${number}`] = { does: "consume", topic: PLAIN, group: "GID_due", mode: "plain", acknowledges: 100 };
  return cast;
}

/** When the last of the messages that were due by then was first delivered. */
function caughtUpAt(events: readonly HistoryEvent[], backAt: number): number {
  const overdue = new Set<string>();
  let last = backAt;
  for (const { f, type, req, res, wall } of events) {
    if (f === "publish" && type === "invoke") {
      const { uid, dueAt = Number.POSITIVE_INFINITY } = req as PublishRequest;
      if (dueAt <= backAt) overdue.add(uid);
    } else if (f === "consume" && type === "ok") {
      for (const { uid } of (res as ConsumeResult).got) if (overdue.delete(uid)) last = Math.max(last, wall);
    }
  }
  return last;
}
