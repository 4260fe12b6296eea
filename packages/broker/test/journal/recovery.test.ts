import { describe, expect, it } from "vitest";
import { BrokerError } from "../../src/domain/broker-error.ts";
import { StartError } from "../../src/domain/start-error.ts";
import { DamagedJournal } from "../../src/embedded/journal/damaged-journal.ts";
import type { Position } from "../../src/embedded/journal/fact.ts";
import type { FileJournal } from "../../src/embedded/journal/file-journal.ts";
import { encodeGroupHeader } from "../../src/embedded/journal/segment.ts";
import { FaultyDisk } from "../../src/testing/faulty-disk.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { aFact, aWorld, DIRECTORY, FIRST_SEGMENT, numbersOf, openJournal, untilDead } from "./open-journal.ts";

const SEEDS = Array.from({ length: 150 }, (_, seed) => seed);
const SMALL = { segmentBytes: 2_000 };

/** Appends in bursts until the machine dies under it, and keeps account of what was confirmed. */
function load(journal: FileJournal, random: SeededRandom, firstNumber: number) {
  const account = { appended: firstNumber, confirmed: firstNumber };
  const run = async (): Promise<void> => {
    for (;;) {
      const facts = Array.from({ length: 1 + random.below(5) }, () =>
        aFact(account.appended++, "b".repeat(random.below(4) === 0 ? 3_000 : 40)),
      );
      const last = account.appended;
      const confirm = () => {
        account.confirmed = last;
      };
      // After a failed sync the next append says so.
      const synced = journal.synced(journal.append(facts).at(-1) as Position).then(confirm, () => {});
      // Sometimes the next burst comes while this one is being written.
      if (random.below(3) > 0) await synced;
      else for (let turn = random.below(20); turn > 0; turn--) await undefined;
    }
  };
  return { account, run };
}

/** What a failed sync may end with: the journal, or the start. */
function expectRefusal(error: unknown): void {
  const isRefusal = error instanceof BrokerError || (error instanceof StartError && !(error instanceof DamagedJournal));
  if (!isRefusal) throw error;
}

/** A disk whose journal holds these facts, each in a group of its own. */
async function aDiskWith(
  numbers: readonly number[],
  { quiet = true, options = {}, body = "body" } = {},
): Promise<FaultyDisk> {
  const world = aWorld();
  const disk = new FaultyDisk(new SeededRandom(7));
  const { journal } = await openJournal(world, disk, options);
  for (const number of numbers) await journal.synced(journal.append([aFact(number, body)])[0] as Position);
  if (quiet) await journal.close();
  return disk.crash("lost");
}

/** Opens expecting damage; gives its sentence, and checks that nothing was changed. */
async function damageOf(disk: FaultyDisk, options = {}): Promise<string> {
  const before = new Map(disk.paths().map((path) => [path, disk.bytesOf(path)]));
  const error = await openJournal(aWorld(), disk, options).then(
    () => expect.fail("It opened."),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DamagedJournal);
  expect((error as DamagedJournal).exitCode).toBe(70);
  expect(new Map(disk.paths().map((path) => [path, disk.bytesOf(path)]))).toEqual(before);
  return (error as DamagedJournal).message;
}

/** Where the groups of a segment begin, found by their size: each holds one fact of the same length. */
function groupOffsets(disk: FaultyDisk, groups: number): number[] {
  const size = (disk.bytesOf(FIRST_SEGMENT).length - 36 - 32) / groups;
  return Array.from({ length: groups }, (_, group) => 36 + group * size);
}

