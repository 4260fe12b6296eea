import { crc32 } from "node:zlib";
import type { Disk } from "../../runtime/disk.ts";
import type { Position } from "../journal/fact.ts";
import { FRAME_HEADER_BYTES } from "../journal/frame.ts";
import type { ChainLink } from "../journal/group-reader.ts";
import {
  decodeGroupHeader,
  encodeGroupHeader,
  encodeSegmentHeader,
  GROUP_HEADER_BYTES,
  groupChecksum,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from "../journal/segment.ts";
import { solveChecksum } from "./solve-checksum.ts";

/**
 * Puts groups without facts where damaged ones stood, so that the chain holds again: a scrub finds nothing, and a replay that
 * needs what stood there is refused, since what stands there now is of a kind that nobody knows.
 */

/** In its place 0 stands: no fact has this kind. */
const FILLER_BYTES = FRAME_HEADER_BYTES + 2;
const VERSION = 1;

/** Damaged bytes of a segment, between two sound places of the chain. */
export interface Gap {
  readonly header: SegmentHeader;
  /** Offsets in the segment. */
  readonly from: number;
  readonly to: number;
  /** What the first group in it is to say of itself, and the first one behind it does. */
  readonly link: ChainLink;
  readonly next: ChainLink;
}

/** Old segments of which nothing can be read, or that are missing, one behind the other. */
export interface UnreadableRun {
  readonly first: number;
  readonly last: number;
  /** Where the first one began, and what its first group was to say; undefined where what is before it cannot be read either. */
  readonly base: Position | undefined;
  readonly link: ChainLink | undefined;
  /** Where the segment behind them begins, and what its first group says. */
  readonly to: Position;
  readonly next: ChainLink;
}

/** New segments for those, with `draw` for their seeds: all but the last one without a group. Undefined where there is no way. */
export function segmentsFor(
  run: UnreadableRun,
  draw: () => number,
): { header: SegmentHeader; bytes: Buffer }[] | undefined {
  const { first, last, base, link, to, next } = run;
  if (base === undefined || link === undefined) return undefined;
  const segments: { header: SegmentHeader; bytes: Buffer }[] = [];
  for (let number = first; number <= last; number++) {
    const header = { number, base: base + (number - first) * SEGMENT_HEADER_BYTES, ...link, seed: draw() };
    const gap = { header, from: SEGMENT_HEADER_BYTES, to: to - header.base, link, next };
    const isEmpty = number < last || gap.to === gap.from;
    if (!isEmpty && !canBeFilled(gap)) return undefined;
    const filling = isEmpty ? Buffer.alloc(0) : fillingOf(gap);
    segments.push({ header, bytes: Buffer.concat([encodeSegmentHeader(header), filling]) });
  }
  return segments;
}

/** Whether groups without facts can stand there: there must be at least one, and room for each. */
export function canBeFilled({ from, to, link, next }: Gap): boolean {
  const count = next.sequence - link.sequence;
  const spare = to - from - count * GROUP_HEADER_BYTES;
  return count > 0 && (spare === 0 || spare >= FILLER_BYTES);
}

/** The bytes that fill a gap: as many groups as there were, so that the sequence goes on. */
export function fillingOf({ header: { base, seed }, from, to, link, next }: Gap): Buffer {
  const count = next.sequence - link.sequence;
  const filling = Buffer.alloc(to - from);
  const average = Math.floor((to - from) / count);
  // Of like size, so that no reader needs much memory at once.
  const usual = average - GROUP_HEADER_BYTES >= FILLER_BYTES ? average : GROUP_HEADER_BYTES;
  let { previous } = link;
  for (let index = 0; index < count; index++) {
    const isLast = index === count - 1;
    const at = index * usual;
    const group = filling.subarray(at, isLast ? filling.length : at + usual);
    const place = { seed, position: base + from + at };
    writeFiller(group);
    const header = {
      length: group.length - GROUP_HEADER_BYTES,
      frames: crc32(group.subarray(GROUP_HEADER_BYTES)),
      sequence: link.sequence + index,
      syncedTo: base + from,
      previous,
    };
    previous = encodeGroupHeader(group, place, header);
    if (isLast) forge(group, place, next.previous);
  }
  return filling;
}

/** Four bytes of a group header say nothing: they make its checksum what the next group says that it is. */
function forge(group: Buffer, place: { readonly seed: number; readonly position: Position }, checksum: number): void {
  const checksumWith = (bits: number): number => {
    group.writeUInt32LE(bits, GROUP_HEADER_BYTES - 4);
    return groupChecksum(group, 0, place);
  };
  checksumWith(solveChecksum(checksumWith, checksum));
  group.writeUInt32LE(checksum, 0);
}

function writeFiller(group: Buffer): void {
  const frame = group.subarray(GROUP_HEADER_BYTES);
  if (frame.length === 0) return;
  frame.writeUInt32LE(frame.length - FRAME_HEADER_BYTES, 4);
  frame[FRAME_HEADER_BYTES] = VERSION;
  frame.writeUInt32LE(crc32(frame.subarray(4)), 0);
}

/** Whether this frame is such a filling. */
export function isFiller(bytes: Buffer, frame: number): boolean {
  return bytes[frame + FRAME_HEADER_BYTES + 1] === 0;
}

/** Writes over the bytes of a gap, or behind the end of a segment that has lost it. */
export async function fillGap(disk: Disk, path: string, gap: Gap): Promise<void> {
  const file = await disk.open(path, "append");
  try {
    const filling = fillingOf(gap);
    if (gap.to <= (await file.size())) {
      await file.overwrite(gap.from, filling);
    } else {
      await file.truncate(gap.from);
      await file.append(filling);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * A segment's header as it must have been: all of it is known from the segment before, but for the seed, which the checksum of
 * the first group gives away. Undefined where that group does not confirm it. `bytes` begin with the segment.
 */
export function recoverHeader(bytes: Buffer, known: Omit<SegmentHeader, "seed">): SegmentHeader | undefined {
  const at = SEGMENT_HEADER_BYTES;
  if (bytes.length < at + GROUP_HEADER_BYTES) return undefined;
  const position = known.base + at;
  const checksumWith = (seed: number): number => groupChecksum(bytes, at, { seed, position });
  const seed = solveChecksum(checksumWith, bytes.readUInt32LE(at));
  const group = decodeGroupHeader(bytes, at, { seed, position });
  if (group?.sequence !== known.sequence || group.previous !== known.previous) return undefined;
  const frames = bytes.subarray(at + GROUP_HEADER_BYTES, at + GROUP_HEADER_BYTES + group.length);
  return frames.length === group.length && crc32(frames) === group.frames ? { ...known, seed } : undefined;
}

export async function writeHeader(disk: Disk, path: string, header: SegmentHeader): Promise<void> {
  const file = await disk.open(path, "append");
  try {
    await file.overwrite(0, encodeSegmentHeader(header));
    await file.sync();
  } finally {
    await file.close();
  }
}
