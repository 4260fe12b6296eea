import { describe, expect, it } from "vitest";
import type { Disk, DiskFile } from "../../runtime/disk.ts";
import { FaultyDisk } from "../../testing/faulty-disk.ts";
import { SeededRandom } from "../../testing/seeded-random.ts";
import { UnreadableBytes } from "./binary.ts";
import {
  checkSnapshot,
  isUnfinishedSnapshot,
  parseSnapshotName,
  readSnapshot,
  readSnapshotHeader,
  type SnapshotHeader,
  snapshotName,
  unfinishedSnapshotName,
  writeSnapshot,
} from "./snapshot-file.ts";

const PATH = "/data/000000000000777.snap";
const HEADER: SnapshotHeader = {
  position: 777,
  group: { segment: 3, offset: 36, sequence: 12, checksum: 0xdeadbeef },
};
const HEADER_BYTES = 38;
const append = (file: DiskFile, bytes: Uint8Array): Promise<void> => file.append(bytes);

async function* slices(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

async function aDiskWith(...texts: readonly string[]): Promise<FaultyDisk> {
  const disk = new FaultyDisk(new SeededRandom(1));
  await writeSnapshot(disk, PATH, { header: HEADER, state: slices(...texts), append });
  return disk;
}

async function textsOf(disk: Disk): Promise<string[]> {
  const texts: string[] = [];
  for await (const slice of readSnapshot(disk, PATH)) texts.push(Buffer.from(slice).toString());
  return texts;
}

describe("a snapshot file", () => {
  it("gives back header and slices as they came, without empty ones", async () => {
    const disk = await aDiskWith("one", "", "x".repeat(300_000), "three");
    expect(await readSnapshotHeader(disk, PATH)).toEqual(HEADER);
    expect(await textsOf(disk)).toEqual(["one", "x".repeat(300_000), "three"]);
    expect(await textsOf(await aDiskWith())).toEqual([]);
  });

  it("is on disk when it is written", async () => {
    const disk = await aDiskWith("one", "two");
    await disk.syncDirectory("/data");
    expect(await textsOf(disk.crash("lost"))).toEqual(["one", "two"]);
  });

  it("is synced every few MiB on the way, so that the disk never has much to write at once", async () => {
    const disk = await aDiskWith(...Array.from({ length: 50 }, () => "x".repeat(256 * 1_024)));
    expect(disk.counts.syncs).toBe(4);
  });

  it("does not hold with any byte spoilt, lost or added", async () => {
    const whole = (await aDiskWith("one", "two")).bytesOf(PATH);
    const disk = await aDiskWith();
    const check = async (bytes: Uint8Array): Promise<void> => {
      disk.plant(PATH, bytes);
      await checkSnapshot(disk, PATH);
    };
    await check(whole);
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const spoilt = Buffer.from(whole);
      spoilt[bit >> 3] = (spoilt[bit >> 3] as number) ^ (1 << (bit & 7));
      await expect(check(spoilt), `bit ${bit}`).rejects.toThrow(UnreadableBytes);
    }
    for (let length = 0; length < whole.length; length++) {
      await expect(check(whole.subarray(0, length)), `${length} bytes`).rejects.toThrow(UnreadableBytes);
    }
    await expect(check(Buffer.concat([whole, Buffer.alloc(8)]))).rejects.toThrow(UnreadableBytes);
  });

  it("does not hold with a slice missing, twice, elsewhere or of another snapshot", async () => {
    const whole = (await aDiskWith("aaa", "bbb", "ccc")).bytesOf(PATH);
    const other = (await aDiskWith("axa", "bbb", "ccc")).bytesOf(PATH);
    const part = (bytes: Buffer, index: number) =>
      bytes.subarray(HEADER_BYTES + index * 11, HEADER_BYTES + index * 11 + 11);
    const [a, b, c] = [0, 1, 2].map((index) => part(whole, index)) as [Buffer, Buffer, Buffer];
    const [head, mark] = [whole.subarray(0, HEADER_BYTES), whole.subarray(HEADER_BYTES + 33)];
    const disk = await aDiskWith();
    const check = async (...parts: readonly Buffer[]): Promise<void> => {
      disk.plant(PATH, Buffer.concat([head, ...parts, mark]));
      await checkSnapshot(disk, PATH);
    };
    await check(a, b, c);
    for (const parts of [
      [a, c],
      [a, b, b, c],
      [a, c, b],
      [a, part(other, 1), c],
      [a, b],
    ]) {
      await expect(check(...parts)).rejects.toThrow(UnreadableBytes);
    }
  });

  it("takes no slice that would not fit in memory when it is read back", async () => {
    const disk = new FaultyDisk(new SeededRandom(1));
    const state = slices("x".repeat(16 * 1_024 * 1_024 + 1));
    await expect(writeSnapshot(disk, PATH, { header: HEADER, state, append })).rejects.toThrow(RangeError);
  });

  it("is named by its position", () => {
    expect(snapshotName(777)).toBe("000000000000777.snap");
    expect(parseSnapshotName("000000000000777.snap")).toBe(777);
    for (const name of ["777.snap", "000000000000777.snap.new", "00000001.seg"]) {
      expect(parseSnapshotName(name)).toBeUndefined();
    }
    expect(isUnfinishedSnapshot(unfinishedSnapshotName(777))).toBe(true);
    for (const name of ["000000000000777.snap", "777.snap.new", "stagemq-data.json.new"]) {
      expect(isUnfinishedSnapshot(name)).toBe(false);
    }
  });
});
