import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { aWorld, DIRECTORY, FIRST_SEGMENT, openJournal } from "../../../test/journal/open-journal.ts";
import { StartError } from "../../domain/start-error.ts";
import { DATA_FORMAT } from "../../domain/version.ts";
import { FaultyDisk } from "../../testing/faulty-disk.ts";
import { type DataDescription, removeData } from "./data-directory.ts";
import type { FileJournalOptions } from "./file-journal.ts";

const IDENTITY = `${DIRECTORY}/stagemq-data.json`;

function aDisk(): FaultyDisk {
  return new FaultyDisk(aWorld().random);
}

/** A disk with a data directory that was closed in order. */
async function aUsedDisk(options: Partial<FileJournalOptions> = {}): Promise<FaultyDisk> {
  const disk = aDisk();
  await (await openJournal(aWorld(), disk, options)).journal.close();
  return disk;
}

async function refusalOf(start: Promise<unknown>): Promise<{ sentence: string; exitCode: number }> {
  const error = await start.then(
    () => expect.fail("It started."),
    (reason: unknown) => reason,
  );
  if (!(error instanceof StartError)) throw error;
  return { sentence: error.message, exitCode: error.exitCode };
}

describe("RUN-1: a start on a directory that cannot be used", () => {
  it("RUN-1.1, DUR-4.2: names the process that holds it", async () => {
    const disk = aDisk();
    await openJournal(aWorld(), disk);
    expect(await refusalOf(openJournal(aWorld(), disk))).toEqual({
      sentence: `${DIRECTORY} is in use by another stagemq (pid 1). Stop it, or use another directory: --data DIR.`,
      exitCode: 5,
    });
  });

  it("RUN-1.1: leaves a directory alone that holds what stagemq did not write", async () => {
    const disk = aDisk();
    disk.plant(`${DIRECTORY}/notes.txt`, Buffer.from("mine"));
    const foreign = {
      sentence: `${DIRECTORY} holds files that stagemq did not write. Use a new or empty directory: --data DIR.`,
      exitCode: 5,
    };
    expect(await refusalOf(openJournal(aWorld(), disk))).toEqual(foreign);
    expect(await refusalOf(removeData(disk, DIRECTORY))).toEqual(foreign);
    expect(disk.paths()).toEqual([`${DIRECTORY}/notes.txt`]);
  });

  it("RUN-1.1: does not mind what file systems and dead brokers leave behind", async () => {
    const disk = aDisk();
    disk.plant(`${DIRECTORY}/lost+found`, Buffer.alloc(0));
    disk.plant(`${DIRECTORY}/lock-0123456789abcdef`, Buffer.alloc(0));
    await openJournal(aWorld(), disk);
  });

  it("DUR-5.1: is signed with the data format, and who wrote it, where every later stagemq finds them", async () => {
    const { format, version } = JSON.parse((await aUsedDisk()).bytesOf(IDENTITY).toString());
    expect({ format, version }).toEqual({ format: DATA_FORMAT, version: "0.1.0" });
  });

  it("DUR-5.3, RUN-1.1: names both formats of a directory that a newer stagemq wrote, and leaves it alone", async () => {
    const disk = await aUsedDisk();
    const { checksum: _, ...identity } = JSON.parse(disk.bytesOf(IDENTITY).toString());
    const newer = { ...identity, format: 3, version: "0.4.0" };
    disk.plant(IDENTITY, Buffer.from(JSON.stringify({ ...newer, checksum: crc32(JSON.stringify(newer)) })));
    expect(await refusalOf(openJournal(aWorld(), disk))).toEqual({
      sentence: `${DIRECTORY} has data format 3, written by stagemq 0.4.0; this is 0.1.0 and reads format 2. Start that version, or use another directory: --data DIR.`,
      exitCode: 5,
    });
    expect(disk.paths()).toEqual([FIRST_SEGMENT, IDENTITY]);
  });

  it.each([
    ["simulated", "system"],
    ["system", "simulated"],
  ] as const)("TIM-4.3: refuses a directory of the %s clock under the %s clock", async (made, other) => {
    const disk = await aUsedDisk({ clock: made });
    expect(await refusalOf(openJournal(aWorld(), disk, { clock: other }))).toEqual({
      sentence: `${DIRECTORY} was made with --clock ${made} and opens only with it. Start with --clock ${made}, or use another directory: --data DIR.`,
      exitCode: 5,
    });
    await openJournal(aWorld(), disk, { clock: made });
  });

  it("RUN-1.1: says whose a directory is that it may not write to", async () => {
    const disk = aDisk();
    disk.failNext("lock", "EACCES");
    expect(await refusalOf(openJournal(aWorld(), disk))).toEqual({
      sentence: `Cannot write to ${DIRECTORY}: it belongs to uid 0, stagemq runs as uid 1000. Change its owner, or use another directory: --data DIR.`,
      exitCode: 4,
    });
  });

  it.each([
    ["open", "EACCES", 1, 4, "Cannot write to"],
    ["read", "EIO", 1, 70, "The disk failed under"],
    ["open", "EISDIR", 1, 70, "The disk failed under"],
    ["write", "EIO", 0, 70, "The disk failed under"],
    ["sync", "EIO", 0, 70, "The disk failed under"],
  ] as const)(
    "RUN-1.1: says what was refused while it recovers: %s, %s",
    async (operation, code, after, exit, words) => {
      const disk = aDisk();
      const { journal } = await openJournal(aWorld(), disk);
      journal.append([{ kind: "half-offer-given-back", id: 1, topic: 1, why: "hung-up" }]);
      await journal.close();
      disk.failNext(operation, code, { after });
      const refusal = await refusalOf(openJournal(aWorld(), disk));
      expect(refusal).toEqual({ sentence: expect.stringContaining(`${words} ${DIRECTORY}`), exitCode: exit });
    },
  );

  it("RUN-1.1: names no owner where it is the one who asks", async () => {
    const disk = aDisk();
    disk.ownership = async () => ({ owner: 1_000, self: 1_000 });
    disk.failNext("open", "EACCES");
    expect((await refusalOf(openJournal(aWorld(), disk))).sentence).toBe(
      `Cannot write to ${DIRECTORY}: not permitted. Use another directory: --data DIR.`,
    );
  });

  it("makes the name of a directory last until it is signed, and then leaves it alone", async () => {
    const disk = aDisk();
    const made: string[] = [];
    disk.makeDirectory = async (directory) => {
      made.push(directory);
      return false;
    };
    for (let start = 0; start < 2; start++) await (await openJournal(aWorld(), disk)).journal.close();
    expect(made).toEqual([DIRECTORY]);
  });

  it.each([true, false])("takes away a directory that it made for nothing, and no other (made: %s)", async (isMade) => {
    const disk = new FaultyDisk(aWorld().random, { capacityBytes: 100 });
    const removed: string[] = [];
    disk.makeDirectory = async () => isMade;
    disk.removeDirectory = async (directory) => {
      removed.push(directory);
    };
    await refusalOf(openJournal(aWorld(), disk));
    expect(removed).toEqual(isMade ? [DIRECTORY] : []);
  });

  it("RUN-1.1: says that the disk is full", async () => {
    const disk = new FaultyDisk(aWorld().random, { capacityBytes: 100 });
    expect(await refusalOf(openJournal(aWorld(), disk))).toEqual({
      sentence: `No space left for ${DIRECTORY}. Free some, or use another directory: --data DIR.`,
      exitCode: 70,
    });
  });

  it("DUR-1.2: a flip in any byte of the identity stops the start", async () => {
    const length = (await aUsedDisk()).bytesOf(IDENTITY).length;
    for (let at = 0; at < length - 1; at++) {
      const disk = await aUsedDisk();
      disk.flipBit(IDENTITY, at * 8 + (at % 7));
      const { sentence, exitCode } = await refusalOf(openJournal(aWorld(), disk));
      expect([sentence, exitCode]).toEqual([expect.stringContaining("Damaged data"), 70]);
    }
  });

  it("DUR-1.2: facts without an identity, and an identity without facts, are damage", async () => {
    const disk = aDisk();
    const { journal } = await openJournal(aWorld(), disk);
    journal.append([{ kind: "half-offer-given-back", id: 1, topic: 1, why: "hung-up" }]);
    await journal.close();
    await disk.remove(IDENTITY);
    expect((await refusalOf(openJournal(aWorld(), disk))).sentence).toContain("stagemq-data.json is missing.");
    const snapshotAlone = aDisk();
    snapshotAlone.plant(`${DIRECTORY}/000000000000500.snap`, Buffer.from("state"));
    expect((await refusalOf(openJournal(aWorld(), snapshotAlone))).sentence).toContain("stagemq-data.json is missing.");
    const other = await aUsedDisk();
    await other.remove(FIRST_SEGMENT);
    expect((await refusalOf(openJournal(aWorld(), other))).sentence).toContain("segment 1 is missing.");
  });
});

