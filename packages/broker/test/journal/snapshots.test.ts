import { describe, expect, it } from "vitest";
import { DamagedJournal } from "../../src/embedded/journal/damaged-journal.ts";
import type { FileJournalOptions } from "../../src/embedded/journal/file-journal.ts";
import { segmentName } from "../../src/embedded/journal/segment.ts";
import type { Disk } from "../../src/runtime/disk.ts";
import { FaultyDisk } from "../../src/testing/faulty-disk.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { aFact, aWorld, DIRECTORY, FIRST_SEGMENT, untilDead } from "./open-journal.ts";
import { firstNumbers, Tally } from "./tally.ts";
import { wrapFiles } from "./wrap-files.ts";

/** Two facts to a segment. */
const SMALL = { segmentBytes: 200 };

function snapshotsOn(disk: FaultyDisk): string[] {
  return disk.paths().filter((path) => path.includes(".snap"));
}

function segmentsOn(disk: FaultyDisk): string[] {
  return disk.paths().filter((path) => path.endsWith(".seg"));
}

function segmentPath(number: number): string {
  return `${DIRECTORY}/${segmentName(number)}`;
}

/** Two snapshots, of 6 and 12 facts, then 2 facts; closed in order, all of it on disk. */
async function aKeptDisk({
  forgotten = false,
  options = SMALL as Partial<FileJournalOptions>,
} = {}): Promise<FaultyDisk> {
  const disk = new FaultyDisk(new SeededRandom(7));
  const tally = await Tally.start(aWorld(), disk, options);
  for (const _ of [1, 2]) {
    await tally.store(6);
    await tally.keep();
  }
  await tally.store(2);
  if (forgotten) await tally.forget();
  await tally.journal.close();
  return disk.crash("lost");
}

/** Starts expecting damage; gives its sentence, and checks that nothing was changed. */
async function damageOf(disk: FaultyDisk, options: Partial<FileJournalOptions> = SMALL): Promise<string> {
  const before = new Map(disk.paths().map((path) => [path, disk.bytesOf(path)]));
  const error = await Tally.start(aWorld(), disk, options).then(
    () => expect.fail("It started."),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DamagedJournal);
  expect(new Map(disk.paths().map((path) => [path, disk.bytesOf(path)]))).toEqual(before);
  return (error as DamagedJournal).message;
}

describe("a start from a snapshot", () => {
  it("goes on from the newest one and replays only what came later", async () => {
    const disk = await aKeptDisk();
    const tally = await Tally.start(aWorld(), disk, SMALL);
    expect(tally.numbers).toEqual(firstNumbers(14));
    expect(tally.fromSnapshot).toBe(12);
    await tally.store(1);
    expect((await Tally.start(aWorld(), disk.crash("lost"), SMALL)).numbers).toEqual(firstNumbers(15));
  });

  it("goes on in the middle of a frame group, right behind the newest fact that the snapshot contains", async () => {
    for (let count = 1; count <= 9; count++) {
      const disk = new FaultyDisk(new SeededRandom(count));
      const tally = await Tally.start(aWorld(), disk);
      for (const _ of [1, 2, 3]) await tally.journal.synced(tally.append(3));
      await tally.keep(count);
      const next = await Tally.start(aWorld(), disk.crash("lost"));
      expect([next.numbers, next.fromSnapshot]).toEqual([firstNumbers(9), count]);
    }
  });

  it("finds the group where a snapshot ends also when it has long left the memory", async () => {
    for (let count = 1; count <= 14; count++) {
      const options = { ...SMALL, cacheBytes: 0 };
      const disk = await aKeptDisk({ options });
      const tally = await Tally.start(aWorld(), disk, options);
      tally.positions.splice(0, 14, ...(await positionsOf(disk)));
      if (count < 12) await expect(tally.keep(count)).rejects.toThrow(RangeError);
      else await tally.keep(count);
      const next = await Tally.start(aWorld(), disk.crash("lost"), options);
      expect([next.numbers, next.fromSnapshot]).toEqual([firstNumbers(14), Math.max(12, count)]);
    }
  });

  it("keeps the newest two, and of one position the last that was kept", async () => {
    const disk = new FaultyDisk(new SeededRandom(1));
    const tally = await Tally.start(aWorld(), disk);
    const kept: number[] = [];
    for (const _ of [1, 2, 3]) {
      await tally.store(2);
      await tally.keep();
      await tally.keep();
      kept.push(snapshotsOn(disk).length);
    }
    expect(kept).toEqual([1, 2, 2]);
    expect(tally.journal.replaysFrom).toBe((tally.positions[3] as number) + 1);
    expect((await Tally.start(aWorld(), disk.crash("lost"))).fromSnapshot).toBe(6);
  });

  it("keeps nothing where nothing was stored", async () => {
    const disk = new FaultyDisk(new SeededRandom(1));
    const { journal } = await Tally.start(aWorld(), disk);
    await journal.keepSnapshot(0, (async function* () {})());
    expect(snapshotsOn(disk)).toEqual([]);
    await expect(journal.keepSnapshot(1_000, (async function* () {})())).rejects.toThrow(RangeError);
  });
});

