import { crc32 } from "node:zlib";
import type { DiskFile } from "../../runtime/disk.ts";
import { findHeaders } from "../journal/find-headers.ts";
import type { ChainLink } from "../journal/group-reader.ts";
import { GROUP_HEADER_BYTES, type SegmentHeader } from "../journal/segment.ts";

interface Behind {
  /** The first group that holds. */
  readonly next: { readonly offset: number; readonly link: ChainLink } | undefined;
  /** Whether a header says that the bad bytes were on disk (DUR-1). */
  readonly isConfirmed: boolean;
}

/** Looks behind bad bytes for where the journal goes on, and for who knows of them. */
export async function searchBehind(
  segment: { readonly header: SegmentHeader; readonly file: DiskFile; readonly bytes: number },
  bad: number,
): Promise<Behind> {
  const { file, bytes } = segment;
  let next: Behind["next"];
  let isConfirmed = false;
  for await (const { offset, header } of findHeaders(segment, bad)) {
    if (header.syncedTo > segment.header.base + bad) isConfirmed = true;
    if (next === undefined && offset + GROUP_HEADER_BYTES + header.length <= bytes) {
      const frames = await file.read(offset + GROUP_HEADER_BYTES, header.length);
      const isSound = crc32(frames) === header.frames;
      if (isSound) next = { offset, link: { sequence: header.sequence, previous: header.previous } };
    }
    if (next && isConfirmed) break;
  }
  return { next, isConfirmed };
}
