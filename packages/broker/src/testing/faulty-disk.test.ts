import { describe, expect, it } from "vitest";
import { FaultyDisk } from "./faulty-disk.ts";
import { SeededRandom } from "./seeded-random.ts";

const FILE = "/data/a";

async function aDiskWithTail(seed = 1): Promise<FaultyDisk> {
  const disk = new FaultyDisk(new SeededRandom(seed));
  const file = await disk.open(FILE, "create");
  await file.append(Buffer.alloc(1_000, 1));
  await file.sync();
  await disk.syncDirectory("/data");
  await file.append(Buffer.alloc(3_000, 2));
  return disk;
}

describe("the faulty disk", () => {
  it("loses, keeps or tears at a power cut what was not synced, never what was", async () => {
    expect((await aDiskWithTail()).crash("lost").bytesOf(FILE).length).toBe(1_000);
    expect((await aDiskWithTail()).crash("kept").bytesOf(FILE)).toEqual(
      Buffer.concat([Buffer.alloc(1_000, 1), Buffer.alloc(3_000, 2)]),
    );
    const shapes = new Set<string>();
    for (let seed = 0; seed < 30; seed++) {
      const bytes = (await aDiskWithTail(seed)).crash("some").bytesOf(FILE);
      expect(bytes.subarray(0, 1_000)).toEqual(Buffer.alloc(1_000, 1));
      expect([0, 2]).toEqual(expect.arrayContaining([...new Set(bytes.subarray(1_000))]));
      shapes.add(bytes.toString("hex"));
    }
    expect(shapes.size).toBeGreaterThan(20);
  });

  it("does the same for the same seed", async () => {
    expect((await aDiskWithTail(5)).crash().bytesOf(FILE)).toEqual((await aDiskWithTail(5)).crash().bytesOf(FILE));
  });

  it("loses names that were not synced, and brings removed ones back", async () => {
    const disk = await aDiskWithTail();
    await disk.open("/data/b", "create");
    await disk.rename(FILE, "/data/c");
    expect(disk.paths()).toEqual(["/data/b", "/data/c"]);
    expect(disk.crash("lost").paths()).toEqual([FILE]);
  });

  it("loses of several names that were not synced any, whichever came first", async () => {
    const left = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const disk = await aDiskWithTail(seed);
      await disk.open("/data/b", "create");
      await disk.remove(FILE);
      await disk.open("/data/c", "create");
      left.add(disk.crash("some").paths().join(" "));
    }
    const names = (...paths: string[]): string => paths.map((path) => `/data/${path}`).join(" ");
    const all = [["a"], ["a", "b"], ["a", "c"], ["a", "b", "c"], [], ["b"], ["c"], ["b", "c"]];
    expect([...left].sort()).toEqual(all.map((paths) => names(...paths)).sort());
  });

  it("is copied without being touched by what happens to the copy", async () => {
    const disk = await aDiskWithTail();
    const copy = disk.copy(new SeededRandom(9));
    expect(copy.crash("lost").bytesOf(FILE)).toEqual(disk.bytesOf(FILE));
    await (await disk.copy(new SeededRandom(9)).open(FILE, "append")).truncate(10);
    expect(disk.bytesOf(FILE).length).toBe(4_000);
    expect(disk.isDead).toBe(false);
    expect(disk.crash("lost").bytesOf(FILE).length).toBe(1_000);
  });

  it("brings a tail back that was cut but not synced", async () => {
    const disk = await aDiskWithTail();
    await (await disk.open(FILE, "append")).truncate(10);
    expect(disk.crash("lost").bytesOf(FILE).length).toBe(1_000);
  });

  it("keeps after kill -9 what it would still lose at a power cut, and frees the lock", async () => {
    const disk = await aDiskWithTail();
    await disk.lock("/data");
    expect(await disk.lock("/data")).toMatchObject({ held: false });
    const next = disk.kill();
    expect(next.bytesOf(FILE).length).toBe(4_000);
    expect(await next.lock("/data")).toMatchObject({ held: true });
    expect(next.crash("lost").bytesOf(FILE).length).toBe(1_000);
  });

  it("drops after a failed sync what it was to keep, and then succeeds", async () => {
    const disk = await aDiskWithTail();
    const file = await disk.open(FILE, "append");
    disk.failNext("sync", "EIO");
    await expect(file.sync()).rejects.toMatchObject({ code: "EIO" });
    await file.append(Buffer.alloc(500, 3));
    await file.sync();
    const bytes = disk.crash("lost").bytesOf(FILE);
    expect([bytes.length, bytes[1_000], bytes[3_999], bytes[4_000]]).toEqual([4_500, 0, 0, 3]);
  });

  it("writes after a failed sync only what was written anew", async () => {
    const disk = await aDiskWithTail();
    const file = await disk.open(FILE, "append");
    disk.failNext("sync", "EIO");
    await expect(file.sync()).rejects.toMatchObject({ code: "EIO" });
    await file.overwrite(2_000, await file.read(2_000, 500));
    await expect(file.overwrite(3_999, Buffer.alloc(2))).rejects.toThrow(RangeError);
    await file.sync();
    const bytes = disk.crash("lost").bytesOf(FILE);
    expect([1_999, 2_000, 2_499, 2_500].map((at) => bytes[at])).toEqual([0, 2, 2, 0]);
  });

  it("fills up in the middle of a write", async () => {
    const disk = new FaultyDisk(new SeededRandom(1), { capacityBytes: 100 });
    const file = await disk.open(FILE, "create");
    await expect(file.append(Buffer.alloc(150))).rejects.toMatchObject({ code: "ENOSPC" });
    expect(await file.size()).toBe(100);
  });

  it("tells what is free, and has it again when a file is gone or shorter", async () => {
    const disk = new FaultyDisk(new SeededRandom(1), { capacityBytes: 100 });
    const file = await disk.open(FILE, "create");
    await file.append(Buffer.alloc(80));
    expect(await disk.freeBytes("/")).toBe(20);
    await file.truncate(30);
    expect(await disk.freeBytes("/")).toBe(70);
    await disk.remove(FILE);
    expect(await disk.freeBytes("/")).toBe(100);
  });

  it("answers nobody any more once the power has failed", async () => {
    const disk = await aDiskWithTail();
    disk.cutPowerAfter(1);
    const file = await disk.open(FILE, "append");
    let answered = false;
    const reading = file.read(0, 1).finally(() => {
      answered = true;
    });
    for (let turn = 0; turn < 100; turn++) await undefined;
    expect([answered, disk.isDead, reading instanceof Promise]).toEqual([false, true, true]);
  });

  it("tells a failed sync once to every description of the file, then counts the pages as clean", async () => {
    const disk = await aDiskWithTail();
    const [one, other] = [await disk.open(FILE, "append"), await disk.open(FILE, "append")];
    disk.failNext("sync", "EIO");
    await expect(one.sync()).rejects.toMatchObject({ code: "EIO" });
    await one.sync();
    await expect(other.sync()).rejects.toMatchObject({ code: "EIO" });
    await other.sync();
    expect(disk.crash("lost").bytesOf(FILE).length).toBeLessThan(4_001);
    expect(disk.crash("lost").bytesOf(FILE).includes(2)).toBe(false);
  });

  it("leaves what was read as it was, whatever happens to the file", async () => {
    const disk = await aDiskWithTail();
    const file = await disk.open(FILE, "append");
    const read = await file.read(0, 2_000);
    const before = Buffer.from(read);
    disk.flipBit(FILE, 3);
    await file.overwrite(100, Buffer.alloc(10, 9));
    await file.truncate(500);
    expect(read).toEqual(before);
  });

  it("says what was under way when the power failed", async () => {
    const disk = await aDiskWithTail();
    disk.cutPowerAt("rename");
    await disk.list("/data");
    const renamed = disk.rename(FILE, "/data/b");
    expect(await Promise.race([renamed, Promise.resolve("hangs")])).toBe("hangs");
    expect(disk.diedDuring).toBe("rename");
    expect(disk.crash().diedDuring).toBeUndefined();
  });

  it("takes as long over writes and syncs as it is told", async () => {
    const disk = await aDiskWithTail();
    const file = await disk.open(FILE, "append");
    let go = (): void => {};
    disk.slowDown(
      () =>
        new Promise<void>((resolve) => {
          go = resolve;
        }),
    );
    const synced = file.sync().then(() => "synced");
    expect(await Promise.race([synced, Promise.resolve("hangs")])).toBe("hangs");
    go();
    expect(await synced).toBe("synced");
  });

  it("is full when others take the rest, until they give it back", async () => {
    const disk = await aDiskWithTail();
    const file = await disk.open(FILE, "append");
    disk.leaveFree(10);
    await expect(file.append(Buffer.alloc(11))).rejects.toMatchObject({ code: "ENOSPC" });
    disk.leaveFree(Number.POSITIVE_INFINITY);
    await file.append(Buffer.alloc(1_000));
    expect(await disk.freeBytes("/data")).toBe(Number.POSITIVE_INFINITY);
  });
});