describe("a data directory", () => {
  it("keeps its secret through power cuts at any step of the first start", async () => {
    for (let steps = 0; steps < 60; steps++) {
      const world = aWorld(steps);
      const disk = new FaultyDisk(world.random);
      disk.cutPowerAfter(steps);
      let secret: Uint8Array | undefined;
      const starting = openJournal(world, disk).then(({ journal }) => {
        secret = journal.secret;
      });
      for (let turn = 0; turn < 2_000; turn++) await undefined;
      const { journal } = await openJournal(world, disk.crash());
      if (secret) expect(journal.secret).toEqual(secret);
      if (!disk.isDead) await starting;
    }
  });

  it("is free again when its first start found no space", async () => {
    const disk = aDisk();
    disk.failNext("write", "ENOSPC");
    expect((await refusalOf(openJournal(aWorld(), disk))).exitCode).toBe(70);
    await openJournal(aWorld(), disk);
  });
});

describe("--reset", () => {
  it("says what there is, and removes it", async () => {
    const disk = await aUsedDisk();
    disk.plant(`${DIRECTORY}/notes.txt`, Buffer.from("mine"));
    const bytes = [FIRST_SEGMENT, IDENTITY].reduce((sum, path) => sum + disk.bytesOf(path).length, 0);
    const told: DataDescription[] = [];
    const answer = (agreed: boolean) => async (found: DataDescription) => {
      told.push(found);
      return agreed;
    };
    const before = disk.paths();
    expect(await removeData(disk, DIRECTORY, answer(false))).toBe(false);
    expect(disk.paths()).toEqual(before);
    expect(await removeData(disk, DIRECTORY, answer(true))).toBe(true);
    expect(told).toEqual([
      { bytes, lastWrittenAt: 0 },
      { bytes, lastWrittenAt: 0 },
    ]);
    expect(disk.crash("lost").paths()).toEqual([`${DIRECTORY}/notes.txt`]);
  });

  it("takes snapshots away, before the segments that they go on from", async () => {
    const disk = await aUsedDisk();
    const snapshots = ["000000000000500.snap", "000000000000900.snap.new"].map((name) => `${DIRECTORY}/${name}`);
    for (const path of snapshots) disk.plant(path, Buffer.from("state"));
    const removed: string[] = [];
    const remove = disk.remove.bind(disk);
    disk.remove = (path) => {
      removed.push(path);
      return remove(path);
    };
    expect(await removeData(disk, DIRECTORY)).toBe(true);
    expect(removed.slice(0, 3)).toEqual([...snapshots, FIRST_SEGMENT]);
    expect(disk.paths()).toEqual([]);
  });

  it("takes the lock first", async () => {
    const disk = aDisk();
    await openJournal(aWorld(), disk);
    const before = disk.paths();
    const ask = () => expect.fail("It asked.");
    expect((await refusalOf(removeData(disk, DIRECTORY, ask))).exitCode).toBe(5);
    expect(disk.paths()).toEqual(before);
  });

  it("finds nothing where nothing is", async () => {
    const disk = aDisk();
    expect(await removeData(disk, DIRECTORY, () => expect.fail("It asked."))).toBe(true);
  });
});
