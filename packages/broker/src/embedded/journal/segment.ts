import { crc32 } from "node:zlib";
import type { Position } from "./fact.ts";

/** The bytes of a segment: a header, then frame groups, each a header and its frames. Nothing here reads or writes a file. */

const MAGIC = Buffer.from("stagemq\u0001", "latin1");

export const SEGMENT_HEADER_BYTES = 36;
export const GROUP_HEADER_BYTES = 32;

export interface SegmentHeader {
  /** From 1, without a gap. */
  readonly number: number;
  /** Position of the segment's first byte: where the one before it ends. */
  readonly base: Position;
  /** Sequence number of the first group in it. */
  readonly sequence: number;
  /** Checksum of the last group of the segment before it; 0 in the first. */
  readonly previous: number;
  /** Drawn; seeds the checksums of its group headers, so that no message body can pass for one (DUR-1). */
  readonly seed: number;
}

export interface GroupHeader {
  /** Length of its frames. */
  readonly length: number;
  /** Checksum of its frames. */
  readonly frames: number;
  /** One more than that of the group before it. */
  readonly sequence: number;
  /** Every byte before this position was on disk when the header was written. */
  readonly syncedTo: Position;
  /** Checksum of the group before it. */
  readonly previous: number;
}

export function segmentName(number: number): string {
  return `${String(number).padStart(8, "0")}.seg`;
}

/** The number of a segment by its file's name; of anything else undefined. */
export function parseSegmentName(name: string): number | undefined {
  return /^\d{8}\.seg$/.test(name) ? Number.parseInt(name, 10) : undefined;
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(header.number, 8);
  bytes.writeUIntLE(header.base, 12, 6);
  bytes.writeUIntLE(header.sequence, 18, 6);
  bytes.writeUInt32LE(header.previous, 24);
  bytes.writeUInt32LE(header.seed, 28);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 32)), 32);
  return bytes;
}

export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  if (crc32(bytes.subarray(0, 32)) !== bytes.readUInt32LE(32)) return undefined;
  return {
    number: bytes.readUInt32LE(8),
    base: bytes.readUIntLE(12, 6),
    sequence: bytes.readUIntLE(18, 6),
    previous: bytes.readUInt32LE(24),
    seed: bytes.readUInt32LE(28),
  };
}

/** Where a group stands: what its header's checksum depends on beside the header. */
export interface GroupPlace {
  readonly seed: number;
  readonly position: Position;
}

/** Writes a group's header to the head of its bytes and returns the group's checksum. */
export function encodeGroupHeader(bytes: Buffer, place: GroupPlace, header: GroupHeader): number {
  bytes.writeUInt32LE(header.length, 4);
  bytes.writeUInt32LE(header.frames, 8);
  bytes.writeUIntLE(header.sequence, 12, 6);
  bytes.writeUIntLE(header.syncedTo, 18, 6);
  bytes.writeUInt32LE(header.previous, 24);
  bytes.writeUInt32LE(0, 28);
  const checksum = groupChecksum(bytes, 0, place);
  bytes.writeUInt32LE(checksum, 0);
  return checksum;
}

/** The group header at `at`, with the group's checksum, if there is one that holds. */
export function decodeGroupHeader(
  bytes: Buffer,
  at: number,
  place: GroupPlace,
): (GroupHeader & { readonly checksum: number }) | undefined {
  if (at + GROUP_HEADER_BYTES > bytes.length) return undefined;
  const syncedTo = bytes.readUIntLE(at + 18, 6);
  // The cheap test first: a search asks this at every byte.
  if (syncedTo > place.position) return undefined;
  const checksum = bytes.readUInt32LE(at);
  if (checksum !== groupChecksum(bytes, at, place)) return undefined;
  return {
    length: bytes.readUInt32LE(at + 4),
    frames: bytes.readUInt32LE(at + 8),
    sequence: bytes.readUIntLE(at + 12, 6),
    syncedTo,
    previous: bytes.readUInt32LE(at + 24),
    checksum,
  };
}

/** Also of the place: a true header is no header anywhere else. */
export function groupChecksum(bytes: Buffer, at: number, { seed, position }: GroupPlace): number {
  PLACE.writeUIntLE(position, 0, 6);
  return crc32(bytes.subarray(at + 4, at + GROUP_HEADER_BYTES), crc32(PLACE, seed));
}

const PLACE = Buffer.alloc(6);
