import type { Disk } from "../../runtime/disk.ts";
import type { Position } from "./fact.ts";
import type { ChainLink } from "./group-reader.ts";
import { decodeGroupHeader, GROUP_HEADER_BYTES, type SegmentHeader, segmentName } from "./segment.ts";
import type { SnapshotHeader } from "./snapshot-file.ts";

/**
 * Decision 8: a snapshot is worth nothing without the very group that it goes on from. Where it begins, if it stands in this segment,
 * and how it is chained.
 */
export async function findGroupOf(
  { position, group }: SnapshotHeader,
  segment: SegmentHeader,
  disk: Disk,
  directory: string,
): Promise<{ readonly end: Position; readonly link: ChainLink } | undefined> {
  const end = segment.base + group.offset;
  if (end >= position) return undefined;
  const file = await disk.open(`${directory}/${segmentName(segment.number)}`, "read");
  try {
    const bytes = await file.read(group.offset, GROUP_HEADER_BYTES);
    const header = decodeGroupHeader(bytes, 0, { seed: segment.seed, position: end });
    if (header?.sequence !== group.sequence || header.checksum !== group.checksum) return undefined;
    return { end, link: { sequence: header.sequence, previous: header.previous } };
  } finally {
    await file.close();
  }
}
