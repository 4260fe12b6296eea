import { STAGEMQ } from "../peers/stagemq.ts";
import { Member } from "../run/team.ts";
import { BODY_BYTES, CONSUME_AT_MOST, PUBLISHERS, roundsOf, toFigures, type Workload } from "./workload.ts";

const CONSUMERS = 8;

export const ORDERED: Workload = {
  does: "8 consumers take what 64 sharding keys left in the 8 message queues of an ordered topic; beside it an unordered one",
  alone: true,
  async run(bench) {
    const member = await Member.open("stagemq", await STAGEMQ.start(bench.newDirectory()));
    const { turnMs } = bench.settings;
    try {
      for (const round of roundsOf(bench.settings)) {
        for (const kind of ["ordered", "normal"] as const) {
          if (!bench.hasTimeFor("ordered")) return;
          if (bench.results.has({ workload: "ordered", subject: kind, round })) continue;
          const place = { publishers: PUBLISHERS, consumers: CONSUMERS, kind, bodyBytes: BODY_BYTES };
          await member.load.do("begin", { name: `consumed-${kind}-${round}`, ...place });
          const { count } = await member.load.do("publish", { forMs: turnMs });
          const consumed = await member.measure("consume", { count, atMostMs: CONSUME_AT_MOST * turnMs });
          await member.load.do("close", {});
          const left = count - consumed.result.count;
          bench.record({ workload: "ordered", subject: kind, round, figures: { ...toFigures(consumed), left } });
        }
      }
    } finally {
      await member.stop();
    }
  },
};
