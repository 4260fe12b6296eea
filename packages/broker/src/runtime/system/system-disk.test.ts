import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SystemDisk } from "./system-disk.ts";

let base = "";
let directory = "";

beforeEach(() => {
  base = fs.mkdtempSync(path.join(os.tmpdir(), "stagemq-test-"));
  directory = path.join(base, "shop", "data");
});

afterEach(() => {
  fs.rmSync(base, { recursive: true });
});

function modeOf(file: string): string {
  return (fs.statSync(file).mode & 0o777).toString(8);
}

function aDisk(pid = 4_711): SystemDisk {
  return new SystemDisk({ pid, uid: 1_000 });
}

/** What a broker leaves that was killed with -9: the sockets of one that nobody answers at. */
async function leaveDeadLock(name: string): Promise<void> {
  // Node unlinks the name it bound; the one it was renamed to stays.
  const server = net.createServer();
  const bound = path.join(directory, "bound");
  await new Promise<void>((resolve) => {
    server.listen(bound, resolve);
  });
  fs.renameSync(bound, path.join(directory, name));
  await new Promise((resolve) => {
    server.close(resolve);
  });
}

/** A broker that has announced itself and says `words`, each time it is asked. */
async function anotherBroker(name: string, words: () => string): Promise<{ leave(): Promise<void> }> {
  const server = net.createServer((socket) => socket.end(words()));
  await new Promise<void>((resolve) => {
    server.listen(path.join(directory, name), resolve);
  });
  const leave = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
  return { leave };
}

