import { crc32 } from "node:zlib";
import { MIB } from "../../domain/size.ts";
import type { Disk } from "../../runtime/disk.ts";

const CHUNK_BYTES = MIB;

export interface CopiedFile {
  readonly bytes: number;
  /** CRC-32. */
  readonly checksum: number;
}

interface Reading {
  /** From here on; unless told, from the beginning. */
  readonly from?: number;
  /** Up to here; unless told, to where the file ends when it is opened. */
  readonly to?: number;
}

/** Copies a file, or some of it, and syncs the copy; its name is for the caller to sync. */
export async function copyFile(
  disk: Disk,
  path: string,
  copyPath: string,
  { tell, ...reading }: Reading & { readonly tell?: (bytes: number) => void } = {},
): Promise<CopiedFile> {
  const copy = await disk.open(copyPath, "create");
  try {
    const use = async (chunk: Buffer): Promise<void> => {
      await copy.append(chunk);
      tell?.(chunk.length);
    };
    const copied = await readThrough(disk, path, use, reading);
    await copy.sync();
    return copied;
  } finally {
    await copy.close();
  }
}

/** Reads a file, or some of it, a chunk at a time. */
export async function readThrough(
  disk: Disk,
  path: string,
  use: (chunk: Buffer) => Promise<void> | void,
  { from = 0, to = Number.POSITIVE_INFINITY }: Reading = {},
): Promise<CopiedFile> {
  const file = await disk.open(path, "read");
  try {
    const end = Math.min(to, await file.size());
    let at = from;
    let checksum = 0;
    while (at < end) {
      const chunk = await file.read(at, Math.min(CHUNK_BYTES, end - at));
      if (chunk.length === 0) break; // somebody has made it shorter
      checksum = crc32(chunk, checksum);
      at += chunk.length;
      await use(chunk);
    }
    return { bytes: at - from, checksum };
  } finally {
    await file.close();
  }
}