/** Where each fact stands, read without snapshots. */
async function positionsOf(disk: FaultyDisk): Promise<number[]> {
  const copy = new FaultyDisk(new SeededRandom(1));
  for (const path of disk.paths()) if (!path.includes(".snap")) copy.plant(path, disk.bytesOf(path));
  return (await Tally.start(aWorld(), copy, SMALL)).positions;
}

describe("a power cut (decision 8)", () => {
  it.each(["lost", "some", "kept", "killed"] as const)(
    "DUR-1.1: at every disk operation of keeping and forgetting loses nothing that was confirmed; not synced: %s",
    async (unsynced) => {
      let isThrough = false;
      for (let steps = 0; !isThrough; steps++) {
        const disk = new FaultyDisk(new SeededRandom(steps));
        const tally = await Tally.start(aWorld(), disk, SMALL);
        await tally.store(6);
        await tally.keep();
        let confirmed = { facts: 6, snapshot: 6 };
        disk.cutPowerAfter(steps);
        await untilDead(
          disk,
          (async () => {
            for (const facts of [12, 15]) {
              await tally.store(facts - tally.numbers.length);
              confirmed = { ...confirmed, facts };
              await tally.keep();
              confirmed = { ...confirmed, snapshot: facts };
            }
            await tally.forget();
            isThrough = true;
          })(),
        );
        const next = unsynced === "killed" ? disk.kill() : disk.crash(unsynced);
        const again = await Tally.start(aWorld(), next, SMALL);
        const where = `after ${steps} steps`;
        expect(again.numbers, where).toEqual(firstNumbers(again.numbers.length));
        expect(again.numbers.length, where).toBeGreaterThanOrEqual(confirmed.facts);
        expect(again.fromSnapshot, where).toBeGreaterThanOrEqual(confirmed.snapshot);
        expect(
          snapshotsOn(next).filter((path) => path.endsWith(".new")),
          where,
        ).toEqual([]);
        // It goes on as ever: keeps two, forgets, starts.
        for (const _ of [1, 2]) {
          await again.store(3);
          await again.keep();
        }
        await again.forget();
        expect(snapshotsOn(next), where).toHaveLength(2);
        const third = await Tally.start(aWorld(), next.crash("lost"), SMALL);
        expect(third.numbers, where).toEqual(firstNumbers(again.numbers.length));
        expect(segmentsOn(next).length, where).toBeLessThan(5);
      }
    },
  );

  it("DUR-1.1: between a snapshot and the sync it waits for leaves none, and another history may follow", async () => {
    for (const durability of ["sync", "relaxed"] as const) {
      const disk = new FaultyDisk(new SeededRandom(3));
      const held = holdingSegments(disk);
      const world = aWorld();
      const tally = await Tally.start(world, held.disk, { durability });
      await tally.store(2);
      await world.clock.advance(100);
      held.hold();
      tally.append(3);
      if (durability === "relaxed") await tally.journal.synced(tally.positions[4] as number);
      tally.keep().catch(() => undefined);
      for (let turn = 0; turn < 500; turn++) await undefined;
      const next = disk.crash("lost");
      expect(snapshotsOn(next)).toEqual([]);
      const again = await Tally.start(aWorld(), next);
      expect(again.numbers).toEqual(firstNumbers(2));
      const other = again.journal.append([aFact(2, "of another history"), aFact(3, "of another history")]);
      await again.journal.synced(other.at(-1) as number);
      const third = await Tally.start(aWorld(), next.crash("lost"));
      expect([third.numbers, third.fromSnapshot]).toEqual([firstNumbers(4), 0]);
    }
  });

  it("a snapshot waits for what relaxed has only written", async () => {
    const disk = new FaultyDisk(new SeededRandom(3));
    const world = aWorld();
    const tally = await Tally.start(world, disk, { durability: "relaxed" });
    await tally.store(3);
    let isKept = false;
    const keeping = tally.keep().then(() => {
      isKept = true;
    });
    for (let turn = 0; turn < 500; turn++) await undefined;
    expect(isKept).toBe(false);
    await world.clock.advance(100);
    await keeping;
    expect((await Tally.start(aWorld(), disk.crash("lost"))).fromSnapshot).toBe(3);
  });
});

