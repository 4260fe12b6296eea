import type { Member } from "../run/team.ts";
import {
  type Bench,
  BODY_BYTES,
  CONSUME_AT_MOST,
  CONSUMERS,
  PUBLISHERS,
  roundsOf,
  toFigures,
  type Workload,
} from "./workload.ts";

/** Two workloads in one: what a round publishes, it consumes. */
export const PUBLISH_AND_CONSUME: Workload = {
  does: "64 clients publish, each waiting for its confirmation; 16 take batches of 16 and acknowledge",
  alone: false,
  async run(bench) {
    const members = await bench.team.members();
    for (const round of roundsOf(bench.settings)) {
      for (const member of members) {
        if (!bench.hasTimeFor("publish, consume")) return;
        await takeTurn(bench, member, round);
      }
    }
  },
};

async function takeTurn(bench: Bench, member: Member, round: number): Promise<void> {
  const { results, settings } = bench;
  // Compilers that learn while they run, as Node's, learn most from the first ten thousands of requests.
  const turnMs = round === 0 ? 2 * settings.turnMs : settings.turnMs;
  const isBroker = member.name !== "node-http";
  const consumes = isBroker && bench.isWanted("consume");
  const at = (workload: string) => ({ workload, subject: member.name, round });
  if (results.has(at("publish")) && (!consumes || results.has(at("consume")))) return;
  const consumers = consumes ? CONSUMERS : 0;
  await member.load.do("begin", {
    name: `round-${round}`,
    publishers: PUBLISHERS,
    consumers,
    kind: "normal",
    bodyBytes: BODY_BYTES,
  });
  const published = await member.measure("publish", { forMs: turnMs });
  const { p50Ms, p99Ms, count } = published.result;
  bench.record({ ...at("publish"), figures: { ...toFigures(published), p50Ms, p99Ms } });
  if (consumes) {
    const consumed = await member.measure("consume", { count, atMostMs: CONSUME_AT_MOST * turnMs });
    const { again } = consumed.result;
    bench.record({ ...at("consume"), figures: { ...toFigures(consumed), again, left: count - consumed.result.count } });
  }
  await member.load.do("close", {});
}