describe("after a power cut (DUR-1)", () => {
  it.each([
    ["whatever the disk kept", { syncsFail: false }],
    ["whatever syncs failed before", { syncsFail: true }],
  ])(
    "DUR-1.1, PUB-1.2: everything confirmed is there, in order, and nothing between is missing, %s",
    async (_, { syncsFail }) => {
      let cuts = 0;
      let recovered = 0;
      for (const seed of SEEDS) {
        const world = aWorld(seed);
        let disk = new FaultyDisk(world.random);
        let confirmed = 0;
        let appended = 0;
        for (let uptime = 0; uptime < 5; uptime++) {
          // Also in the middle of a start: every second uptime is too short for one.
          disk.cutPowerAfter(world.random.below(uptime % 2 === 0 ? 120 : 15));
          const fails = syncsFail && world.random.below(2) === 0;
          if (fails) disk.failNext("sync", "EIO", { after: world.random.below(12) });
          const starting = openJournal(world, disk, SMALL).then(async ({ journal, replayed }) => {
            const numbers = numbersOf(replayed);
            expect(numbers, `seed ${seed}`).toEqual([...numbers.keys()]);
            expect(numbers.length, `seed ${seed}`).toBeGreaterThanOrEqual(confirmed);
            expect(numbers.length, `seed ${seed}`).toBeLessThanOrEqual(appended);
            confirmed = numbers.length;
            appended = numbers.length;
            recovered += 1;
            const { account, run } = load(journal, world.random, numbers.length);
            const running = run();
            await untilDead(disk, running).finally(() => {
              ({ appended, confirmed } = account);
            });
          });
          await untilDead(disk, fails ? starting.catch(expectRefusal) : starting);
          for (let turn = 0; turn < 50; turn++) await undefined;
          disk = fails || world.random.below(4) === 0 ? disk.kill() : disk.crash();
        }
        cuts += world.log.of("journal.cut").length;
      }
      expect(cuts).toBeGreaterThan(20);
      expect(recovered).toBeGreaterThan(200);
    },
  );

  it("DUR-1.1: a cut tail is said once, with file, offset and bytes", async () => {
    const disk = await aDiskWith([0, 1, 2], { quiet: false });
    const end = disk.bytesOf(FIRST_SEGMENT).length;
    disk.truncateTo(FIRST_SEGMENT, end - 1);
    const world = aWorld();
    const { journal, replayed } = await openJournal(world, disk);
    expect(numbersOf(replayed)).toEqual([0, 1]);
    const groupBytes = (end - 36) / 3;
    expect(world.log.of("journal.cut").map(({ fields }) => fields)).toEqual([
      {
        sentence: `cut ${groupBytes - 1} bytes of a write that was never confirmed`,
        file: FIRST_SEGMENT,
        offset: end - groupBytes,
        bytes: groupBytes - 1,
      },
    ]);
    await journal.close();
    const again = aWorld();
    await openJournal(again, disk.kill());
    expect(again.log.of("journal.cut")).toEqual([]);
  });

  it("DUR-1.1: the cut is synced before anything is appended, so that a second power cut brings no old tail back", async () => {
    const disk = await aDiskWith([0, 1, 2], { quiet: false });
    const end = disk.bytesOf(FIRST_SEGMENT).length;
    disk.flipBit(FIRST_SEGMENT, (end - 3) * 8);
    await openJournal(aWorld(), disk);
    expect(disk.crash("lost").bytesOf(FIRST_SEGMENT).length).toBeLessThan(end);
  });

  it("DUR-1.1: what a killed process left in the page cache is synced before it counts", async () => {
    const world = aWorld();
    const disk = new FaultyDisk(world.random);
    const { journal } = await openJournal(world, disk);
    disk.holdSyncs();
    journal.append([aFact(0)]);
    for (let turn = 0; turn < 100; turn++) await undefined;
    const second = disk.kill();
    const { replayed } = await openJournal(world, second);
    expect(numbersOf(replayed)).toEqual([0]);
    expect(numbersOf((await openJournal(world, second.crash("lost"))).replayed)).toEqual([0]);
  });

  it("DUR-1.1: what a failed sync left in the page cache is written anew before it counts", async () => {
    const world = aWorld();
    let disk = new FaultyDisk(world.random);
    const { journal } = await openJournal(world, disk);
    await journal.synced(journal.append([aFact(0)])[0] as Position);
    disk.failNext("sync", "EIO");
    await expect(journal.synced(journal.append([aFact(1)])[0] as Position)).rejects.toThrow();
    disk = disk.kill();
    const second = await openJournal(world, disk);
    expect(numbersOf(second.replayed)).toEqual([0, 1]);
    await second.journal.synced(second.journal.append([aFact(2)])[0] as Position);
    expect(numbersOf((await openJournal(world, disk.crash("lost"))).replayed)).toEqual([0, 1, 2]);
  });

  it("DUR-1.1: relaxed: so is every group of which none says that it was synced", async () => {
    const world = aWorld();
    let disk = new FaultyDisk(world.random);
    const { journal } = await openJournal(world, disk, { durability: "relaxed" });
    for (const number of [0, 1, 2]) await journal.synced(journal.append([aFact(number)])[0] as Position);
    disk.failNext("sync", "EIO");
    await world.clock.advance(100);
    await journal.failed;
    disk = disk.kill();
    const second = await openJournal(world, disk);
    await second.journal.synced(second.journal.append([aFact(3)])[0] as Position);
    expect(numbersOf((await openJournal(world, disk.crash("lost"))).replayed)).toEqual([0, 1, 2, 3]);
  });

  it("DUR-1.1: so is the header of a segment", async () => {
    const world = aWorld();
    const options = { segmentBytes: 100 };
    let disk = new FaultyDisk(world.random);
    const { journal } = await openJournal(world, disk, options);
    await journal.synced(journal.append([aFact(0)])[0] as Position);
    disk.failNext("sync", "EIO");
    await expect(journal.synced(journal.append([aFact(1)])[0] as Position)).rejects.toThrow();
    disk = disk.kill();
    const second = await openJournal(world, disk, options);
    await second.journal.synced(second.journal.append([aFact(1)])[0] as Position);
    expect(numbersOf((await openJournal(world, disk.crash("lost"), options)).replayed)).toEqual([0, 1]);
  });

  it("DUR-1.1: a power cut while that is written anew loses nothing that was confirmed", async () => {
    for (let steps = 0; steps < 30; steps++) {
      const world = aWorld(steps);
      let disk = new FaultyDisk(world.random);
      const { journal } = await openJournal(world, disk);
      await journal.synced(journal.append([aFact(0)])[0] as Position);
      await journal.synced(journal.append([aFact(1, "b".repeat(3_000))])[0] as Position);
      disk = disk.kill();
      disk.cutPowerAfter(steps);
      await untilDead(disk, openJournal(world, disk));
      expect(numbersOf((await openJournal(world, disk.crash())).replayed)).toEqual([0, 1]);
    }
  });

  it("DUR-1.1: a segment that was just begun and has no header yet is removed, and the journal goes on before it", async () => {
    const disk = await aDiskWith([0, 1], { options: { segmentBytes: 100 } });
    const newest = disk.paths().filter((path) => path.endsWith(".seg")).length + 1;
    disk.plant(`${DIRECTORY}/${String(newest).padStart(8, "0")}.seg`, new Uint8Array(20));
    const world = aWorld();
    const { journal, replayed } = await openJournal(world, disk, { segmentBytes: 100 });
    expect(numbersOf(replayed)).toEqual([0, 1]);
    expect(world.log.of("journal.cut")).toHaveLength(1);
    await journal.synced(journal.append([aFact(2)])[0] as Position);
    const { replayed: all } = await openJournal(world, disk.crash("lost"));
    expect(numbersOf(all)).toEqual([0, 1, 2]);
  });

  it("DUR-1.1: pages that reached the disk out of order are a tear, though good groups lie behind the bad one", async () => {
    const world = aWorld();
    const disk = new FaultyDisk(world.random);
    const { journal } = await openJournal(world, disk, { durability: "relaxed" });
    for (const number of [0, 1, 2, 3]) await journal.synced(journal.append([aFact(number)])[0] as Position);
    const next = disk.crash("kept");
    next.flipBit(FIRST_SEGMENT, (36 + (next.bytesOf(FIRST_SEGMENT).length - 36) / 4 + 40) * 8);
    expect(numbersOf((await openJournal(world, next)).replayed)).toEqual([0]);
  });

  it("DUR-1.1: relaxed, too, leaves a segment only when all of it is on disk", async () => {
    const world = aWorld();
    const disk = new FaultyDisk(world.random);
    const { journal } = await openJournal(world, disk, { durability: "relaxed", segmentBytes: 300 });
    for (let number = 0; number < 10; number++) await journal.synced(journal.append([aFact(number)])[0] as Position);
    const { replayed } = await openJournal(world, disk.crash("lost"));
    expect(numbersOf(replayed)).toEqual([...replayed.keys()]);
    expect(replayed.length).toBeGreaterThan(6);
  });

  it("DUR-1.1: a body that holds a header does not pass for one: neither a true one's copy nor one made without the seed", async () => {
    const disk = await aDiskWith([0, 1, 2], { quiet: false });
    const bytes = disk.bytesOf(FIRST_SEGMENT);
    const [, second, third] = [0, 1, 2].map((group) => 36 + (group * (bytes.length - 36)) / 3) as [
      number,
      number,
      number,
    ];
    // Both say that the bad bytes were synced.
    const copy = bytes.subarray(third, third + 32);
    const made = Buffer.alloc(32);
    encodeGroupHeader(
      made,
      { seed: 0, position: second + 5_032 },
      { length: 0, frames: 0, sequence: 9, syncedTo: third, previous: 0 },
    );
    disk.plant(
      FIRST_SEGMENT,
      Buffer.concat([bytes.subarray(0, second), Buffer.alloc(5_000, 1), copy, made, Buffer.alloc(99)]),
    );
    expect(numbersOf((await openJournal(aWorld(), disk)).replayed)).toEqual([0]);
  });

  it("DUR-1.1: a group of another history over the same positions is no part of this one", async () => {
    const disk = await aDiskWith([0, 1, 2], { quiet: false, body: "this" });
    const other = await aDiskWith([0, 1, 2], { quiet: false, body: "that" });
    const bytes = disk.bytesOf(FIRST_SEGMENT);
    const last = 36 + ((bytes.length - 36) / 3) * 2;
    disk.plant(FIRST_SEGMENT, Buffer.concat([bytes.subarray(0, last), other.bytesOf(FIRST_SEGMENT).subarray(last)]));
    expect(numbersOf((await openJournal(aWorld(), disk)).replayed)).toEqual([0, 1]);
  });
});

