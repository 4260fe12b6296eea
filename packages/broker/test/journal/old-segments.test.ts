import { describe, expect, it } from "vitest";
import type { Disk, DiskFile } from "../../src/runtime/disk.ts";
import { FaultyDisk } from "../../src/testing/faulty-disk.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { aFact, aWorld, FIRST_SEGMENT } from "./open-journal.ts";
import { firstNumbers, Tally } from "./tally.ts";
import { wrapFiles } from "./wrap-files.ts";

/** Two facts to a segment, and no cache. */
const SMALL = { segmentBytes: 200, cacheBytes: 0 };

function segmentsOn(disk: FaultyDisk): string[] {
  return disk.paths().filter((path) => path.endsWith(".seg"));
}

/** Ten facts, and two snapshots: of 6 and of all. */
async function aKeptTally(disk: FaultyDisk = new FaultyDisk(new SeededRandom(7))): Promise<Tally> {
  const tally = await Tally.start(aWorld(), disk, SMALL);
  await tally.store(6);
  await tally.keep();
  await tally.store(4);
  await tally.keep();
  return tally;
}

async function isOver(promise: Promise<unknown>): Promise<boolean> {
  let over = false;
  const end = (): void => {
    over = true;
  };
  promise.then(end, end);
  for (let turn = 0; turn < 300 && !over; turn++) await undefined;
  return over;
}

