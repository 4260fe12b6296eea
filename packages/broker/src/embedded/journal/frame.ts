import { crc32 } from "node:zlib";
import { type ByteWriter, UnreadableBytes } from "./binary.ts";
import type { Fact } from "./fact.ts";
import { decodeFact, encodeFact } from "./fact-codec.ts";

/**
 * One fact's bytes, so that it can be read and checked alone: checksum of all that follows, length of the fact, the fact.
 */
export const FRAME_HEADER_BYTES = 8;

/** Adds the frame of a fact. */
export function writeFrame(to: ByteWriter, fact: Fact): void {
  const start = to.at;
  to.reserve(FRAME_HEADER_BYTES);
  to.at += FRAME_HEADER_BYTES;
  encodeFact(to, fact);
  to.buffer.writeUInt32LE(to.at - start - FRAME_HEADER_BYTES, start + 4);
  to.buffer.writeUInt32LE(crc32(to.buffer.subarray(start + 4, to.at)), start);
}

/** Where the frame that begins at `start` says that it ends; that may be anywhere. */
export function endOfFrame(bytes: Buffer, start: number): number {
  return start + FRAME_HEADER_BYTES + bytes.readUInt32LE(start + 4);
}

/** Reads the fact of a frame and checks it: a body that rotted is never delivered (DUR-1). */
export function readFrame(bytes: Buffer, start: number): Fact {
  return decodeFact(bytes, start + FRAME_HEADER_BYTES, checkFrame(bytes, start));
}

/** Checks the frame that begins at `start`, but does not read its fact; returns its end. */
export function checkFrame(bytes: Buffer, start: number): number {
  if (start + FRAME_HEADER_BYTES > bytes.length) throw new UnreadableBytes("A frame is not all there.");
  const end = endOfFrame(bytes, start);
  if (end > bytes.length) throw new UnreadableBytes("A frame is not all there.");
  if (crc32(bytes.subarray(start + 4, end)) !== bytes.readUInt32LE(start)) {
    throw new UnreadableBytes("A frame does not fit its checksum.");
  }
  return end;
}
