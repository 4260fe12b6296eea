import { crc32 } from "node:zlib";
import { MIB } from "../../domain/size.ts";
import type { Disk } from "../../runtime/disk.ts";

const CHUNK_BYTES = MIB;

export interface CopiedFile {
  readonly bytes: number;
  /** CRC-32. */
  readonly checksum: number;
}

/** Copies a file as long as it is when it is opened, and syncs the copy; its name is for the caller to sync. */
export async function copyFile(
  disk: Disk,
  from: string,
  to: string,
  tell: (bytes: number) => void,
): Promise<CopiedFile> {
  const copy = await disk.open(to, "create");
  try {
    const copied = await readThrough(disk, from, async (chunk) => {
      await copy.append(chunk);
      tell(chunk.length);
    });
    await copy.sync();
    return copied;
  } finally {
    await copy.close();
  }
}

/** Reads a file from its beginning to its end, a chunk at a time. */
export async function readThrough(
  disk: Disk,
  path: string,
  use: (chunk: Buffer) => Promise<void> | void,
): Promise<CopiedFile> {
  const file = await disk.open(path, "read");
  try {
    const size = await file.size();
    let bytes = 0;
    let checksum = 0;
    while (bytes < size) {
      const chunk = await file.read(bytes, Math.min(CHUNK_BYTES, size - bytes));
      if (chunk.length === 0) break; // somebody has made it shorter
      checksum = crc32(chunk, checksum);
      bytes += chunk.length;
      await use(chunk);
    }
    return { bytes, checksum };
  } finally {
    await file.close();
  }
}