/** A disk on which segments, and they alone, can be kept from being synced. */
function holdingSegments(real: FaultyDisk) {
  let isHeld = false;
  const never = new Promise<never>(() => {});
  const disk = wrapFiles(real, (file, path) => ({
    sync: () => (isHeld && path.endsWith(".seg") ? never : file.sync()),
  }));
  return {
    disk,
    hold: () => {
      isHeld = true;
    },
  };
}

/** A disk that is slow to read and minds, as real ones do, when the file was closed meanwhile. */
function readingSlowly(real: FaultyDisk): Disk {
  return wrapFiles(real, (file) => {
    let isClosed = false;
    return {
      read: async (at, length) => {
        for (let turn = 0; turn < 100; turn++) await undefined;
        if (isClosed) throw Object.assign(new Error("EBADF: the file is closed."), { code: "EBADF" });
        return await file.read(at, length);
      },
      close: async () => {
        isClosed = true;
      },
    };
  });
}

describe("a snapshot that cannot be written", () => {
  async function aTally(disk: FaultyDisk): Promise<Tally> {
    const tally = await Tally.start(aWorld(), disk, SMALL);
    await tally.store(6);
    return tally;
  }

  it("leaves the journal as it was where there is no space for it", async () => {
    const disk = new FaultyDisk(new SeededRandom(1));
    const tally = await aTally(disk);
    for (let after = 0; after < 3; after++) {
      disk.failNext("write", "ENOSPC", { after });
      await expect(tally.keep()).rejects.toMatchObject({ code: "ENOSPC" });
      expect(snapshotsOn(disk)).toEqual([]);
    }
    await tally.store(2);
    await tally.keep();
    expect((await Tally.start(aWorld(), disk.crash("lost"), SMALL)).fromSnapshot).toBe(8);
  });

  it.each([["write"], ["sync"]] as const)("DUR-2.1: ends the journal where a %s fails otherwise", async (operation) => {
    const disk = new FaultyDisk(new SeededRandom(1));
    const tally = await aTally(disk);
    disk.failNext(operation, "EIO");
    await expect(tally.keep()).rejects.toMatchObject({ code: "storage-failed" });
    expect(await tally.journal.failed).toMatchObject({ code: "EIO" });
    const next = await Tally.start(aWorld(), disk.kill(), SMALL);
    expect([next.numbers, next.fromSnapshot]).toEqual([firstNumbers(6), 0]);
  });

  it("leaves the journal as it was where the state does not come to its end, and lets go of it", async () => {
    const disk = new FaultyDisk(new SeededRandom(1));
    const tally = await aTally(disk);
    let isReleased = false;
    async function* state(): AsyncGenerator<Uint8Array> {
      try {
        yield Buffer.from("[0]");
        throw new Error("It does not come.");
      } finally {
        isReleased = true;
      }
    }
    await expect(tally.journal.keepSnapshot((tally.positions[5] as number) + 1, state())).rejects.toThrow("not come");
    expect(isReleased).toBe(true);
    let isReleasedUnread = false;
    const unread: AsyncIterator<Uint8Array> = {
      next: () => expect.fail("It was read."),
      return: async () => {
        isReleasedUnread = true;
        return { done: true, value: undefined };
      },
    };
    const beyond = tally.journal.keepSnapshot(10_000, { [Symbol.asyncIterator]: () => unread });
    await expect(beyond).rejects.toThrow(RangeError);
    expect(isReleasedUnread).toBe(true);
    expect(snapshotsOn(disk)).toEqual([]);
    await tally.store(1);
    await tally.keep();
  });

  it("is given up when the journal is closed meanwhile", async () => {
    const disk = new FaultyDisk(new SeededRandom(1));
    const tally = await aTally(disk);
    let closing: Promise<void> | undefined;
    async function* state(): AsyncGenerator<Uint8Array> {
      for (;;) {
        yield Buffer.from("[0]");
        closing ??= tally.journal.close();
      }
    }
    const keeping = tally.journal.keepSnapshot((tally.positions[5] as number) + 1, state());
    await expect(keeping).rejects.toMatchObject({ code: "stopping" });
    await closing;
    await expect(tally.keep()).rejects.toMatchObject({ code: "stopping" });
    expect(snapshotsOn(disk)).toEqual([]);
    expect((await Tally.start(aWorld(), disk, SMALL)).numbers).toEqual(firstNumbers(6));
  });

  it("is given up, or kept, whenever the journal is closed: never does the disk seem to have failed", async () => {
    let kept = 0;
    for (let turns = 0; turns < 300; turns += 10) {
      const disk = new FaultyDisk(new SeededRandom(turns));
      const world = aWorld();
      const tally = await Tally.start(world, readingSlowly(disk), { ...SMALL, cacheBytes: 0 });
      await tally.store(6);
      const keeping = tally.keep(5).catch((error: unknown) => error);
      for (let turn = 0; turn < turns; turn++) await undefined;
      await tally.journal.close();
      const outcome = await keeping;
      if (outcome === undefined) kept += 1;
      else expect(outcome, `after ${turns} turns`).toMatchObject({ code: "stopping" });
      expect(world.log.of("journal.failed")).toEqual([]);
      expect(snapshotsOn(disk)).toHaveLength(outcome === undefined ? 1 : 0);
      expect((await Tally.start(aWorld(), disk, SMALL)).numbers).toEqual(firstNumbers(6));
    }
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThan(30);
  });

  it("may take its time: facts are stored meanwhile", async () => {
    const disk = new FaultyDisk(new SeededRandom(1));
    const tally = await aTally(disk);
    const position = (tally.positions[5] as number) + 1;
    async function* state(): AsyncGenerator<Uint8Array> {
      for (let number = 0; number < 6; number++) {
        yield Buffer.from(`[${number}]`);
        await tally.store(2);
      }
    }
    await tally.journal.keepSnapshot(position, state());
    const next = await Tally.start(aWorld(), disk.crash("lost"), SMALL);
    expect([next.numbers, next.fromSnapshot]).toEqual([firstNumbers(18), 6]);
  });
});

