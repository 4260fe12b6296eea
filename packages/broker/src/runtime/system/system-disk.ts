import fs from "node:fs";
import path from "node:path";
import { setImmediate } from "node:timers";
import { promisify } from "node:util";
import type { Disk, DiskFile, DiskLock, LockHolder } from "../disk.ts";
import { lockDirectory } from "./lock-directory.ts";

const open = promisify(fs.open);
const close = promisify(fs.close);
const fsync = promisify(fs.fsync);
const fdatasync = promisify(fs.fdatasync);
const ftruncate = promisify(fs.ftruncate);
const fstat = promisify(fs.fstat);

const FLAGS = { read: "r", append: fs.constants.O_RDWR | fs.constants.O_APPEND, create: "ax+" } as const;

/** Who this process is: only the command may ask. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly uid?: number | undefined;
}

/** The disk of this machine. */
export class SystemDisk implements Disk {
  readonly #process: ProcessIdentity;

  constructor(process: ProcessIdentity) {
    this.#process = process;
  }

  async makeDirectory(directory: string): Promise<boolean> {
    // Each name lasts before another is made in it: a start that was killed leaves at most the last of them unsynced.
    const above = path.dirname(path.resolve(directory));
    if (!(await isThere(directory))) await this.makeDirectory(above);
    const made = await fs.promises.mkdir(directory, { recursive: true, mode: 0o700 });
    try {
      await this.syncDirectory(above);
    } catch (error) {
      // Who made the directory may have been somebody who may read the one above it.
      if (made !== undefined || !hasCode(error, "EACCES")) throw error;
    }
    return made !== undefined;
  }

  async removeDirectory(directory: string): Promise<void> {
    try {
      await fs.promises.rmdir(directory);
    } catch (error) {
      if (!["ENOENT", "ENOTEMPTY", "EEXIST"].some((code) => hasCode(error, code))) throw error;
    }
  }

  async restrict(directory: string): Promise<void> {
    try {
      await fs.promises.chmod(directory, 0o700);
    } catch (error) {
      if (!hasCode(error, "EPERM")) throw error;
    }
  }

  async ownership(directory: string): Promise<{ readonly owner: number; readonly self: number } | undefined> {
    const self = this.#process.uid;
    if (self === undefined) return undefined;
    for (let place = path.resolve(directory); ; place = path.dirname(place)) {
      try {
        return { owner: (await fs.promises.stat(place)).uid, self };
      } catch (error) {
        if (!hasCode(error, "ENOENT") || place === path.dirname(place)) return undefined;
      }
    }
  }

  async list(directory: string): Promise<string[]> {
    try {
      return (await fs.promises.readdir(directory)).sort();
    } catch (error) {
      if (hasCode(error, "ENOENT")) return [];
      throw error;
    }
  }

  async stat(file: string): Promise<{ bytes: number; modifiedAt: number }> {
    const { size, mtimeMs } = await fs.promises.stat(file);
    return { bytes: size, modifiedAt: Math.floor(mtimeMs) };
  }

  async freeBytes(directory: string): Promise<number> {
    const { blocks, bavail, bsize } = await fs.promises.statfs(directory);
    // Some network and user-space file systems know of no size at all.
    return blocks === 0 ? Number.POSITIVE_INFINITY : bavail * bsize;
  }

  async open(file: string, mode: "read" | "append" | "create"): Promise<DiskFile> {
    return new SystemFile(file, await open(file, FLAGS[mode], 0o600));
  }

  rename(from: string, to: string): Promise<void> {
    return fs.promises.rename(from, to);
  }

  remove(file: string): Promise<void> {
    return fs.promises.rm(file, { force: true });
  }

  async syncDirectory(directory: string): Promise<void> {
    const descriptor = await open(directory, "r");
    try {
      await fsync(descriptor);
    } finally {
      await close(descriptor);
    }
  }

  gather(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(resolve);
    });
  }

  lock(directory: string): Promise<DiskLock | LockHolder> {
    return lockDirectory(directory, this.#process.pid);
  }
}

/** On callbacks, not on a FileHandle: an append and a sync cost half as much. */
class SystemFile implements DiskFile {
  readonly #path: string;
  readonly #descriptor: number;
  #closed: Promise<void> | undefined;

  constructor(file: string, descriptor: number) {
    this.#path = file;
    this.#descriptor = descriptor;
  }

  append(bytes: Uint8Array): Promise<void> {
    return writeAll(this.#descriptor, bytes, undefined);
  }

  async overwrite(at: number, bytes: Uint8Array): Promise<void> {
    // Through a descriptor that was opened to append, Linux appends wherever it is told to write.
    const descriptor = await open(this.#path, "r+");
    try {
      await writeAll(descriptor, bytes, at);
    } finally {
      await close(descriptor);
    }
  }

  read(at: number, length: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const buffer = Buffer.allocUnsafeSlow(length);
      const readFrom = (start: number): void => {
        fs.read(this.#descriptor, buffer, start, length - start, at + start, (error, bytes) => {
          if (error) reject(error);
          else if (bytes > 0 && start + bytes < length) readFrom(start + bytes);
          else resolve(buffer.subarray(0, start + bytes));
        });
      };
      readFrom(0);
    });
  }

  sync(): Promise<void> {
    return fdatasync(this.#descriptor);
  }

  truncate(size: number): Promise<void> {
    return ftruncate(this.#descriptor, size);
  }

  async size(): Promise<number> {
    return (await fstat(this.#descriptor)).size;
  }

  close(): Promise<void> {
    // Twice would close whatever file has got the number since.
    this.#closed ??= close(this.#descriptor);
    return this.#closed;
  }
}

async function isThere(place: string): Promise<boolean> {
  try {
    await fs.promises.stat(place);
    return true;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    throw error;
  }
}

/** In as many writes as it takes; without a place at the end. */
function writeAll(descriptor: number, bytes: Uint8Array, at: number | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const writeFrom = (start: number): void => {
      const place = at === undefined ? null : at + start;
      fs.write(descriptor, bytes, start, bytes.length - start, place, (error, written) => {
        if (error) reject(error);
        else if (start + written < bytes.length) writeFrom(start + written);
        else resolve();
      });
    };
    writeFrom(0);
  });
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
