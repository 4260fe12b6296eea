import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { SeededRandom } from "../../crash/seeded-random.ts";
import { CrowdRun } from "../crowd-run.ts";
import { CutDisk } from "../disks/cut-disk.ts";
import { hold } from "../front-door/figures.ts";
import { reflinks } from "../requirements.ts";
import { scenario } from "../scenario.ts";

const LONGEST_LIFE_MS = 1_500;
const CONTROL_CUTS = 3;
const MOST_CONTROL_CUTS = 15;

export const powerCuts = scenario<{ readonly cuts: number }>({
  name: "power-cuts",
  does: "what the disk held at a random moment is all that the next start has; a broker that syncs later (the control) must lose by it",
  needs: [reflinks],
  short: { cuts: 3, withinS: 300 },
  full: { cuts: 60, withinS: 900 },
  cores: 1,
  async run({ cuts }, random) {
    let lostByControl = 0;
    let controlCuts = 0;
    // On a busy machine little is confirmed within 100 ms, and a cut may miss it.
    for (; lostByControl === 0 && controlCuts < MOST_CONTROL_CUTS; controlCuts += CONTROL_CUTS) {
      const control = await cutPower(CONTROL_CUTS, random, "relaxed");
      lostByControl = control.judgement.classes.lost;
    }
    hold("a broker that answers before it syncs loses something", lostByControl > 0, { controlCuts, lostByControl });
    const { run, judgement } = await cutPower(cuts, random, "sync");
    return run.expectKept(judgement, { cuts, controlCuts, lostByControl });
  },
});

async function cutPower(cuts: number, random: SeededRandom, durability: "sync" | "relaxed") {
  const disk = await CutDisk.make();
  const run = await CrowdRun.begin({ random, broker: { args: ["--durability", durability] } });
  try {
    for (let cut = 1; cut <= cuts; cut++) {
      const broker = await run.start(join(disk.directory, "data"));
      await sleep(300 + random.below(LONGEST_LIFE_MS));
      await run.kill(broker, "power-cut", async () => {
        // Nobody may be told anything between the instant of the cut and the end of the process.
        broker.signal("SIGSTOP");
        await disk.cut();
      });
      await disk.powerOn();
    }
    const judgement = await run.finish(await run.start(join(disk.directory, "data")));
    return { run, judgement };
  } finally {
    run.close();
    await disk.remove();
  }
}
