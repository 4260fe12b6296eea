import { describe, expect, it } from "vitest";
import { createBackup } from "../../src/embedded/upkeep/create-backup.ts";
import { NOBODY_WATCHES } from "../../src/embedded/upkeep/progress.ts";
import { restoreBackup } from "../../src/embedded/upkeep/restore-backup.ts";
import { verifyBackup } from "../../src/embedded/upkeep/verify-backup.ts";
import { bodiesOf, refusalsOf } from "../conformance/bench.ts";
import { DIRECTORY, drain, numbered, UsedDisk } from "./used-disk.ts";

const TARGET = "/backup";
const version = "0.0.0-test";

function create(used: UsedDisk, progress = NOBODY_WATCHES, target = TARGET) {
  const { disk, clock } = used;
  return createBackup({ disk, clock }, { directory: DIRECTORY, target, version }, progress);
}

/** The backup becomes the data directory of another machine. */
async function restored(used: UsedDisk): Promise<UsedDisk> {
  const other = new UsedDisk(3);
  for (const path of used.disk.paths()) if (path.startsWith(TARGET)) other.disk.plant(path, used.disk.bytesOf(path));
  await restoreBackup(other.disk, { target: TARGET, directory: DIRECTORY, version }, NOBODY_WATCHES);
  return other;
}