describe("the disk of this machine", () => {
  it("DUR-6.1: makes directories 0700 and files 0600, and mends a directory", async () => {
    const disk = aDisk();
    await disk.makeDirectory(directory);
    const file = await disk.open(path.join(directory, "a"), "create");
    await file.close();
    expect([modeOf(path.dirname(directory)), modeOf(directory), modeOf(path.join(directory, "a"))]).toEqual([
      "700",
      "700",
      "600",
    ]);
    fs.chmodSync(directory, 0o755);
    await disk.makeDirectory(directory);
    await disk.restrict(directory);
    expect(modeOf(directory)).toBe("700");
  });

  it("says whether it made a directory, and removes one only while nothing is in it", async () => {
    const disk = aDisk();
    expect([await disk.makeDirectory(directory), await disk.makeDirectory(directory)]).toEqual([true, false]);
    fs.writeFileSync(path.join(directory, "a"), "");
    await disk.removeDirectory(directory);
    expect(fs.readdirSync(directory)).toEqual(["a"]);
    await disk.remove(path.join(directory, "a"));
    await disk.removeDirectory(directory);
    await disk.removeDirectory(directory);
    expect(fs.existsSync(directory)).toBe(false);
  });

  it("makes a directory's name last before another is made in it, whoever made it", async () => {
    const disk = aDisk();
    const synced: string[] = [];
    vi.spyOn(disk, "syncDirectory").mockImplementation(async (place) => {
      synced.push(`${path.relative(base, place)}: ${fs.readdirSync(place).join()}`);
    });
    fs.mkdirSync(path.dirname(directory));
    await disk.makeDirectory(path.join(directory, "shelf"));
    // What a killed start made is as good as unsynced.
    await disk.makeDirectory(path.join(directory, "shelf"));
    expect(synced).toEqual([": shop", "shop: data", "shop/data: shelf", "shop/data: shelf"]);
  });

  it("minds no directory above that it may not read, if it makes nothing there", async () => {
    const disk = aDisk();
    fs.mkdirSync(directory, { recursive: true });
    const refused = Object.assign(new Error("EACCES"), { code: "EACCES" });
    vi.spyOn(disk, "syncDirectory").mockRejectedValue(refused);
    await disk.makeDirectory(directory);
    await expect(disk.makeDirectory(path.join(directory, "a"))).rejects.toBe(refused);
  });

  it("appends, reads, cuts and syncs a file", async () => {
    const disk = aDisk();
    await disk.makeDirectory(directory);
    const name = path.join(directory, "a");
    const made = await disk.open(name, "create");
    await made.append(Buffer.from("hello "));
    await made.append(Buffer.from("world"));
    await made.sync();
    expect([await made.size(), String(await made.read(6, 100)), String(await made.read(99, 5))]).toEqual([
      11,
      "world",
      "",
    ]);
    await made.close();
    await made.close();
    const again = await disk.open(name, "append");
    await again.truncate(5);
    await again.append(Buffer.from("!"));
    expect(String(await again.read(0, 20))).toBe("hello!");
    await again.overwrite(1, Buffer.from("i"));
    await again.append(Buffer.from("?"));
    expect(String(await again.read(0, 20))).toBe("hillo!?");
    await again.truncate(6);
    await again.close();
    await disk.syncDirectory(directory);
    expect(await disk.stat(name)).toMatchObject({ bytes: 6 });
    await expect(disk.open(name, "create")).rejects.toMatchObject({ code: "EEXIST" });
    await expect(disk.open(path.join(directory, "b"), "append")).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("lists names in order, of an absent directory none; removes what is not there", async () => {
    const disk = aDisk();
    expect(await disk.list(directory)).toEqual([]);
    await disk.makeDirectory(directory);
    for (const name of ["b", "a"]) await (await disk.open(path.join(directory, name), "create")).close();
    await disk.rename(path.join(directory, "b"), path.join(directory, "c"));
    await disk.remove(path.join(directory, "nothing"));
    expect(await disk.list(directory)).toEqual(["a", "c"]);
  });

  it("tells whose a directory is, or the one above it that is there", async () => {
    expect(await aDisk().ownership(directory)).toEqual({ owner: fs.statSync(base).uid, self: 1_000 });
    expect(await new SystemDisk({ pid: 1 }).ownership(directory)).toBeUndefined();
  });
});

describe("DUR-4: the lock", () => {
  beforeEach(() => {
    fs.mkdirSync(directory, { recursive: true });
  });

  it("DUR-4.2: is refused with the holder's pid while it is held, and free at once afterwards", async () => {
    const first = await aDisk(17).lock(directory);
    expect(await aDisk(18).lock(directory)).toEqual({ held: false, pid: 17 });
    if (first.held) await first.release();
    const second = await aDisk(18).lock(directory);
    expect(second.held).toBe(true);
    if (second.held) await second.release();
    expect(fs.readdirSync(directory)).toEqual([]);
  });

  it.each([2, 4])(
    "DUR-4.1: of %d that start at once over what a killed holder left, exactly one has it",
    async (starters) => {
      for (let round = 0; round < 5; round++) {
        await leaveDeadLock("lock-0123456789abcdef");
        fs.writeFileSync(path.join(directory, "new-lock-0123456789abcdef"), "");
        const locks = await Promise.all(Array.from({ length: starters }, (_, pid) => aDisk(pid).lock(directory)));
        const holder = locks.findIndex(({ held }) => held);
        expect(locks.filter(({ held }) => held)).toHaveLength(1);
        expect(fs.readdirSync(directory)).toHaveLength(1);
        expect(await aDisk(99).lock(directory)).toEqual({ held: false, pid: holder });
        for (const lock of locks) if (lock.held) await lock.release();
      }
    },
  );

  it("DUR-4.2: who gives way to one that gives way itself is told who holds in the end", async () => {
    let asked = 0;
    const inBetween = await anotherBroker("lock-0000000000000000", () =>
      asked++ < 2 ? "starting 17\n" : "holding 18\n",
    );
    expect(await aDisk(19).lock(directory)).toEqual({ held: false, pid: 18 });
    await inBetween.leave();
  });

  it("DUR-4.1: who gives way to one that is gone before it holds tries again, and holds", async () => {
    const passing = await anotherBroker("lock-0000000000000000", () => {
      fs.rmSync(path.join(directory, "lock-0000000000000000"));
      return "starting 17\n";
    });
    const lock = await aDisk(19).lock(directory);
    expect(lock.held).toBe(true);
    if (lock.held) await lock.release();
    await passing.leave();
  });

  it("tells what may still be written under a directory", async () => {
    const free = await aDisk(1).freeBytes(directory);
    const { bavail, bsize } = fs.statfsSync(directory);
    expect(free).toBeGreaterThan(0);
    expect(free).toBeLessThanOrEqual((bavail + 2 ** 22) * bsize);
  });

  it("DUR-4.1: holds in a directory whose path is longer than a socket's may be", async () => {
    const deep = path.join(base, "d".repeat(Math.max(120 - base.length - 1, 60)));
    fs.mkdirSync(deep);
    // Other tests take such locks at the same time: what leads to this directory must not be left.
    const leadsThere = (name: string): boolean => {
      try {
        const shelter = path.join(os.tmpdir(), name);
        return fs.readdirSync(shelter).some((link) => fs.readlinkSync(path.join(shelter, link)) === deep);
      } catch {
        return false;
      }
    };
    const shelters = () => fs.readdirSync(os.tmpdir()).filter((name) => name.startsWith("stagemq-lock-"));
    await Promise.all([aDisk(1).lock(deep), aDisk(2).lock(deep), aDisk(3).lock(deep)]).then(async (locks) => {
      expect(locks.filter(({ held }) => held)).toHaveLength(1);
      expect(fs.readdirSync(deep)).toHaveLength(1);
      for (const lock of locks) if (lock.held) await lock.release();
    });
    expect(shelters().filter(leadsThere)).toEqual([]);
  });
});
