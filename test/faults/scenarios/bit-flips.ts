import { cp, open, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { SeededRandom } from "../../crash/seeded-random.ts";
import { BrokerProcess, DidNotStart, newDirectory } from "../../process/broker-process.ts";
import { type Figures, hold } from "../front-door/figures.ts";
import { fsck } from "../fsck.ts";
import { groupsOf } from "../journal-file.ts";
import { scenario } from "../scenario.ts";
import { SimpleClient } from "../simple-client.ts";

const TOPIC = "flips";
const BODY_BYTES = 40_000;
/** A clean stop takes a snapshot when the journal has grown by 8 MiB. */
const LARGE_MESSAGES = 230;
const SMALL_MESSAGES = 150;
const CONSUMED = 100;
/** What is near the end of the journal is replayed; half of the flips in it go there. */
const TAIL_BYTES = 30_000;
const RESERVE = "stagemq-reserve";

interface Data {
  readonly directory: string;
  readonly bodies: ReadonlySet<string>;
  /** Whether it was killed, and so has a last group that looks like a tear when it is damaged (DUR-1). */
  readonly isKilled: boolean;
}

interface Sum {
  flips: number;
  refused: number;
  /** It started from a snapshot, and read what was damaged only then. */
  stoppedOnRead: number;
  harmless: number;
  givenUp: number;
  takenForATear: number;
}

export const bitFlips = scenario<{ readonly flips: number; readonly startEvery: number }>({
  name: "bit-flips",
  does: "one bit is flipped at a random place of a data directory, stopped or killed; fsck must find each, and what starts all the same may serve nothing wrong and hide nothing",
  short: { flips: 20, startEvery: 5, withinS: 300 },
  full: { flips: 500, startEvery: 5, withinS: 3_600 },
  cores: 1,
  async run({ flips, startEvery }, random) {
    const stopped = await writeStopped();
    const killed = await writeKilled();
    const sum: Sum = { flips: 0, refused: 0, stoppedOnRead: 0, harmless: 0, givenUp: 0, takenForATear: 0 };
    for (let flip = 1; flip <= flips; flip++) {
      const data = flip % 4 === 0 || flip === 1 ? killed : stopped;
      // The first two lie where a flip looks like a tear.
      const place = flip <= 2 ? await lastPlace(data.directory) : await drawPlace(data.directory, random);
      await flipOne(data, place, flip % startEvery === 0, sum);
    }
    return { ...sum, foundByFsck: flips - sum.takenForATear };
  },
});

/** Two snapshots, a journal that reaches beyond them, all at rest. */
async function writeStopped(): Promise<Data> {
  const directory = join(await newDirectory(), "data");
  const bodies = new Set<string>();
  for (const [life, messages] of [LARGE_MESSAGES, LARGE_MESSAGES, SMALL_MESSAGES].entries()) {
    const broker = await BrokerProcess.start({ dataDirectory: directory, environment: { STAGEMQ_LOG_LEVEL: "warn" } });
    const padding = messages === LARGE_MESSAGES ? "x".repeat(BODY_BYTES) : "";
    await publishAll(broker, bodies, messages, (number) => `${life}-${number} ${padding}`);
    const { code } = await broker.stop();
    hold("it stops well", code === 0, { code: `${code}` });
  }
  const snapshots = (await readdir(directory)).filter((name) => name.endsWith(".snap")).length;
  hold("there are two snapshots", snapshots === 2, { snapshots });
  return { directory, bodies, isKilled: false };
}

async function writeKilled(): Promise<Data> {
  const directory = join(await newDirectory(), "data");
  const bodies = new Set<string>();
  const broker = await BrokerProcess.start({ dataDirectory: directory, environment: { STAGEMQ_LOG_LEVEL: "warn" } });
  await publishAll(broker, bodies, SMALL_MESSAGES, (number) => `killed-${number}`);
  await broker.kill();
  return { directory, bodies, isKilled: true };
}

async function publishAll(
  broker: BrokerProcess,
  bodies: Set<string>,
  messages: number,
  bodyOf: (number: number) => string,
): Promise<void> {
  const client = new SimpleClient(broker.endpoint);
  for (let number = 0; number < messages; number++) {
    const body = bodyOf(number);
    hold("it is confirmed", (await client.publish(TOPIC, body)) === 201, {});
    bodies.add(body);
  }
  for (let had = 0; had < CONSUMED; ) {
    const messages = await client.poll(TOPIC, "GID_before");
    await client.acknowledge(TOPIC, "GID_before", messages.slice(0, 10));
    had += messages.length;
    if (messages.length === 0) break;
  }
  client.close();
}

async function flipOne(data: Data, { file, at, bit }: Place, isStarted: boolean, sum: Sum): Promise<void> {
  const path = join(data.directory, file);
  const figures: Figures = { file, at, bit, isKilled: `${data.isKilled}` };
  sum.flips += 1;
  await flip(path, at, bit);
  try {
    const report = await fsck(data.directory);
    if (report.sound) {
      const last = file.endsWith(".seg") ? groupsOf(await undamaged(path, at, bit)).at(-1) : undefined;
      const isInLast = last !== undefined && at >= last.from;
      hold("a flip is found, but in the last group", isInLast, figures);
      // What a clean stop writes last has no frame: nothing is lost with it.
      hold("which holds nothing but after a crash", data.isKilled || last?.frameEnds.length === 0, figures);
      hold("and which is shown as a tear", report.tornBytes > 0, figures);
      sum.takenForATear += 1;
      if (!data.isKilled) await startOn(data, false, figures, sum);
    } else {
      hold(
        "it is found in that file",
        report.damages.some((damage) => damage.file.includes(file)),
        {
          ...figures,
          said: report.damages.map((damage) => `${damage.file}: ${damage.what}`).join("; "),
        },
      );
      if (isStarted)
        await startOn(
          data,
          report.damages.some(({ stopsStart }) => stopsStart),
          figures,
          sum,
        );
    }
  } finally {
    await flip(path, at, bit);
  }
}

interface Place {
  readonly file: string;
  readonly at: number;
  readonly bit: number;
}

/** The lowest bit of the journal's last byte. */
async function lastPlace(directory: string): Promise<Place> {
  const file =
    (await readdir(directory))
      .filter((name) => name.endsWith(".seg"))
      .sort()
      .at(-1) ?? "";
  return { file, at: (await stat(join(directory, file))).size - 1, bit: 0 };
}

async function drawPlace(directory: string, random: SeededRandom): Promise<Place> {
  const files = (await readdir(directory)).filter((name) => name !== RESERVE && !name.startsWith("lock-")).sort();
  const segments = files.filter((name) => name.endsWith(".seg"));
  // Half of them in the segments, which are what matters.
  const choice = random.percent(50) ? segments : files;
  const file = choice[random.below(choice.length)] ?? "";
  const { size } = await stat(join(directory, file));
  const from = file.endsWith(".seg") && random.percent(50) ? Math.max(0, size - TAIL_BYTES) : 0;
  return { file, at: from + random.below(size - from), bit: random.below(8) };
}

async function flip(path: string, at: number, bit: number): Promise<void> {
  const handle = await open(path, "r+");
  try {
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, at);
    byte[0] = (byte[0] ?? 0) ^ (1 << bit);
    await handle.write(byte, 0, 1, at);
  } finally {
    await handle.close();
  }
}