describe("a snapshot that does not hold (DUR-1)", () => {
  it("DUR-1.2: a flip of any byte of the newest is found and logged; the older one is used, also after its segments went", async () => {
    const bytes = (await aKeptDisk()).bytesOf(await newestSnapshot()).length;
    for (let at = 0; at < bytes; at++) {
      const disk = await aKeptDisk({ forgotten: true });
      expect(segmentsOn(disk)[0]).not.toBe(FIRST_SEGMENT);
      const [, newest] = snapshotsOn(disk) as [string, string];
      disk.flipBit(newest, at * 8 + (at % 8));
      const world = aWorld();
      const tally = await Tally.start(world, disk, SMALL);
      expect([tally.numbers, tally.fromSnapshot], `byte ${at}`).toEqual([firstNumbers(14), 6]);
      expect(world.log.of("journal.snapshot-damaged").map(({ fields }) => fields.file)).toEqual([newest]);
    }
  });

  it("DUR-1.2: so is the loss of its end, and what stands behind it", async () => {
    const whole = (await aKeptDisk()).bytesOf(await newestSnapshot());
    for (let length = 0; length <= whole.length + 1; length++) {
      if (length === whole.length) continue;
      const disk = await aKeptDisk();
      disk.plant(await newestSnapshot(), Buffer.concat([whole, Buffer.alloc(1)]).subarray(0, length));
      expect((await Tally.start(aWorld(), disk, SMALL)).fromSnapshot, `${length} bytes`).toBe(6);
    }
  });

  it("DUR-1.2: a snapshot under another's name is not used", async () => {
    const disk = await aKeptDisk();
    const [older, newest] = snapshotsOn(disk) as [string, string];
    disk.plant(newest, disk.bytesOf(older));
    expect((await Tally.start(aWorld(), disk, SMALL)).fromSnapshot).toBe(6);
  });

  it("DUR-1.2: with both damaged the replay begins at the beginning, and where that is gone the start stops", async () => {
    for (const forgotten of [false, true]) {
      const disk = await aKeptDisk({ forgotten });
      const names = snapshotsOn(disk);
      for (const path of names) disk.flipBit(path, 60 * 8);
      if (forgotten) {
        const [older, newest] = names.map((path) => path.slice(DIRECTORY.length + 1));
        expect(await damageOf(disk)).toContain(`: ${older} and ${newest}, and segment 1 is missing.`);
      } else {
        const tally = await Tally.start(aWorld(), disk, SMALL);
        expect([tally.numbers, tally.fromSnapshot]).toEqual([firstNumbers(14), 0]);
      }
    }
  });

  it("nothing is forgotten until there are two again that hold, and the damaged one goes when there are", async () => {
    const disk = await aKeptDisk();
    const newest = await newestSnapshot();
    disk.flipBit(newest, 300);
    const tally = await Tally.start(aWorld(), disk, SMALL);
    expect(tally.journal.replaysFrom).toBe(0);
    await tally.forget();
    expect(segmentsOn(disk)[0]).toBe(FIRST_SEGMENT);
    await tally.keep();
    expect(snapshotsOn(disk)).not.toContain(newest);
    await tally.forget();
    expect(segmentsOn(disk)[0]).not.toBe(FIRST_SEGMENT);
    disk.flipBit(snapshotsOn(disk)[1] as string, 300);
    expect((await Tally.start(aWorld(), disk.crash("lost"), SMALL)).numbers).toEqual(firstNumbers(14));
  });

  it("nothing is forgotten for the sake of an older one that rotted since", async () => {
    const disk = await aKeptDisk();
    const tally = await Tally.start(aWorld(), disk, SMALL);
    disk.flipBit(snapshotsOn(disk)[0] as string, 300);
    await tally.forget();
    expect(segmentsOn(disk)[0]).toBe(FIRST_SEGMENT);
  });
});

