import { setTimeout as pause } from "node:timers/promises";
import { STAGEMQ } from "../peers/stagemq.ts";
import { Member, since } from "../run/team.ts";
import type { Workload } from "./workload.ts";

/** Connections and first polls are over by then. */
const SETTLE_MS = 1_000;
const WAKES = 500;

export const IDLE_POLLS: Workload = {
  does: "5,000 long polls of 30 s that find nothing, on 500 topics; then a publish for one after the other",
  alone: true,
  async run(bench) {
    const { polls, idleMs, form } = bench.settings;
    for (let round = 1; round <= (form === "full" ? 3 : 1); round++) {
      if (!bench.hasTimeFor("idle-polls")) return;
      if (bench.results.has({ workload: "idle-polls", subject: "stagemq", round })) continue;
      const member = await Member.open("stagemq", await STAGEMQ.start(bench.newDirectory()));
      try {
        await member.load.do("holdPolls", { count: polls, wakes: WAKES });
        await pause(SETTLE_MS);
        const before = await member.server.usage();
        await pause(idleMs);
        const idle = since(before, await member.server.usage());
        const woken = await member.load.do("wakePolls", {});
        const figures = {
          polls,
          residentMegabytes: idle.residentMegabytes,
          idleShare: idle.processorMicros / 1_000 / idleMs,
          p50Ms: woken.p50Ms,
          p99Ms: woken.p99Ms,
          missing: woken.missing,
        };
        bench.record({ workload: "idle-polls", subject: "stagemq", round, figures });
      } finally {
        await member.stop();
      }
    }
  },
};