async function undamaged(path: string, at: number, bit: number): Promise<Buffer> {
  const bytes = await readFile(path);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
  return bytes;
}

/** A broker on a copy refuses to start, or delivers to a new group only what was published, and says so of what it cannot deliver. */
async function startOn(data: Data, mustRefuse: boolean, figures: Figures, sum: Sum): Promise<void> {
  const dataDirectory = join(await newDirectory(), "data");
  await cp(data.directory, dataDirectory, { recursive: true, filter: (source) => !source.includes("lock-") });
  try {
    const broker = await BrokerProcess.start({ dataDirectory, environment: { STAGEMQ_LOG_LEVEL: "warn" } });
    hold("fsck told rightly that it starts", !mustRefuse, figures);
    const client = new SimpleClient(broker.endpoint);
    const got = await client.drain(TOPIC, "GID_after").catch((error: Error) => error);
    client.close();
    await broker.stop();
    if (got instanceof Error) {
      hold("it says why it stops", /amage/.test(broker.log), { ...figures, log: broker.log.slice(-1_000) });
      sum.stoppedOnRead += 1;
      return;
    }
    const missing = [...data.bodies].filter((body) => !got.includes(body)).length;
    const foreign = got.filter((body) => !data.bodies.has(body)).length;
    hold("no wrong body is delivered", foreign === 0, { ...figures, foreign });
    hold("what is missing is told", missing === 0 || /amage/.test(broker.log), {
      ...figures,
      missing,
      log: broker.log.slice(-1_000),
    });
    if (missing === 0) sum.harmless += 1;
    else sum.givenUp += 1;
  } catch (error) {
    if (!(error instanceof DidNotStart)) throw error;
    hold("a refused start exits with 70 and tells the place", error.ended?.code === 70, {
      ...figures,
      said: error.errorOutput.slice(-1_000),
    });
    sum.refused += 1;
  } finally {
    await rm(dataDirectory, { recursive: true, force: true });
  }
}
