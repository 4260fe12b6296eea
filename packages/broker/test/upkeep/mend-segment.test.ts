import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { GroupReader } from "../../src/embedded/journal/group-reader.ts";
import { scrubSegment } from "../../src/embedded/journal/scrub-segment.ts";
import { decodeSegmentHeader, SEGMENT_HEADER_BYTES } from "../../src/embedded/journal/segment.ts";
import { canBeFilled, fillGap, fillingOf, recoverHeader } from "../../src/embedded/upkeep/mend-segment.ts";
import { solveChecksum } from "../../src/embedded/upkeep/solve-checksum.ts";
import { FaultyDisk } from "../../src/testing/faulty-disk.ts";
import { aFact, aWorld, FIRST_SEGMENT, openJournal } from "../journal/open-journal.ts";

/** A segment of twenty groups, and where each of them stands. */
async function aSegment() {
  const world = aWorld();
  const disk = new FaultyDisk(world.random);
  const { journal } = await openJournal(world, disk);
  for (let number = 0; number < 20; number++) await journal.synced(journal.append([aFact(number)])[0] ?? 0);
  await journal.close();
  const bytes = disk.bytesOf(FIRST_SEGMENT);
  const header = decodeSegmentHeader(bytes);
  if (header === undefined) throw new Error("it has no header");
  const file = await disk.open(FIRST_SEGMENT, "read");
  const link = { sequence: header.sequence, previous: header.previous };
  const reader = new GroupReader({ header, file }, { from: SEGMENT_HEADER_BYTES, to: bytes.length, link });
  const groups: { readonly offset: number; readonly link: typeof link }[] = [];
  await reader.load();
  while (!reader.isAtEnd) {
    groups.push({ offset: reader.offset, link: reader.link });
    if (reader.next() === undefined) await reader.load();
  }
  return { disk, header, groups, bytes, file };
}

describe("mending a segment", () => {
  it("DUR-1.3: fills one group, or several, so that a scrub finds the chain whole", async () => {
    for (const [first, last] of [
      [3, 4],
      [0, 1],
      [5, 12],
    ] as const) {
      const { disk, header, groups, bytes, file } = await aSegment();
      const [from, to] = [groups[first], groups[last]];
      if (from === undefined || to === undefined) throw new Error("there are too few groups");
      const gap = { header, from: from.offset, to: to.offset, link: from.link, next: to.link };
      disk.flipBit(FIRST_SEGMENT, (from.offset + 50) * 8);
      await expect(scrubSegment({ header, file, bytes: bytes.length })).rejects.toThrow("bytes");
      expect(canBeFilled(gap)).toBe(true);
      await fillGap(disk, FIRST_SEGMENT, gap);
      await scrubSegment({ header, file, bytes: bytes.length });
      const mended = disk.bytesOf(FIRST_SEGMENT);
      expect(mended.length).toBe(bytes.length);
      expect(mended.subarray(to.offset).equals(bytes.subarray(to.offset))).toBe(true);
    }
  });

  it("DUR-1.3: stops a start that needs what was given up", async () => {
    const { disk, header, groups } = await aSegment();
    const [from, to] = groups.slice(3);
    if (from === undefined || to === undefined) throw new Error("there are too few groups");
    await fillGap(disk, FIRST_SEGMENT, { header, from: from.offset, to: to.offset, link: from.link, next: to.link });
    await expect(openJournal(aWorld(), disk)).rejects.toThrow("Damaged data");
  });

  it("does not fill where there is no room for as many groups as there were", async () => {
    const { header, groups } = await aSegment();
    const [from, to] = groups.slice(3);
    if (from === undefined || to === undefined) throw new Error("there are too few groups");
    const gap = { header, from: from.offset, to: from.offset + 64, link: from.link, next: to.link };
    expect(canBeFilled(gap)).toBe(true);
    expect(canBeFilled({ ...gap, to: from.offset + 33 })).toBe(false);
    expect(canBeFilled({ ...gap, next: from.link })).toBe(false);
    expect(fillingOf({ ...gap, to: from.offset + 32 })).toHaveLength(32);
  });

  it("DUR-1.3: tells a segment's head from its first group, and does not guess it from another", async () => {
    const { header, bytes } = await aSegment();
    const { seed: _, ...known } = header;
    const headless = Buffer.from(bytes);
    headless.fill(0, 0, SEGMENT_HEADER_BYTES);
    expect(recoverHeader(headless, known)).toEqual(header);
    expect(recoverHeader(headless, { ...known, sequence: 1 })).toBeUndefined();
    headless[SEGMENT_HEADER_BYTES + 40] = 0xff;
    expect(recoverHeader(headless, known)).toBeUndefined();
  });

  it("solves for any checksum, wherever the bits stand", () => {
    const bytes = Buffer.from("some bytes of which four are free");
    for (const [at, target] of [
      [0, 0],
      [5, 0xffff_ffff],
      [29, 0x1234_5678],
    ] as const) {
      const checksumWith = (bits: number): number => {
        bytes.writeUInt32LE(bits, at);
        return crc32(bytes);
      };
      expect(checksumWith(solveChecksum(checksumWith, target))).toBe(target);
    }
  });
});
