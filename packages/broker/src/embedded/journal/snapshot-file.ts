import { crc32 } from "node:zlib";
import { grouped } from "../../domain/grouped.ts";
import { MIB } from "../../domain/size.ts";
import type { Disk, DiskFile } from "../../runtime/disk.ts";
import { UnreadableBytes } from "./binary.ts";
import type { Position } from "./fact.ts";

/**
 * The bytes of a snapshot: a header, the slices of a state that it does not look into, an end mark. Each checksum is seeded
 * with the one before it, so that no slice can be missing, stand elsewhere or come from another snapshot.
 */

/** The last byte is the version of this form. */
const MAGIC = Buffer.from("stagesn\u0001", "latin1");
const HEADER_BYTES = 38;
const SLICE_HEADER_BYTES = 8;
const MAX_SLICE_BYTES = 16 * MIB;
/** So that the disk never has much to write at once while journal syncs wait for it. */
const SYNC_EVERY_BYTES = 4 * MIB;

/** Which group of the journal a snapshot goes on from: the one with the newest fact that it contains. */
export interface GroupReference {
  readonly segment: number;
  /** Offset of the group in the segment. */
  readonly offset: number;
  readonly sequence: number;
  readonly checksum: number;
}

export interface SnapshotHeader {
  /** The state is the sum of all facts before it. */
  readonly position: Position;
  readonly group: GroupReference;
}

export interface SnapshotToWrite {
  readonly header: SnapshotHeader;
  readonly state: AsyncIterable<Uint8Array>;
  /** Sees to it that there is space. */
  readonly append: (file: DiskFile, bytes: Uint8Array) => Promise<void>;
}

export function snapshotName(position: Position): string {
  return `${String(position).padStart(15, "0")}.snap`;
}

/** What is being written. */
export function unfinishedSnapshotName(position: Position): string {
  return `${snapshotName(position)}.new`;
}

/** The position of a snapshot by its file's name; of anything else undefined. */
export function parseSnapshotName(name: string): Position | undefined {
  return /^\d{15}\.snap$/.test(name) ? Number.parseInt(name, 10) : undefined;
}

export function isUnfinishedSnapshot(name: string): boolean {
  return name.endsWith(".new") && parseSnapshotName(name.slice(0, -".new".length)) !== undefined;
}

/** Writes a new file, with `append`, and syncs it; its name is for the caller to sync. */
export async function writeSnapshot(
  disk: Disk,
  path: string,
  { header, state, append }: SnapshotToWrite,
): Promise<void> {
  const file = await disk.open(path, "create");
  try {
    const headerBytes = encodeHeader(header);
    await append(file, headerBytes);
    let checksum = headerBytes.readUInt32LE(HEADER_BYTES - 4);
    let unsyncedBytes = 0;
    for await (const slice of state) {
      if (slice.length === 0) continue; // it would be the end mark
      if (slice.length > MAX_SLICE_BYTES) throw new RangeError(`A slice of ${slice.length} bytes is too large.`);
      const bytes = encodeSlice(slice, checksum);
      checksum = bytes.readUInt32LE(0);
      await append(file, bytes);
      unsyncedBytes += bytes.length;
      if (unsyncedBytes < SYNC_EVERY_BYTES) continue;
      await file.sync();
      unsyncedBytes = 0;
    }
    await append(file, encodeSlice(new Uint8Array(0), checksum));
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Reads the header; throws `UnreadableBytes` where it does not hold. */
export async function readSnapshotHeader(disk: Disk, path: string): Promise<SnapshotHeader> {
  return await withFile(disk, path, async (file) => decodeHeader(await file.read(0, HEADER_BYTES)).header);
}

/** Reads all of it, for its checksums; throws `UnreadableBytes` where one does not hold. */
export async function checkSnapshot(disk: Disk, path: string): Promise<void> {
  for await (const _ of readSnapshot(disk, path));
}

/** The slices of the state, each checked right before it comes. */
export async function* readSnapshot(disk: Disk, path: string): AsyncGenerator<Uint8Array, void> {
  const file = await disk.open(path, "read");
  try {
    const size = await file.size();
    const head = await file.read(0, HEADER_BYTES + SLICE_HEADER_BYTES);
    let { checksum } = decodeHeader(head);
    let sliceHeader = head.subarray(HEADER_BYTES);
    for (let at = HEADER_BYTES; ; ) {
      if (sliceHeader.length < SLICE_HEADER_BYTES) throw unreadable(at, size);
      const length = sliceHeader.readUInt32LE(4);
      const end = at + SLICE_HEADER_BYTES + length;
      if (length > MAX_SLICE_BYTES || end > size) throw unreadable(at, size);
      // With the header of the next one: a slice costs one read.
      const bytes = await file.read(at + SLICE_HEADER_BYTES, length + SLICE_HEADER_BYTES);
      const slice = bytes.subarray(0, length);
      checksum = sliceChecksum(slice, checksum);
      if (checksum !== sliceHeader.readUInt32LE(0)) throw unreadable(at, end);
      if (length === 0 && end < size) throw unreadable(end, size);
      if (length === 0) return;
      yield slice;
      sliceHeader = bytes.subarray(length);
      at = end;
    }
  } finally {
    await file.close();
  }
}

function encodeHeader({ position, group }: SnapshotHeader): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUIntLE(position, 8, 6);
  bytes.writeUInt32LE(group.segment, 14);
  bytes.writeUIntLE(group.offset, 18, 6);
  bytes.writeUIntLE(group.sequence, 24, 6);
  bytes.writeUInt32LE(group.checksum, 30);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 34)), 34);
  return bytes;
}

function decodeHeader(bytes: Buffer): { readonly header: SnapshotHeader; readonly checksum: number } {
  const isWhole = bytes.length >= HEADER_BYTES && bytes.subarray(0, MAGIC.length).equals(MAGIC);
  if (!isWhole || crc32(bytes.subarray(0, 34)) !== bytes.readUInt32LE(34)) throw unreadable(0, HEADER_BYTES);
  const group = {
    segment: bytes.readUInt32LE(14),
    offset: bytes.readUIntLE(18, 6),
    sequence: bytes.readUIntLE(24, 6),
    checksum: bytes.readUInt32LE(30),
  };
  return { header: { position: bytes.readUIntLE(8, 6), group }, checksum: bytes.readUInt32LE(34) };
}

/** Its checksum, its length, the slice. Of length 0 it is the end mark. */
function encodeSlice(slice: Uint8Array, previous: number): Buffer {
  const bytes = Buffer.allocUnsafe(SLICE_HEADER_BYTES + slice.length);
  bytes.writeUInt32LE(sliceChecksum(slice, previous), 0);
  bytes.writeUInt32LE(slice.length, 4);
  bytes.set(slice, SLICE_HEADER_BYTES);
  return bytes;
}

function sliceChecksum(slice: Uint8Array, previous: number): number {
  LENGTH.writeUInt32LE(slice.length);
  return crc32(slice, crc32(LENGTH, previous));
}

const LENGTH = Buffer.alloc(4);

function unreadable(from: number, to: number): UnreadableBytes {
  const last = Math.max(from, to - 1);
  return new UnreadableBytes(`bytes ${grouped(from)} to ${grouped(last)}`);
}

async function withFile<T>(disk: Disk, path: string, work: (file: DiskFile) => Promise<T>): Promise<T> {
  const file = await disk.open(path, "read");
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}