describe("backup", () => {
  it("of a broker that goes on publishing holds all that was confirmed before it began", async () => {
    const used = new UsedDisk();
    const bench = await used.open({ snapshotAfterBytes: 6_000 });
    const bodies = numbered(0, 60);
    for (const body of bodies) {
      await bench.publish({ body });
      await bench.settle();
    }
    const [held] = await bench.receive({ group: "GID_held", max: 1 });
    const meanwhile = numbered(60, 90);
    const publishing = (async () => {
      for (const body of meanwhile) await bench.publish({ body });
    })();
    await Promise.all([create(used), publishing]);
    const other = await restored(used);
    const next = await other.open();
    const delivered = await drain(next, "GID_a");
    expect(delivered.slice(0, 60)).toEqual(bodies);
    expect(delivered).toEqual([...bodies, ...meanwhile].slice(0, delivered.length));
    // The handles of before fit: it is the same journal.
    expect(refusalsOf(await next.acknowledge([held ?? ""], { group: "GID_held" }))).toEqual([undefined]);
    await bench.close();
  });

  it("verifies, and tells how far it has come", async () => {
    const used = new UsedDisk();
    const bench = await used.open();
    await bench.publishAll(numbered(0, 30));
    await bench.close();
    let [total, done] = [0, 0];
    const progress = {
      begin: (bytes: number) => {
        [total, done] = [bytes, 0];
      },
      add: (bytes: number) => {
        done += bytes;
      },
    };
    await create(used, progress);
    expect([done, total > 3_000]).toEqual([total, true]);
    const { faults, findings } = await verifyBackup(used.disk, { target: TARGET, version });
    expect([faults, findings?.topics.map(({ messages }) => messages)]).toEqual([[], [30]]);
  });

  it("begins again when what it was copying is deleted meanwhile", async () => {
    const used = new UsedDisk();
    const bench = await used.open({ snapshotAfterBytes: 6_000 });
    const bodies = numbered(0, 100);
    for (const body of bodies) {
      await bench.publish({ body });
      await bench.settle();
    }
    await bench.close();
    const [oldest = ""] = used.paths(/\.snap$/);
    let begun = 0;
    const progress = {
      begin: () => {
        begun += 1;
      },
      add: () => {
        // The oldest snapshot was listed, and is gone before its turn comes.
        if (begun === 1) used.disk.remove(oldest).catch(() => expect.fail());
      },
    };
    await create(used, progress);
    expect(begun).toBe(2);
    expect(await drain(await (await restored(used)).open(), "GID_a")).toEqual(bodies);
  });

  it.each([
    [
      "a rotten file",
      (used: UsedDisk) => used.disk.flipBit(`${TARGET}/00000001.seg`, 900),
      "00000001.seg does not fit its checksum",
    ],
    [
      "a shorter file",
      (used: UsedDisk) => used.disk.truncateTo(`${TARGET}/00000001.seg`, 100),
      "00000001.seg has 100 bytes; it had",
    ],
    ["a missing file", (used: UsedDisk) => used.disk.remove(`${TARGET}/00000001.seg`), "00000001.seg is missing"],
    [
      "another file",
      (used: UsedDisk) => used.disk.plant(`${TARGET}/notes`, Buffer.from("mine")),
      "notes does not belong to it",
    ],
  ])("finds %s, and restores nothing of it", async (_, spoil, fault) => {
    const used = new UsedDisk();
    const bench = await used.open();
    await bench.publishAll(numbered(0, 10));
    await bench.close();
    await create(used);
    await spoil(used);
    const { faults } = await verifyBackup(used.disk, { target: TARGET, version });
    expect(faults).toEqual([expect.stringContaining(fault)]);
    await expect(restored(used)).rejects.toMatchObject({ exitCode: 1, message: expect.stringContaining(fault) });
  });

  it("refuses a target that is not empty, a backup that was not finished, and what holds no data", async () => {
    const used = new UsedDisk();
    await (await used.open()).close();
    used.disk.plant("/elsewhere/notes", Buffer.from("mine"));
    const notEmpty = { exitCode: 5, message: "/elsewhere is not empty. Use a new or empty directory." };
    await expect(create(used, NOBODY_WATCHES, "/elsewhere")).rejects.toMatchObject(notEmpty);
    await create(used);
    const options = { target: TARGET, directory: DIRECTORY, version };
    await expect(restoreBackup(used.disk, options, NOBODY_WATCHES)).rejects.toMatchObject({
      exitCode: 5,
      message: "/data is not empty. Use a new or empty directory.",
    });
    await used.disk.remove(`${TARGET}/stagemq-backup.json`);
    await expect(verifyBackup(used.disk, { target: TARGET, version })).rejects.toMatchObject({
      exitCode: 3,
      message: "/backup holds no finished backup: stagemq-backup.json is missing.",
    });
    const { disk, clock } = used;
    const nowhere = { directory: "/nowhere", target: "/other", version };
    await expect(createBackup({ disk, clock }, nowhere, NOBODY_WATCHES)).rejects.toMatchObject({
      exitCode: 3,
      message: "/nowhere is empty or does not exist.",
    });
    used.disk.plant("/notes/mine", Buffer.from("mine"));
    const notOurs = { directory: "/notes", target: "/other", version };
    await expect(createBackup({ disk, clock }, notOurs, NOBODY_WATCHES)).rejects.toMatchObject({
      exitCode: 3,
      message: "/notes holds no data of stagemq.",
    });
    for (const inside of [DIRECTORY, `${DIRECTORY}/copy`]) {
      await expect(create(used, NOBODY_WATCHES, inside)).rejects.toMatchObject({
        exitCode: 2,
        message: `${inside} lies in the data directory itself. Put the copy somewhere else.`,
      });
    }
    await create(used, NOBODY_WATCHES, `${DIRECTORY}-copy`);
  });

  it("names damaged data instead of copying it", async () => {
    const used = new UsedDisk();
    const bench = await used.open();
    const bodies = numbered(0, 10);
    await bench.publishAll(bodies);
    await bench.close();
    used.spoil(bodies[2] ?? "");
    await expect(create(used)).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/^Damaged data in \/data: segment 1, bytes .* stagemq fsck/),
    });
    expect(used.disk.paths().filter((path) => path.startsWith(TARGET))).toEqual([]);
  });

  it("DEL-14.2: a handle from after the backup fits nothing in what was restored", async () => {
    const used = new UsedDisk();
    const bench = await used.open();
    await bench.receive();
    await bench.publishAll(["0", "1"]);
    await create(used);
    const after = await bench.receive();
    const next = await (await restored(used)).open();
    expect(refusalsOf(await next.acknowledge(after))).toEqual(["expired", "expired"]);
    expect(bodiesOf(await next.receive())).toEqual(["0", "1"]);
    await bench.close();
  });
});
