import type { EpochMs } from "../domain/time.ts";

/**
 * The disk, just enough for a journal: folders with flat files, and no more. Errors keep Node's `code` (ENOSPC, EIO,
 * EACCES …). Everything is asynchronous but nothing here is safe until it was synced: neither bytes (`DiskFile.sync`)
 * nor names (`syncDirectory`).
 */
export interface Disk {
  /**
   * Makes the directory (mode 0700) and its parents where absent, and makes their names survive a power cut. Says whether it
   * was absent.
   */
  makeDirectory(directory: string): Promise<boolean>;
  /** Removes a directory; one that is absent, or in which something is, stays as it is. */
  removeDirectory(directory: string): Promise<void>;
  /** Gives the directory mode 0700; where it belongs to somebody else it stays as it is. */
  restrict(directory: string): Promise<void>;
  /** Whose the directory is and who asks, as user ids; undefined where it cannot be told. */
  ownership(directory: string): Promise<{ readonly owner: number; readonly self: number } | undefined>;
  /** Names of the files in the directory, sorted; a directory that is absent has none. */
  list(directory: string): Promise<string[]>;
  /** Opens a file for reading and appending. `create` makes it (mode 0600) and fails when it is already there. */
  open(path: string, mode: "read" | "append" | "create"): Promise<DiskFile>;
  /** Size and last change of a file that is there. */
  stat(path: string): Promise<{ readonly bytes: number; readonly modifiedAt: EpochMs }>;
  /** What may still be written under the directory; infinite where that cannot be told. */
  freeBytes(directory: string): Promise<number>;
  rename(from: string, to: string): Promise<void>;
  /** Absent is fine. */
  remove(path: string): Promise<void>;
  /** Makes the names in this directory survive a power cut. */
  syncDirectory(directory: string): Promise<void>;
  /** Resolves when this turn of the loop is over: who has something else to write in it has said so, and one write takes it all. */
  gather(): Promise<void>;
  /**
   * Takes the lock of a directory, which the kernel drops when this process dies (DUR-4), or says who holds it.
   */
  lock(directory: string): Promise<DiskLock | LockHolder>;
}

export interface DiskFile {
  /** Adds all of `bytes` at the end, in as many writes as it takes. */
  append(bytes: Uint8Array): Promise<void>;
  /**
   * Writes over bytes that are there. With the same bytes it loses nothing, whenever the power fails, and has the next
   * sync write what an earlier one, which failed, left in the page cache only.
   */
  overwrite(at: number, bytes: Uint8Array): Promise<void>;
  /** Up to `length` bytes from `at`; fewer only at the end of the file. */
  read(at: number, length: number): Promise<Buffer>;
  /** Resolves when every byte appended before survives a power cut (fdatasync). */
  sync(): Promise<void>;
  truncate(size: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

export interface DiskLock {
  readonly held: true;
  release(): Promise<void>;
}

export interface LockHolder {
  readonly held: false;
  /** Undefined where it cannot be told. */
  readonly pid: number | undefined;
}
