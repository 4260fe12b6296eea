import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { HistoryEvent } from "../../checker/history.ts";
import { judgeHistory } from "../../checker/judge-history.ts";
import type { SeededRandom } from "../../crash/seeded-random.ts";
import { newDirectory, runProgram } from "../../process/broker-process.ts";
import { CrowdRun } from "../crowd-run.ts";
import { type Figures, hold } from "../front-door/figures.ts";
import { scenario } from "../scenario.ts";

const LEAD_MS = 2_500;

export const backups = scenario<{ readonly backups: number }>({
  name: "backups",
  does: "a backup of a broker under mixed load, verified, restored and served to the same clients; the checker judges all that was confirmed before the backup began",
  short: { backups: 1, withinS: 300 },
  full: { backups: 20, withinS: 900 },
  async run({ backups }, random) {
    const figures: Figures[] = [];
    for (let backup = 1; backup <= backups; backup++) figures.push(await backUpOnce(random));
    const sum = (what: string) => figures.reduce((all, one) => all + Number(one[what]), 0);
    return {
      backups,
      published: sum("published"),
      delivered: sum("delivered"),
      unknownToTheBackup: sum("unknownToTheBackup"),
      lost: sum("lost"),
      violations: sum("violations"),
    };
  },
});

async function backUpOnce(random: SeededRandom): Promise<Figures> {
  const dataDirectory = join(await newDirectory(), "data");
  const copy = join(await newDirectory(), "copy");
  const restored = join(await newDirectory(), "restored");
  const run = await CrowdRun.begin({ random });
  try {
    const broker = await run.start(dataDirectory);
    await sleep(LEAD_MS + random.below(1_000));
    const { events } = run.writer;
    // Of what was answered from here on the copy may know or not, so nobody may go on from such an answer.
    run.crowd.isHesitant = true;
    const begun = events.length;
    await expectDone("backup", "create", dataDirectory, copy, "--quiet");
    await run.kill(broker);
    run.crowd.isHesitant = false;
    const unknown = forget(events, begun);
    await expectDone("backup", "verify", copy, "--quiet");
    await expectDone("backup", "restore", copy, restored, "--quiet");
    const next = await run.start(restored);
    await sleep(random.below(1_000));
    await run.finish(next);
    return await run.expectKept(judgeHistory(events), { unknownToTheBackup: unknown });
  } finally {
    run.close();
  }
}

/** As if no answer had come since then. Returns how much that is. */
function forget(events: HistoryEvent[], since: number): number {
  let count = 0;
  for (let at = since; at < events.length; at++) {
    const event = events[at];
    if (event?.type !== "ok" || event.f === "fault" || event.f === "admin") continue;
    events[at] = { ...event, type: "info", res: { why: "answered after the backup had begun" } } as HistoryEvent;
    count += 1;
  }
  return count;
}

async function expectDone(...words: readonly string[]): Promise<void> {
  const { code, errorOutput } = await runProgram(...words);
  hold(`stagemq ${words.join(" ")} succeeds`, code === 0, { code: `${code}`, errorOutput });
}
