import type { DiskFile } from "../../runtime/disk.ts";
import { UnreadableBytes } from "./binary.ts";
import { describeBytes } from "./damaged-journal.ts";
import { checkFrame } from "./frame.ts";
import { type ChainLink, GroupReader, type ReadGroup } from "./group-reader.ts";
import { encodeSegmentHeader, GROUP_HEADER_BYTES, SEGMENT_HEADER_BYTES, type SegmentHeader } from "./segment.ts";
import type { GroupReference } from "./snapshot-file.ts";

/** A segment as it has to be: what its header said at the start, and what the next one's says of its end. */
export interface SoundSegment {
  readonly header: SegmentHeader;
  readonly file: Pick<DiskFile, "read">;
  readonly bytes: number;
  /** The first group behind it, unless it is the newest one. */
  readonly next?: ChainLink | undefined;
}

/** Reads a whole segment again and checks its header, every group, every frame and the chain; throws what it finds. */
export async function scrubSegment(segment: SoundSegment): Promise<void> {
  const { header, file, bytes, next } = segment;
  if (!(await file.read(0, SEGMENT_HEADER_BYTES)).equals(encodeSegmentHeader(header))) {
    throw new UnreadableBytes(describeBytes(header.number, 0, SEGMENT_HEADER_BYTES));
  }
  const link = { sequence: header.sequence, previous: header.previous };
  const reader = new GroupReader(segment, { from: SEGMENT_HEADER_BYTES, to: bytes, link });
  while (!reader.isAtEnd) {
    const group = reader.next();
    if (group === undefined) await reader.load();
    else if (group.sort === "bad") throw new UnreadableBytes(describeBytes(header.number, group.offset, group.end));
    else checkFrames(header.number, group);
  }
  if (next && (next.sequence !== reader.link.sequence || next.previous !== reader.link.previous)) {
    throw new UnreadableBytes(`${describeBytes(header.number, 0, bytes)}, do not lead to the segment after it`);
  }
}

function checkFrames(segment: number, { bytes, offset }: ReadGroup): void {
  for (let at = GROUP_HEADER_BYTES; at < bytes.length; ) {
    try {
      at = checkFrame(bytes, at);
    } catch {
      throw new UnreadableBytes(describeBytes(segment, offset + at, offset + bytes.length));
    }
  }
}

/** The newest group that begins before the offset `end`: what a snapshot of all before it goes on from. */
export async function findGroupBefore(segment: SoundSegment, end: number): Promise<GroupReference | undefined> {
  const { header, bytes } = segment;
  const link = { sequence: header.sequence, previous: header.previous };
  const reader = new GroupReader(segment, { from: SEGMENT_HEADER_BYTES, to: bytes, link });
  let last: GroupReference | undefined;
  while (!reader.isAtEnd && reader.offset < end) {
    const group = reader.next();
    if (group === undefined) await reader.load();
    else if (group.sort === "bad") throw new UnreadableBytes(describeBytes(header.number, group.offset, group.end));
    else {
      const { sequence, checksum } = group.header;
      last = { segment: header.number, offset: group.offset, sequence, checksum };
    }
  }
  return last;
}