describe("forgetting old segments", () => {
  it("begins when there are two snapshots, and ends before what the older one goes on from", async () => {
    const disk = new FaultyDisk(new SeededRandom(7));
    const tally = await Tally.start(aWorld(), disk, SMALL);
    const { journal } = tally;
    await tally.store(6);
    await tally.keep();
    expect(journal.replaysFrom).toBe(0);
    await tally.forget();
    expect(journal.segments[0]).toMatchObject({ number: 1, from: 0 });
    await tally.store(4);
    await tally.keep();
    expect(journal.replaysFrom).toBe((tally.positions[5] as number) + 1);
    const before = journal.segments;
    await tally.forget();
    const { segments } = journal;
    expect(segments).toEqual(before.slice(2));
    expect(segments[0]?.from).toBeLessThanOrEqual(tally.positions[5] as number);
    expect(segmentsOn(disk)).toHaveLength(segments.length);
  });

  it("goes no further than it is told", async () => {
    const tally = await aKeptTally();
    const [first, second] = tally.journal.segments;
    await tally.journal.forget((first?.to as number) - 1);
    expect(tally.journal.segments[0]).toEqual(first);
    await tally.journal.forget(first?.to as number);
    expect(tally.journal.segments[0]).toEqual(second);
  });

  it("a snapshot that ends with its segment keeps that segment", async () => {
    const disk = new FaultyDisk(new SeededRandom(7));
    const tally = await Tally.start(aWorld(), disk, SMALL);
    for (const _ of [1, 2, 3]) {
      await tally.store(2);
      await tally.journal.keepSnapshot(
        tally.journal.segments.at(-1)?.to as number,
        (async function* () {
          yield Buffer.from(JSON.stringify(tally.numbers));
        })(),
      );
    }
    await tally.forget();
    expect(segmentsOn(disk)).toHaveLength(2);
    disk.flipBit(disk.paths().findLast((path) => path.endsWith(".snap")) as string, 300);
    expect((await Tally.start(aWorld(), disk.crash("lost"), SMALL)).numbers).toEqual(firstNumbers(6));
  });

  it("what is forgotten is not there any more; all else is read, also after a start", async () => {
    const disk = new FaultyDisk(new SeededRandom(7));
    const tally = await aKeptTally(disk);
    await tally.forget();
    const kept = tally.journal.segments[0]?.from as number;
    const checkReads = async ({ journal }: Tally): Promise<void> => {
      for (const [number, position] of tally.positions.entries()) {
        if (position < kept) await expect(journal.read(position)).rejects.toThrow(RangeError);
        else expect(await journal.read(position)).toEqual(aFact(number));
      }
    };
    await checkReads(tally);
    await checkReads(await Tally.start(aWorld(), disk.kill(), SMALL));
  });

  for (const durability of ["sync", "relaxed"] as const) {
    it(`waits until what was appended survives a crash (${durability}): without it nothing might be dead there`, async () => {
      const disk = new FaultyDisk(new SeededRandom(7));
      const world = aWorld();
      const tally = await Tally.start(world, disk, { ...SMALL, durability });
      const keep = async (count: number): Promise<void> => {
        await tally.store(count);
        const keeping = tally.keep();
        await world.clock.advance(200);
        await keeping;
      };
      await keep(6);
      await keep(4);
      disk.holdSyncs();
      const { journal } = tally;
      const before = segmentsOn(disk);
      journal.append([aFact(10, "copied forward")]);
      const forgetting = tally.forget();
      expect(await isOver(forgetting)).toBe(false);
      expect(segmentsOn(disk)).toEqual(before);
      disk.releaseSyncs();
      await world.clock.advance(200);
      await forgetting;
      expect(segmentsOn(disk)).not.toContain(before[0]);
    });
  }

  it("waits for a read under way, and for who has pinned what it will read", async () => {
    const disk = new FaultyDisk(new SeededRandom(7));
    const tally = await aKeptTally(disk);
    const position = tally.positions[0] as number;
    const reading = tally.journal.read(position);
    const release = tally.journal.pin(position);
    const forgetting = tally.forget();
    expect(await reading).toEqual(aFact(0));
    expect(await isOver(forgetting)).toBe(false);
    expect(await tally.journal.read(position)).toEqual(aFact(0));
    expect(disk.paths()).toContain(FIRST_SEGMENT);
    release();
    release();
    expect(await isOver(forgetting)).toBe(true);
    expect(disk.paths()).not.toContain(FIRST_SEGMENT);
    await expect(tally.journal.read(position)).rejects.toThrow(RangeError);
  });

  it("a read that has just begun always comes to its end", async () => {
    for (let turns = 0; turns < 60; turns++) {
      const tally = await aKeptTally();
      const forgetting = tally.forget();
      for (let turn = 0; turn < turns; turn++) await undefined;
      const read = await tally.journal.read(tally.positions[1] as number).catch((error: unknown) => error);
      if (!(read instanceof RangeError)) expect(read).toEqual(aFact(1));
      await forgetting;
    }
  });

  it("is given up when the journal is closed, whoever has pinned what", async () => {
    const disk = new FaultyDisk(new SeededRandom(7));
    const tally = await aKeptTally(disk);
    tally.journal.pin(tally.positions[0] as number);
    const forgetting = tally.forget();
    expect(await isOver(forgetting)).toBe(false);
    const outcome = expect(forgetting).rejects.toMatchObject({ code: "stopping" });
    await tally.journal.close();
    await outcome;
    expect(disk.paths()).toContain(FIRST_SEGMENT);
    expect((await Tally.start(aWorld(), disk, SMALL)).numbers).toEqual(firstNumbers(10));
  });

  it("DUR-2.1: a disk that fails at it ends the journal, and nothing is lost", async () => {
    const disk = new FaultyDisk(new SeededRandom(7));
    const tally = await aKeptTally(disk);
    disk.failNext("sync", "EIO");
    await expect(tally.forget()).rejects.toMatchObject({ code: "storage-failed" });
    await tally.journal.failed;
    for (const next of [disk.kill(), disk.crash("lost")]) {
      expect((await Tally.start(aWorld(), next, SMALL)).numbers).toEqual(firstNumbers(10));
      await (await Tally.start(aWorld(), next.kill(), SMALL)).journal.close();
    }
  });
});

describe("reading", () => {
  it("DUR-1.2, DUR-2.1: of a fact that rotted in an old segment ends the journal and names the place to its log alone", async () => {
    const disk = new FaultyDisk(new SeededRandom(7));
    const tally = await aKeptTally(disk);
    const position = tally.positions[2] as number;
    const from = position - (tally.journal.segments[1]?.from as number);
    const path = segmentsOn(disk)[1] as string;
    disk.flipBit(path, (from + 12) * 8);
    await expect(tally.journal.read(position)).rejects.toMatchObject({
      code: "storage-failed",
      message: "Stored data is damaged. The broker stops.",
    });
    const { message } = await tally.journal.failed;
    expect(message).toBe(`${path}: segment 2, from byte ${from} on: A frame does not fit its checksum.`);
  });
});

