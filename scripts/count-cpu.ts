import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NODE_HTTP } from "../bench/peers/node-http.ts";
import { STAGEMQ } from "../bench/peers/stagemq.ts";
import { median, spread } from "../bench/report/median.ts";
import { ServerProcess } from "../bench/run/server-process.ts";
import { Member } from "../bench/run/team.ts";

/**
 * What a durable publish costs the processor beside the same request to a bare `node:http`, in turns of so many requests. A ratio of
 * processor times says much even on a busy machine, and rates say nothing there. Tells when it is far from usual, and never fails for
 * it. Takes 10 s on a quiet machine, and at most 40 s on any.
 */

const ROUNDS = 5;
const REQUESTS = 10_000;
const WARM_UP_REQUESTS = 20_000;
const TURN_AT_MOST_MS = 2_500;
const NO_ROUND_AFTER_MS = 27_000;
/** G1 of the performance report. */
const USUAL = 1.9;
const FAR_FROM_USUAL = 2;

interface Turn {
  readonly micros: number;
  readonly perSecond: number;
}

const directory = mkdtempSync(join(tmpdir(), "stagemq-count-"));
try {
  const [ours, bare] = [
    await Member.open("stagemq", await STAGEMQ.start(directory)),
    await Member.open("node-http", await NODE_HTTP.start(directory)),
  ];
  for (const member of [ours, bare]) {
    await member.load.do("begin", { name: "counted", publishers: 64, consumers: 0, kind: "normal", bodyBytes: 500 });
    await member.load.do("publish", { forMs: TURN_AT_MOST_MS, count: WARM_UP_REQUESTS });
  }
  const [publishes, hellos]: [Turn[], Turn[]] = [[], []];
  for (let round = 0; round < ROUNDS && performance.now() < NO_ROUND_AFTER_MS; round++) {
    publishes.push(await takeTurn(ours));
    hellos.push(await takeTurn(bare));
  }
  const ratios = publishes.map(({ micros }, round) => micros / (hellos[round]?.micros ?? Number.NaN));
  tell(
    "processor time of a durable publish",
    "µs",
    publishes.map(({ micros }) => micros),
  );
  tell(
    "of a bare node:http, the same requests",
    "µs",
    hellos.map(({ micros }) => micros),
  );
  tell("ratio, round by round", "×", ratios);
  tell(
    "for orientation: publishes",
    "/s",
    publishes.map(({ perSecond }) => perSecond),
  );
  const isFar = median(ratios) > USUAL * FAR_FROM_USUAL;
  console.log(
    isFar
      ? `LOOK: that is more than twice the usual ${USUAL} ×. Busy machine, or has a publish become dearer? npm run bench -- --quick --only publish`
      : `within twice the usual ${USUAL} ×`,
  );
  await Promise.all([ours.stop(), bare.stop()]);
} finally {
  await ServerProcess.stopAll();
  rmSync(directory, { recursive: true, force: true });
}

async function takeTurn(member: Member): Promise<Turn> {
  const { result, used } = await member.measure("publish", { forMs: TURN_AT_MOST_MS, count: REQUESTS });
  return { micros: used.processorMicros / result.count, perSecond: result.count / result.seconds };
}

function tell(what: string, unit: string, figures: readonly number[]): void {
  const show = (figure: number): string =>
    figure.toLocaleString("en-US", { maximumFractionDigits: figure < 10 ? 2 : 0 });
  const [least, most] = spread(figures);
  console.log(`${what.padEnd(40)} ${show(median(figures))} ${unit} (${show(least)}–${show(most)})`);
}
