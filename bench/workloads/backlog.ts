import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { startStagemq } from "../peers/stagemq.ts";
import { Member } from "../run/team.ts";
import { type Bench, CONSUMERS, PUBLISHERS, roundsOf, toFigures, type Workload } from "./workload.ts";

const BODY_BYTES = 200;
const TOPIC = "backlog";
/** The load process looks at the ids of so many at once. */
const FILLED_AT_ONCE = 250_000;
/** So much of the time that is left; turns and starts want some of it. */
const FILL_SHARE = 0.7;

export const BACKLOG: Workload = {
  does: "many retained messages of 200 bytes: publish and consume beside a broker that holds nothing else; memory; starts",
  alone: true,
  async run(bench) {
    if (bench.results.has({ workload: "backlog-start", subject: "from-journal", round: 1 })) return;
    if (!bench.hasTimeFor("backlog")) return;
    const directory = bench.newDirectory();
    const full = await openMember(directory);
    let isUp = true;
    try {
      await fill(bench, full);
      await measureBeside(bench, full);
      isUp = false;
      await full.stop();
      await measureStarts(bench, directory);
    } finally {
      if (isUp) await full.stop();
      // Gigabytes, which the next workload may want.
      rmSync(directory, { recursive: true, force: true });
    }
  },
};

async function openMember(directory: string): Promise<Member> {
  return await Member.open("stagemq", await startStagemq(directory));
}

async function fill(bench: Bench, full: Member): Promise<void> {
  const { backlog } = bench.settings;
  const startedAt = performance.now();
  const place = { publishers: PUBLISHERS, consumers: 0, kind: "normal", bodyBytes: BODY_BYTES } as const;
  await full.load.do("begin", { name: TOPIC, ...place });
  const deadline = startedAt + FILL_SHARE * bench.timeLeftMs();
  let filled = 0;
  while (filled < backlog && performance.now() < deadline) {
    const some = { forMs: deadline - performance.now(), count: Math.min(FILLED_AT_ONCE, backlog - filled) };
    filled += (await full.load.do("publish", some)).count;
    bench.tell(`backlog: ${filled.toLocaleString("en-US")} of ${backlog.toLocaleString("en-US")} published`);
  }
  await full.load.do("close", {});
  const seconds = (performance.now() - startedAt) / 1_000;
  const { residentMegabytes } = await full.server.usage();
  const figures = { messages: filled, perSecond: filled / seconds, residentMegabytes };
  bench.record({ workload: "backlog", subject: "filled", round: 1, figures });
}

/** The same turns for a broker with the backlog and for one without, in turn. */
async function measureBeside(bench: Bench, full: Member): Promise<void> {
  const empty = await openMember(bench.newDirectory());
  const { turnMs } = bench.settings;
  try {
    for (const round of roundsOf(bench.settings)) {
      for (const [subject, member] of [
        ["full", full],
        ["empty", empty],
      ] as const) {
        if (!bench.hasTimeFor("backlog")) return;
        const place = { publishers: PUBLISHERS, consumers: CONSUMERS, kind: "normal", bodyBytes: BODY_BYTES } as const;
        await member.load.do("begin", { name: TOPIC, ...place });
        const published = await member.measure("publish", { forMs: turnMs });
        const { count } = published.result;
        // The oldest of the backlog come first; the other has no more than these.
        const consumed = await member.measure("consume", { count, atMostMs: 3 * turnMs });
        await member.load.do("close", {});
        bench.record({ workload: "backlog-publish", subject, round, figures: toFigures(published) });
        bench.record({ workload: "backlog-consume", subject, round, figures: toFigures(consumed) });
      }
    }
  } finally {
    await empty.stop();
  }
}

async function measureStarts(bench: Bench, directory: string): Promise<void> {
  await measureStart(bench, directory, "from-snapshot");
  await measureStart(bench, directory, "after-kill");
  const snapshots = readdirSync(directory).filter((name) => name.endsWith(".snap"));
  for (const name of snapshots) rmSync(join(directory, name));
  await measureStart(bench, directory, "from-journal").catch((error: Error) =>
    bench.results.leaveOut(`a start from the whole journal: ${error.message}`),
  );
}

/** Each ends with a kill, so that the next one finds no more than it did. */
async function measureStart(bench: Bench, directory: string, subject: string): Promise<void> {
  const { server, readyAfterMs } = await startStagemq(directory);
  const { residentMegabytes } = await server.usage();
  await server.stop("SIGKILL");
  bench.record({ workload: "backlog-start", subject, round: 1, figures: { readyAfterMs, residentMegabytes } });
}
