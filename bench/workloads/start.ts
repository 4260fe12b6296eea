import { spawnSync } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { stagemqCommand, startStagemq } from "../peers/stagemq.ts";
import { pinned } from "../run/pinned.ts";
import { since } from "../run/team.ts";
import type { Bench, Workload } from "./workload.ts";

/** What follows a start is over by then. */
const SETTLE_MS = 1_000;

export const START: Workload = {
  does: "a start on an empty directory, memory and processor at rest, --version",
  alone: true,
  async run(bench) {
    for (let round = 1; round <= bench.settings.rounds; round++) {
      if (!bench.hasTimeFor("start")) return;
      if (bench.results.has({ workload: "start", subject: "stagemq", round })) continue;
      bench.record({ workload: "start", subject: "stagemq", round, figures: await measureStart(bench) });
    }
  },
};

async function measureStart({ settings, newDirectory }: Bench): Promise<Record<string, number>> {
  const { server, readyAfterMs } = await startStagemq(newDirectory());
  await pause(SETTLE_MS);
  const before = await server.usage();
  await pause(settings.idleMs);
  const idle = since(before, await server.usage());
  await server.stop();
  return {
    readyAfterMs,
    residentMegabytes: idle.residentMegabytes,
    idleShare: idle.processorMicros / 1_000 / settings.idleMs,
    versionAfterMs: timeVersion(),
  };
}

function timeVersion(): number {
  const { command, args } = stagemqCommand("--version");
  const startedAt = performance.now();
  const [program, words] = pinned("server", command, args);
  spawnSync(program, words);
  return performance.now() - startedAt;
}
