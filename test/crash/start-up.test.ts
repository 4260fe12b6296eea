import { appendFile, mkdir, readdir, readFile, rename, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { decodeMessages } from "@stagemq/wire";
import { afterAll, describe, it } from "vitest";
import { BrokerProcess, cleanUp, newDirectory, runToEnd } from "../process/broker-process.ts";
import { SeededRandom } from "./seeded-random.ts";
import { SignedClient } from "./signed-client.ts";

/** What a broker makes of a data directory that something has happened to while it was down. */

const SEED = Number(process.env.STAGEMQ_TEST_SEED ?? Date.now() % 1_000_000);
const SEGMENT = "00000001.seg";
const IDENTITY = "stagemq-data.json";
const TOPIC = "kept";
const BODIES = Array.from({ length: 8 }, (_, number) => `message ${number}: ${"x".repeat(number * 50)}`);
/** Where its first group begins. */
const SEGMENT_HEADER_BYTES = 36;
/** The empty group that covers the last one. */
const QUIET_HEADER_BYTES = 32;

afterAll(cleanUp);

describe.concurrent("a journal with a torn tail", () => {
  it("DUR-1.1: a group that was begun and never confirmed is cut, and said so", async ({ expect }) => {
    const { dataDirectory, segment } = await kept("kill");
    const { size } = await stat(segment);
    const torn = await readFile(segment).then((bytes) => bytes.subarray(SEGMENT_HEADER_BYTES, 100));
    await appendFile(segment, torn);
    const { bodies, cuts } = await lookInto(dataDirectory);
    expect(bodies).toEqual(BODIES);
    const sentence = `cut ${torn.length} bytes of a write that was never confirmed`;
    expect(cuts).toMatchObject([{ sentence, file: segment, offset: size, bytes: torn.length }]);
    expect((await lookInto(dataDirectory)).cuts).toEqual([]);
  });

  it("DUR-1.1: a last write that is not all there is cut, and nothing confirmed with it", async ({ expect }) => {
    const { dataDirectory, segment } = await kept("stop");
    const { size } = await stat(segment);
    await truncate(segment, size - QUIET_HEADER_BYTES / 2);
    const { bodies, cuts } = await lookInto(dataDirectory);
    expect(bodies).toEqual(BODIES);
    expect(cuts).toMatchObject([{ offset: size - QUIET_HEADER_BYTES, bytes: QUIET_HEADER_BYTES / 2 }]);
  });

  it("DUR-1.1: what a first start that was killed has left is no damage", async ({ expect }) => {
    const random = new SeededRandom(SEED);
    const dataDirectory = join(await newDirectory(), "data");
    for (let kill = 0; kill < 4; kill++) await runToEnd({ dataDirectory, killedAfterMs: 50 + random.below(250) });
    expect((await lookInto(dataDirectory)).bodies, `STAGEMQ_TEST_SEED=${SEED}`).toEqual([]);
  });

  it("DUR-1.1: nor is a directory that was killed before it was signed", async ({ expect }) => {
    const { dataDirectory, segment } = await kept("stop");
    await truncate(segment, SEGMENT_HEADER_BYTES);
    await rename(join(dataDirectory, IDENTITY), join(dataDirectory, `${IDENTITY}.new`));
    expect((await lookInto(dataDirectory)).bodies).toEqual([]);
  });
});

describe.concurrent("a journal that is damaged", () => {
  it("DUR-1.2, RUN-1.1: stops the start with segment and range, and nothing is changed", async ({ expect }) => {
    const { dataDirectory, segment } = await kept("stop");
    const { size } = await stat(segment);
    const random = new SeededRandom(SEED);
    const inTheMiddle = Array.from({ length: 5 }, () => random.below(size - QUIET_HEADER_BYTES));
    const whole = await readFile(segment);
    for (const at of [0, ...inTheMiddle]) {
      await writeFile(segment, withBitFlipped(whole, at, random.below(8)));
      const before = await contentOf(dataDirectory);
      const { code, output, errorOutput } = await refusal(dataDirectory);
      const seen = `byte ${at}, STAGEMQ_TEST_SEED=${SEED}`;
      expect(await contentOf(dataDirectory), seen).toEqual(before);
      expect({ code, output }, seen).toEqual({ code: 70, output: "" });
      const [, where, from = "", to = ""] =
        /^Damaged data in (.*): segment 1, bytes ([\d,]+) to ([\d,]+)\. Nothing was changed\. Restore a copy, or use another directory: --data DIR\. Look at it: stagemq fsck \1\.\n$/.exec(
          errorOutput,
        ) ?? [];
      expect(where, `${seen}: ${errorOutput}`).toBe(dataDirectory);
      expect([toNumber(from) <= at, at <= toNumber(to)], `${seen}: ${from} to ${to}`).toEqual([true, true]);
    }
    await writeFile(segment, whole);
    expect((await lookInto(dataDirectory)).bodies).toEqual(BODIES);
  });

  it("DUR-1.2, RUN-1.1: stops the start where the identity of its directory is spoiled or gone", async ({ expect }) => {
    const { dataDirectory } = await kept("stop");
    const identity = join(dataDirectory, IDENTITY);
    const whole = await readFile(identity);
    // A digit of the secret: nothing but the checksum can tell.
    await writeFile(identity, withBitFlipped(whole, whole.indexOf('"secret": "') + 20, 0));
    const spoiled = await refusal(dataDirectory);
    expect(spoiled.code).toBe(70);
    expect(spoiled.errorOutput).toContain(`Damaged data in ${dataDirectory}: ${IDENTITY}. Nothing was changed.`);
    await rm(identity);
    const gone = await refusal(dataDirectory);
    expect(gone.code).toBe(70);
    expect(gone.errorOutput).toContain(
      `Damaged data in ${dataDirectory}: ${IDENTITY} is missing. Nothing was changed.`,
    );
    await writeFile(identity, whole);
    expect((await lookInto(dataDirectory)).bodies).toEqual(BODIES);
  });
});

describe.concurrent("a data directory", () => {
  it("DUR-6.1: has mode 0700 and its files 0600, whatever the process may", async ({ expect }) => {
    const dataDirectory = join(await newDirectory(), "data");
    await mkdir(dataDirectory, { mode: 0o755 });
    const under = ["sh", "-c", 'umask 0; exec "$@"', "sh"];
    const broker = await BrokerProcess.start({ dataDirectory, under });
    await publishAll(broker.endpoint);
    const modes = await modesOf(dataDirectory);
    expect(await modeOf(dataDirectory)).toBe("700");
    expect(modes.length).toBeGreaterThanOrEqual(3);
    expect(modes.filter(([, mode]) => mode !== "600")).toEqual([]);
    await broker.stop();
    expect(await dataIn(dataDirectory)).toEqual([SEGMENT, IDENTITY]);
  });

  it("RUN-1.1: of a newer data format is refused, and by whom it was written is said", async ({ expect }) => {
    const { dataDirectory } = await kept("stop");
    const identity = join(dataDirectory, IDENTITY);
    const { checksum: _, ...known } = JSON.parse(await readFile(identity, "utf8"));
    const newer = { ...known, format: 3, version: "0.4.0" };
    await writeFile(identity, JSON.stringify({ ...newer, checksum: crc32(JSON.stringify(newer)) }));
    const before = await contentOf(dataDirectory);
    const { code, output, errorOutput } = await refusal(dataDirectory);
    expect({ code, output }).toEqual({ code: 5, output: "" });
    expect(errorOutput).toBe(
      `${dataDirectory} has data format 3, written by stagemq 0.4.0; this is 0.1.0 and reads format 2. Start that version, or use another directory: --data DIR.\n`,
    );
    expect(await contentOf(dataDirectory)).toEqual(before);
  });
});

/** A directory in which a broker has kept the bodies, before it was stopped or killed. */
async function kept(end: "stop" | "kill"): Promise<{ dataDirectory: string; segment: string }> {
  const dataDirectory = await newDirectory();
  const broker = await BrokerProcess.start({ dataDirectory });
  await publishAll(broker.endpoint);
  await broker[end]();
  return { dataDirectory, segment: join(dataDirectory, SEGMENT) };
}

/** Of a start that cannot succeed. One that does all the same is killed, and so has no code. */
function refusal(dataDirectory: string): ReturnType<typeof runToEnd> {
  return runToEnd({ dataDirectory, killedAfterMs: 15_000 });
}

async function publishAll(endpoint: string): Promise<void> {
  const client = new SignedClient();
  for (const body of BODIES) {
    const { status } = await client.publish(
      endpoint,
      { name: "publish-message", topic: TOPIC },
      { body, tag: "", properties: "" },
    );
    if (status !== 201) throw new Error(`a publish was answered ${status}`);
  }
  client.close();
}

/** What a group that was never there before gets of it, and the cuts that the start has logged. */
async function lookInto(dataDirectory: string): Promise<{ bodies: string[]; cuts: object[] }> {
  const broker = await BrokerProcess.start({ dataDirectory });
  const client = new SignedClient();
  const answer = await client.send(broker.endpoint, {
    name: "consume-messages",
    topic: TOPIC,
    consumer: `GID_${Date.now()}`,
    mode: "concurrent",
    tag: "",
    maxMessages: 16,
    waitSeconds: 0,
  });
  client.close();
  await broker.stop();
  const messages = answer.status === 200 ? decodeMessages(answer.body) : { value: [] };
  const bodies = "value" in messages ? messages.value.map(({ body }) => body) : [];
  const lines = broker.log.split("\n").filter((line) => line.includes('"journal.cut"'));
  return { bodies, cuts: lines.map((line) => JSON.parse(line)) };
}

function withBitFlipped(bytes: Buffer, at: number, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(at) ^ (1 << bit), at);
  return copy;
}

/** Reads `81,920`. */
function toNumber(text: string): number {
  return Number(text.replaceAll(",", ""));
}

async function contentOf(directory: string): Promise<Map<string, Buffer>> {
  const names = await dataIn(directory);
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(directory, name))] as const)));
}

/** The names of its files, but for the space that is kept (DUR-3). */
async function dataIn(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name !== "stagemq-reserve").sort();
}

async function modesOf(directory: string): Promise<[name: string, mode: string][]> {
  const names = (await readdir(directory)).sort();
  return Promise.all(names.map(async (name): Promise<[string, string]> => [name, await modeOf(join(directory, name))]));
}

async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8);
}
