import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { newDirectory } from "../../process/broker-process.ts";
import { CrowdRun } from "../crowd-run.ts";
import { scenario } from "../scenario.ts";

const SHORT_MS = 300;
/** Longer than anything stays invisible. */
const LONG_MS = 2_500;

export const pauses = scenario<{ readonly pauses: number }>({
  name: "pauses",
  does: "SIGSTOP under mixed load, half of them longer than the invisible times; judged by the checker",
  short: { pauses: 4, withinS: 300 },
  full: { pauses: 20, withinS: 300 },
  async run({ pauses }, random) {
    const run = await CrowdRun.begin({ random });
    try {
      const broker = await run.start(join(await newDirectory(), "data"));
      for (let pause = 1; pause <= pauses; pause++) {
        await sleep(random.below(1_000));
        await run.writer.fault({ kind: "pause" }, async () => {
          broker.signal("SIGSTOP");
          await sleep(pause % 2 === 0 ? LONG_MS : random.below(SHORT_MS));
          broker.signal("SIGCONT");
        });
      }
      return await run.expectKept(await run.finish(broker), { pauses });
    } finally {
      run.close();
    }
  },
});
