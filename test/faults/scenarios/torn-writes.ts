import { copyFile, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { SeededRandom } from "../../crash/seeded-random.ts";
import { BrokerProcess, newDirectory } from "../../process/broker-process.ts";
import { type Figures, hold } from "../front-door/figures.ts";
import { fsck } from "../fsck.ts";
import { groupsOf } from "../journal-file.ts";
import { scenario } from "../scenario.ts";
import { SimpleClient } from "../simple-client.ts";

const TOPIC = "torn";
const PRODUCERS = 4;
/** Both cores are busy then. */
const AT_ONCE = 2;
const NEAR_BYTES = 64;
const IDENTITY = "stagemq-data.json";
const SEGMENT = "00000001.seg";

interface Confirmed {
  readonly body: string;
  /** The segment had so many bytes when its sender was told. */
  readonly within: number;
}

interface Written {
  readonly identity: string;
  readonly segment: Buffer;
  readonly confirmed: readonly Confirmed[];
}

export const tornWrites = scenario<{ readonly frames: number; readonly startEvery: number }>({
  name: "torn-writes",
  does: "the last segment ends at each frame's end, 64 bytes before and behind it, and at a place between, with or without rubbish after it; fsck reads each, some are started",
  short: { frames: 8, startEvery: 8, withinS: 300 },
  full: { frames: 300, startEvery: 40, withinS: 3_600 },
  cores: 2,
  async run({ frames, startEvery }, random) {
    const written = await write(frames);
    const ends = groupsOf(written.segment)
      .flatMap(({ frameEnds }) => frameEnds)
      .slice(-frames);
    const cuts = ends.flatMap((end) => [
      end - NEAR_BYTES,
      end,
      Math.min(end + NEAR_BYTES, written.segment.length),
      end - NEAR_BYTES + random.below(2 * NEAR_BYTES),
    ]);
    const left = cuts.map((cut, number) => ({ cut, isStarted: number % startEvery === 0 }));
    const sum = { cuts: cuts.length, tears: 0, started: 0, cutOffByStarts: 0 };
    await Promise.all(Array.from({ length: AT_ONCE }, () => tryThem(left, written, random, sum)));
    hold("some of them are torn", sum.tears > 0, sum);
    return { frames: ends.length, ...sum, confirmedInAll: written.confirmed.length };
  },
});

async function write(atLeast: number): Promise<Written> {
  const directory = join(await newDirectory(), "data");
  const broker = await BrokerProcess.start({ dataDirectory: directory, environment: { STAGEMQ_LOG_LEVEL: "warn" } });
  const confirmed: Confirmed[] = [];
  const segment = join(directory, SEGMENT);
  await Promise.all(
    Array.from({ length: PRODUCERS }, async (_, producer) => {
      const client = new SimpleClient(broker.endpoint);
      for (let number = 0; confirmed.length < atLeast + 20; number++) {
        const body = `${producer}-${number} ${"x".repeat((number * 37) % 500)}`;
        hold("it is confirmed", (await client.publish(TOPIC, body)) === 201, {});
        confirmed.push({ body, within: (await stat(segment)).size });
      }
      client.close();
    }),
  );
  await broker.kill();
  return { identity: join(directory, IDENTITY), segment: await readFile(segment), confirmed };
}

async function tryThem(
  left: { readonly cut: number; readonly isStarted: boolean }[],
  written: Written,
  random: SeededRandom,
  sum: { tears: number; started: number; cutOffByStarts: number },
): Promise<void> {
  const directory = join(await newDirectory(), "data");
  await mkdir(directory, { mode: 0o700 });
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { cut, isStarted } = next;
    const own = isStarted ? join(await newDirectory(), "data") : directory;
    if (isStarted) await mkdir(own, { mode: 0o700 });
    await copyFile(written.identity, join(own, IDENTITY));
    const rubbish = random.percent(50) ? random.below(NEAR_BYTES) : 0;
    const filling = random.percent(50) ? 0 : 1 + random.below(255);
    await writeFile(
      join(own, SEGMENT),
      Buffer.concat([written.segment.subarray(0, cut), Buffer.alloc(rubbish, filling)]),
    );
    const expected = written.confirmed.filter(({ within }) => within <= cut).map(({ body }) => body);
    const report = await fsck(own);
    const messages = report.topics.find(({ topic }) => topic === TOPIC)?.messages ?? 0;
    const figures: Figures = {
      cut,
      rubbish,
      filling,
      messages,
      expected: expected.length,
      tornBytes: report.tornBytes,
    };
    hold("a torn end is no damage", report.sound, figures);
    hold("what was confirmed is all there", messages >= expected.length, figures);
    if (report.tornBytes > 0) sum.tears += 1;
    if (isStarted) {
      sum.started += 1;
      if (await startsWith(own, expected, figures)) sum.cutOffByStarts += 1;
    }
  }
}

/** Resolves with whether it said that it cut something off. */
async function startsWith(dataDirectory: string, expected: readonly string[], figures: Figures): Promise<boolean> {
  const broker = await BrokerProcess.start({ dataDirectory, environment: { STAGEMQ_LOG_LEVEL: "warn" } });
  const client = new SimpleClient(broker.endpoint);
  const there = new Set(await client.drain(TOPIC, "GID_after"));
  client.close();
  await broker.stop();
  hold(
    "a start delivers all of it",
    expected.every((body) => there.has(body)),
    figures,
  );
  const isCut = broker.logged("journal.cut").length > 0;
  hold("a start says what it cuts off", isCut === Number(figures.tornBytes) > 0, figures);
  return isCut;
}
