import { setTimeout as pause } from "node:timers/promises";
import { STAGEMQ } from "../peers/stagemq.ts";
import { Member, since } from "../run/team.ts";
import { BODY_BYTES, PUBLISHERS, toFigures, type Workload } from "./workload.ts";

const SETTLE_MS = 1_000;
/** So much of the time that is left. */
const FILL_SHARE = 0.2;

export const PENDING: Workload = {
  does: "half messages that nobody ends and that are not due yet: what they cost at rest, and a plain publish beside them",
  alone: true,
  async run(bench) {
    const { pending, idleMs, turnMs } = bench.settings;
    if (!bench.hasTimeFor("pending") || bench.results.has({ workload: "pending", subject: "stagemq", round: 1 }))
      return;
    const member = await Member.open("stagemq", await STAGEMQ.start(bench.newDirectory()));
    const clients = { publishers: PUBLISHERS, consumers: 0, bodyBytes: BODY_BYTES };
    try {
      await member.load.do("begin", { name: "pending", ...clients, kind: "half" });
      const filled = await member.load.do("publish", { forMs: FILL_SHARE * bench.timeLeftMs(), count: pending });
      await member.load.do("close", {});
      await pause(SETTLE_MS);
      const before = await member.server.usage();
      await pause(idleMs);
      const idle = since(before, await member.server.usage());
      await member.load.do("begin", { name: "plain", ...clients, kind: "normal" });
      const published = await member.measure("publish", { forMs: turnMs });
      const figures = {
        pending: filled.count,
        idleShare: idle.processorMicros / 1_000 / idleMs,
        ...toFigures(published),
      };
      bench.record({ workload: "pending", subject: "stagemq", round: 1, figures });
    } finally {
      await member.stop();
    }
  },
};
