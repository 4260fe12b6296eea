import { type Bench, BODY_BYTES, roundsOf, type Workload } from "./workload.ts";

const PER_SECOND = 500;
const CLIENTS = { publishers: 32, consumers: 8 } as const;

export const LATENCY: Workload = {
  does: `end to end at ${PER_SECOND}/s: each message timed from the instant it was due, whether or not earlier ones were confirmed`,
  alone: false,
  async run(bench) {
    const members = (await bench.team.members()).filter(({ name }) => name !== "node-http");
    for (const round of roundsOf(bench.settings)) {
      for (const member of members) {
        if (!bench.hasTimeFor("latency")) return;
        if (bench.results.has({ workload: "latency", subject: member.name, round })) continue;
        const place = { name: `latency-${round}`, ...CLIENTS, kind: "normal", bodyBytes: BODY_BYTES } as const;
        await member.load.do("begin", place);
        const figures = await member.load.do("latency", { perSecond: PER_SECOND, forMs: timeOf(round, bench) });
        await member.load.do("close", {});
        bench.record({ workload: "latency", subject: member.name, round, figures: { ...figures } });
      }
    }
  },
};

function timeOf(round: number, { settings }: Bench): number {
  return round === 0 ? settings.latencyMs / 4 : settings.latencyMs;
}
