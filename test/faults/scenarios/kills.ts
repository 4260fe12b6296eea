import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { newDirectory } from "../../process/broker-process.ts";
import { CrowdRun } from "../crowd-run.ts";
import { scenario } from "../scenario.ts";

const LONGEST_LIFE_MS = 1_500;
/** Long before it serves, or soon after. */
const LONGEST_START_MS = 600;

export const kills = scenario<{ readonly kills: number }>({
  name: "kills",
  does: "kill -9 at random moments under mixed load, and at starts; the checker judges what the clients saw",
  short: { kills: 6, withinS: 300 },
  full: { kills: 500, withinS: 4_800 },
  cores: 1,
  async run({ kills }, random) {
    const dataDirectory = join(await newDirectory(), "data");
    const run = await CrowdRun.begin({ random });
    try {
      for (let kill = 1; kill <= kills; kill++) {
        const broker = await run.start(dataDirectory);
        await sleep(random.below(LONGEST_LIFE_MS));
        await run.kill(broker);
        if (random.percent(25)) await run.killAtStart(dataDirectory, 1 + random.below(LONGEST_START_MS));
      }
      return await run.expectKept(await run.finish(await run.start(dataDirectory)), { kills });
    } finally {
      run.close();
    }
  },
});