describe("damage (DUR-1)", () => {
  it("DUR-1.2: a flip anywhere in what a later header covers stops the start", async () => {
    const groups = 4;
    const size = (await aDiskWith([0, 1, 2, 3])).bytesOf(FIRST_SEGMENT).length;
    for (let at = 36; at < size - 32; at += 3) {
      const disk = await aDiskWith([0, 1, 2, 3]);
      disk.flipBit(FIRST_SEGMENT, at * 8 + (at % 8));
      const starts = groupOffsets(disk, groups);
      const start = starts.findLast((offset) => offset <= at) as number;
      const end = (starts[starts.indexOf(start) + 1] ?? size - 32) - 1;
      expect(await damageOf(disk), `byte ${at}`).toBe(
        `Damaged data in ${DIRECTORY}: segment 1, bytes ${start} to ${end}. Nothing was changed. Restore a copy, or use another directory: --data DIR. Look at it: stagemq fsck ${DIRECTORY}.`,
      );
    }
  });

  it("DUR-1.2: a flip in the header of a segment, or its loss, stops the start", async () => {
    for (let at = 0; at < 36; at++) {
      const disk = await aDiskWith([0]);
      disk.flipBit(FIRST_SEGMENT, at * 8);
      expect(await damageOf(disk)).toContain("segment 1, bytes 0 to 35.");
    }
    const disk = await aDiskWith([0]);
    disk.truncateTo(FIRST_SEGMENT, 20);
    expect(await damageOf(disk)).toContain("segment 1, bytes 0 to 35.");
  });

  it("DUR-1.1: a flip in the last group before the quiet header came looks like a tear", async () => {
    const disk = await aDiskWith([0, 1], { quiet: false });
    disk.flipBit(FIRST_SEGMENT, (disk.bytesOf(FIRST_SEGMENT).length - 5) * 8);
    expect(numbersOf((await openJournal(aWorld(), disk)).replayed)).toEqual([0]);
  });

  it("DUR-1.1: a flip in the quiet header itself costs no fact", async () => {
    const disk = await aDiskWith([0, 1]);
    disk.flipBit(FIRST_SEGMENT, (disk.bytesOf(FIRST_SEGMENT).length - 5) * 8);
    expect(numbersOf((await openJournal(aWorld(), disk)).replayed)).toEqual([0, 1]);
  });

  it("DUR-1.2: a bad group in an older segment needs no later header", async () => {
    const options = { segmentBytes: 100 };
    const disk = await aDiskWith([0, 1, 2], { options });
    disk.flipBit(FIRST_SEGMENT, 60 * 8);
    expect(await damageOf(disk, options)).toMatch(/segment 1, bytes 36 to \d+\./);
  });

  it("DUR-1.2: an older segment that lost its end, or is gone, is damage", async () => {
    const options = { segmentBytes: 100 };
    const shorter = await aDiskWith([0, 1, 2], { options });
    shorter.truncateTo(FIRST_SEGMENT, shorter.bytesOf(FIRST_SEGMENT).length - 1);
    expect(await damageOf(shorter, options)).toContain("segment 1, bytes 36 to ");
    const emptied = await aDiskWith([0, 1, 2], { options });
    emptied.truncateTo(FIRST_SEGMENT, 36);
    expect(await damageOf(emptied, options)).toContain("segment 2, bytes 0 to 35.");
    const gone = await aDiskWith([0, 1, 2], { options });
    await gone.remove(FIRST_SEGMENT);
    expect(await damageOf(gone, options)).toContain("segment 1 is missing.");
  });

  it("DUR-1.2: the range has thousands separators and ends where good bytes begin again", async () => {
    const disk = await aDiskWith([0, 1, 2], { body: "b".repeat(5_000) });
    const [, second, third] = groupOffsets(disk, 3) as [number, number, number];
    disk.flipBit(FIRST_SEGMENT, (second + 5) * 8);
    expect(await damageOf(disk)).toContain(
      `segment 1, bytes ${second.toLocaleString("en")} to ${(third - 1).toLocaleString("en")}.`,
    );
    expect(second).toBeGreaterThan(1_000);
  });
});