describe("scrubbing", () => {
  it("finds nothing wrong in a sound journal, the segment that grows included", async () => {
    const tally = await aKeptTally();
    for (const { number } of tally.journal.segments) await tally.journal.scrub(number);
    await expect(tally.journal.scrub(99)).rejects.toThrow(RangeError);
    await tally.store(1);
  });

  it("DUR-1.2, DUR-2.1: finds a flip of any byte of an old segment, names it and ends the journal", async () => {
    const size = (await sizeOfSecond()) as number;
    for (let at = 0; at < size; at++) {
      const disk = new FaultyDisk(new SeededRandom(7));
      const tally = await aKeptTally(disk);
      const path = segmentsOn(disk)[1] as string;
      disk.flipBit(path, at * 8 + (at % 8));
      await expect(tally.journal.scrub(2), `byte ${at}`).rejects.toMatchObject({ code: "storage-failed" });
      const { message } = await tally.journal.failed;
      const [, from, to] = /^.*00000002\.seg: segment 2, bytes ([\d,]+) to ([\d,]+)$/.exec(message) ?? [];
      expect(message).toContain(path);
      expect(asNumber(from), `byte ${at}`).toBeLessThanOrEqual(at);
      expect(asNumber(to), `byte ${at}`).toBeGreaterThanOrEqual(at);
    }
  });

  it("DUR-1.2: finds the loss of its end, and an older sound version of it", async () => {
    const size = (await sizeOfSecond()) as number;
    for (const length of [0, 20, 36, 100, size - 32, size - 1]) {
      const disk = new FaultyDisk(new SeededRandom(7));
      const tally = await aKeptTally(disk);
      disk.truncateTo(segmentsOn(disk)[1] as string, length);
      await expect(tally.journal.scrub(2), `${length} bytes`).rejects.toMatchObject({ code: "storage-failed" });
    }
  });

  it("lets the journal work between two windows", async () => {
    const disk = new FaultyDisk(new SeededRandom(7));
    const tally = await Tally.start(aWorld(), disk, { segmentBytes: 4 * 2 ** 20, cacheBytes: 0 });
    const bodies = Array.from({ length: 10 }, (_, number) => aFact(number, "b".repeat(500_000)));
    for (const fact of bodies) await tally.journal.synced(tally.journal.append([fact])[0] as number);
    const events: string[] = [];
    const scrubbing = tally.journal.scrub(1).then(() => events.push("scrubbed"));
    await tally.store(1);
    events.push("stored");
    await scrubbing;
    expect(tally.journal.segments.length).toBeGreaterThan(1);
    expect(events).toEqual(["stored", "scrubbed"]);
  });

  it("is given up when the journal is closed", async () => {
    const tally = await aKeptTally();
    const scrubbing = tally.journal.scrub(1).catch((error: unknown) => error);
    await tally.journal.close();
    const outcome = await scrubbing;
    if (outcome !== undefined) expect(outcome).toMatchObject({ code: "stopping" });
  });
});

async function sizeOfSecond(): Promise<number | undefined> {
  const [, second] = (await aKeptTally()).journal.segments;
  return second && second.to - second.from;
}

function asNumber(text = ""): number {
  return Number.parseInt(text.replaceAll(",", ""), 10);
}

describe("files of old segments", () => {
  it("are open only while they are read, but a few", async () => {
    const disk = new FaultyDisk(new SeededRandom(7));
    const counted = countingOpenFiles(disk);
    const tally = await Tally.start(aWorld(), counted.disk, SMALL);
    await tally.store(100);
    expect(tally.journal.segments.length).toBeGreaterThan(40);
    for (const [number, position] of tally.positions.entries()) {
      expect(await tally.journal.read(position)).toEqual(aFact(number));
    }
    await Promise.all(tally.positions.map((position) => tally.journal.read(position)));
    await tally.journal.read(tally.positions[0] as number);
    expect(counted.open()).toBeLessThanOrEqual(17);
    await tally.journal.close();
    expect(counted.open()).toBe(0);

    const again = countingOpenFiles(disk.kill());
    const { numbers, journal } = await Tally.start(aWorld(), again.disk, SMALL);
    expect(numbers).toEqual(firstNumbers(100));
    expect(again.open()).toBe(1);
    await journal.close();
    expect(again.open()).toBe(0);
  });
});

/** A disk that knows how many of its files are open. */
function countingOpenFiles(real: FaultyDisk): { disk: Disk; open: () => number } {
  const files = new Set<DiskFile>();
  const disk = wrapFiles(real, (file) => {
    files.add(file);
    return {
      close: async () => {
        files.delete(file);
      },
    };
  });
  return { disk, open: () => files.size };
}
