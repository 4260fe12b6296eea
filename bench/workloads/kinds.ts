import type { MessageKind } from "../load/driver.ts";
import { STAGEMQ } from "../peers/stagemq.ts";
import { Member } from "../run/team.ts";
import { BODY_BYTES, PUBLISHERS, roundsOf, toFigures, type Workload } from "./workload.ts";

const KINDS: readonly MessageKind[] = ["normal", "ordered", "delayed", "half", "half-commit"];

export const KINDS_OF_MESSAGES: Workload = {
  does: "the four kinds, published beside one another; half-commit is a half message and its end, two requests",
  alone: true,
  async run(bench) {
    const member = await Member.open("stagemq", await STAGEMQ.start(bench.newDirectory()));
    try {
      for (const round of roundsOf(bench.settings)) {
        for (const kind of KINDS) {
          if (!bench.hasTimeFor("kinds")) return;
          if (bench.results.has({ workload: "kinds", subject: kind, round })) continue;
          const place = { publishers: PUBLISHERS, consumers: 0, kind, bodyBytes: BODY_BYTES };
          await member.load.do("begin", { name: `${kind}-${round}`, ...place });
          const measured = await member.measure("publish", { forMs: bench.settings.turnMs });
          await member.load.do("close", {});
          const { p50Ms, p99Ms } = measured.result;
          bench.record({ workload: "kinds", subject: kind, round, figures: { ...toFigures(measured), p50Ms, p99Ms } });
        }
      }
    } finally {
      await member.stop();
    }
  },
};