describe("a journal that does not go with its snapshots (decision 8)", () => {
  it.each([true, false])(
    "DUR-1.2: shortened to a clean end before what a snapshot contains, it is damaged; the newest one holds: %s",
    async (holds) => {
      const ends = await endsBeforeNewest();
      expect(ends.length).toBeGreaterThan(5);
      for (const { path, offset } of ends) {
        const disk = await aKeptDisk();
        disk.truncateTo(path, offset);
        for (const later of segmentsOn(disk).filter((other) => other > path)) await disk.remove(later);
        if (!holds) disk.flipBit(await newestSnapshot(), 300);
        expect(await damageOf(disk), `${path} up to ${offset}`).toMatch(/segment \d+/);
      }
    },
  );

  it("DUR-1.2: a torn tail before what the newest snapshot contains is damage, whether that holds or not", async () => {
    for (const spoilt of [false, true]) {
      const disk = new FaultyDisk(new SeededRandom(7));
      const tally = await Tally.start(aWorld(), disk);
      await tally.store(4);
      await tally.keep();
      const end = disk.bytesOf(FIRST_SEGMENT).length;
      const next = disk.crash("lost");
      next.truncateTo(FIRST_SEGMENT, end - 1);
      if (spoilt) next.flipBit(snapshotsOn(next)[0] as string, 300);
      expect(await damageOf(next, {})).toMatch(new RegExp(`segment 1, bytes \\d+ to ${end - 2}[.]`));
    }
  });

  it("DUR-1.1: a torn tail behind a snapshot is cut, wherever it tore", async () => {
    const disk = new FaultyDisk(new SeededRandom(7));
    const tally = await Tally.start(aWorld(), disk);
    await tally.store(4);
    await tally.keep();
    const from = disk.bytesOf(FIRST_SEGMENT).length;
    await tally.store(1);
    const whole = disk.bytesOf(FIRST_SEGMENT);
    const files = disk.paths().map((path) => [path, disk.bytesOf(path)] as const);
    for (let length = from; length <= whole.length; length++) {
      const torn = new FaultyDisk(new SeededRandom(length));
      for (const [path, bytes] of files) torn.plant(path, bytes);
      torn.truncateTo(FIRST_SEGMENT, length);
      const world = aWorld();
      const { numbers, fromSnapshot } = await Tally.start(world, torn);
      expect([numbers.length, fromSnapshot]).toEqual([length === whole.length ? 5 : 4, 4]);
      expect(world.log.of("journal.cut")).toHaveLength(length === from || length === whole.length ? 0 : 1);
    }
  });

  it("DUR-1.2: a snapshot of another history over the same positions is not gone on from", async () => {
    const disk = await aKeptDisk();
    const other = new FaultyDisk(new SeededRandom(8));
    const tally = await Tally.start(aWorld(2), other, SMALL);
    await tally.store(14);
    const newest = await newestSnapshot();
    other.plant(newest, disk.bytesOf(newest));
    expect(await damageOf(other.crash("kept"))).toContain(`, from which ${newest.slice(DIRECTORY.length + 1)} goes on`);
  });

  it("DUR-1.2: a segment that is gone from the middle, or from where the replay begins, is damage", async () => {
    const disk = await aKeptDisk({ forgotten: true });
    const numbers = segmentsOn(disk).map((path) => Number.parseInt(path.slice(-12, -4), 10));
    expect(numbers.length).toBeGreaterThan(4);
    for (const number of numbers.slice(1, -1)) {
      const copy = await aKeptDisk({ forgotten: true });
      await copy.remove(segmentPath(number));
      expect(await damageOf(copy)).toContain(`segment ${number} is missing`);
    }
    const copy = await aKeptDisk({ forgotten: true });
    for (const number of numbers) await copy.remove(segmentPath(number));
    expect(await damageOf(copy)).toContain("is missing");
  });

  it("DUR-1.2: an old segment that the replay does not see is damaged if its header is, or its end is gone", async () => {
    const path = segmentPath(2);
    for (let at = 0; at < 36; at++) {
      const disk = await aKeptDisk();
      disk.flipBit(path, at * 8);
      expect(await damageOf(disk)).toContain("segment 2, bytes 0 to 35.");
    }
    const shorter = await aKeptDisk();
    const bytes = shorter.bytesOf(path);
    shorter.truncateTo(path, bytes.length - 7);
    expect(await damageOf(shorter)).toContain(`segment 2, bytes ${bytes.length - 7} to ${bytes.length - 1}.`);
    const longer = await aKeptDisk();
    longer.plant(path, Buffer.concat([bytes, Buffer.alloc(7)]));
    expect(await damageOf(longer)).toContain("segment 3, bytes 0 to 35.");
  });
});

/** Where `aKeptDisk` has its newest snapshot. */
async function newestSnapshot(): Promise<string> {
  return snapshotsOn(await aKeptDisk()).at(-1) as string;
}

/** Where in which segment groups end that the newest snapshot of `aKeptDisk` contains, but the last of them. */
async function endsBeforeNewest(): Promise<{ path: string; offset: number }[]> {
  const disk = await aKeptDisk();
  const newest = Number.parseInt((await newestSnapshot()).slice(DIRECTORY.length + 1), 10);
  let base = 0;
  return segmentsOn(disk).flatMap((path) => {
    const bytes = disk.bytesOf(path);
    const offsets: number[] = [];
    for (let offset = 36; offset < bytes.length; offset += 32 + bytes.readUInt32LE(offset + 4)) {
      if (base + offset < newest) offsets.push(offset);
    }
    base += bytes.length;
    return offsets.map((offset) => ({ path, offset }));
  });
}
