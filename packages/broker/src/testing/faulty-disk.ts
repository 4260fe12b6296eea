import type { Disk, DiskFile, DiskLock, LockHolder } from "../runtime/disk.ts";
import type { Random } from "../runtime/random.ts";
import { DirectoryEntries } from "./directory-entries.ts";
import { Inode, type Unsynced } from "./inode.ts";

export type { Unsynced } from "./inode.ts";

const NEVER = new Promise<never>(() => {});

/** Operations that can be told to fail. */
export type FaultyOperation = "write" | "sync" | "read" | "open" | "lock" | "rename" | "remove";

/**
 * A disk in memory that is as bad as disks may be, the same for the same seed. One value is one uptime of the machine:
 * `crash` and `kill` end it, whatever still waits for it waits for ever, and give the disk as the next start finds it.
 */
export class FaultyDisk implements Disk {
  readonly #random: Random;
  #capacityBytes: number;
  readonly #entries: DirectoryEntries;
  readonly #locked = new Set<string>();
  readonly #failures: { operation: FaultyOperation; code: string; after: number }[] = [];
  #dead = false;
  #stepsLeft = Number.POSITIVE_INFINITY;
  #lastOperation: FaultyOperation | undefined;
  #lastStep: FaultyOperation | undefined;
  #delay: (() => Promise<unknown>) | undefined;
  #syncGate: { opened: Promise<void>; open: () => void } | undefined;
  /** How often the disk was written to, and synced. */
  readonly counts = { writes: 0, syncs: 0 };

  constructor(random: Random, options: { readonly capacityBytes?: number } = {}, entries = new DirectoryEntries()) {
    this.#random = random;
    this.#capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY;
    this.#entries = entries;
  }

  // --- faults

  /** Makes one operation fail with this code: the next one of its sort, or a later one. A failed sync drops what it was to keep. */
  failNext(operation: FaultyOperation, code: string, { after = 0 } = {}): void {
    this.#failures.push({ operation, code, after });
  }

  /** No sync returns until `releaseSyncs`. */
  holdSyncs(): void {
    if (this.#syncGate) return;
    let open = (): void => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    this.#syncGate = { opened, open };
  }

  releaseSyncs(): void {
    this.#syncGate?.open();
    this.#syncGate = undefined;
  }

  /** The power fails after so many steps: every later one never returns. A write may take several steps. */
  cutPowerAfter(steps: number): void {
    this.#stepsLeft = steps;
  }

  /** The power fails at the next operation of this sort. */
  cutPowerAt(operation: FaultyOperation): void {
    this.#lastOperation = operation;
  }

  /** Leaves so many bytes free: others have taken the rest, or given it back. */
  leaveFree(bytes: number): void {
    this.#capacityBytes = this.#entries.usedBytes + bytes;
  }

  /** Every write and sync takes as long as this does. */
  slowDown(delay: (() => Promise<unknown>) | undefined): void {
    this.#delay = delay;
  }

  /** What was under way when the power failed. */
  get diedDuring(): FaultyOperation | undefined {
    return this.#dead ? this.#lastStep : undefined;
  }

  /** Whether the power has failed, or the process was killed. */
  get isDead(): boolean {
    return this.#dead;
  }

  /** A power cut. Unless told, the seed draws what becomes of what was not synced. */
  crash(unsynced: Unsynced = this.#drawUnsynced()): FaultyDisk {
    this.#dead = true;
    return this.#withEntries(this.#entries.crash(unsynced, this.#random));
  }

  /** kill -9: the page cache stays, what was not synced stays so, locks are free. */
  kill(): FaultyDisk {
    this.#dead = true;
    return this.#withEntries(this.#entries.kill());
  }

  /** Another disk with the same files, all of them synced, and endless. Whatever is done to it, this one stays as it is. */
  copy(random: Random): FaultyDisk {
    return new FaultyDisk(random, {}, this.#entries.copy());
  }

  // --- what tests look at, and spoil

  paths(): string[] {
    return this.#entries.paths();
  }

  /** A copy of a file as it is now. */
  bytesOf(path: string): Buffer {
    return Buffer.from(this.#inode(path).cache.bytes());
  }

  /** Rots one bit, counted from the start of the file. */
  flipBit(path: string, bit: number): void {
    const { cache, durable } = this.#inode(path);
    for (const image of [cache, durable]) image.flipBit(bit);
  }

  /** Loses the end of a file. */
  truncateTo(path: string, bytes: number): void {
    const { cache, durable } = this.#inode(path);
    for (const image of [cache, durable]) image.length = Math.min(image.length, bytes);
  }

  /** Puts a file there that was synced. */
  plant(path: string, bytes: Uint8Array): void {
    this.#entries.plant(path, Inode.of(bytes));
  }

  // --- the port

  /** Directories are there as long as something is in them. */
  async makeDirectory(directory: string): Promise<boolean> {
    await this.#step();
    return this.#entries.namesIn(directory).length === 0;
  }

  async removeDirectory(_directory: string): Promise<void> {
    await this.#step();
  }

  async restrict(_directory: string): Promise<void> {
    await this.#step();
  }

  async ownership(_directory: string): Promise<{ readonly owner: number; readonly self: number }> {
    return { owner: 0, self: 1_000 };
  }

  async list(directory: string): Promise<string[]> {
    await this.#step();
    return this.#entries.namesIn(directory);
  }

  async stat(path: string): Promise<{ readonly bytes: number; readonly modifiedAt: number }> {
    await this.#step();
    return { bytes: this.#inode(path).cache.length, modifiedAt: 0 };
  }

  async freeBytes(_directory: string): Promise<number> {
    await this.#step();
    return Math.max(0, this.#freeBytes());
  }

  async open(path: string, mode: "read" | "append" | "create"): Promise<DiskFile> {
    await this.#step("open");
    if (mode !== "create") return new FaultyFile(this, this.#inode(path));
    if (this.#entries.find(path)) throw diskError("EEXIST");
    const inode = new Inode();
    this.#entries.set(path, inode);
    return new FaultyFile(this, inode);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#step("rename");
    const inode = this.#inode(from);
    this.#entries.set(from, undefined);
    this.#entries.set(to, inode);
  }

  async remove(path: string): Promise<void> {
    await this.#step("remove");
    this.#entries.set(path, undefined);
  }

  async syncDirectory(directory: string): Promise<void> {
    await this.#pass();
    await this.#step("sync");
    this.#entries.sync(directory);
  }

  /** There are no turns of a loop here: promises are all there is. */
  async gather(): Promise<void> {}

  async lock(directory: string): Promise<DiskLock | LockHolder> {
    await this.#step("lock");
    if (this.#locked.has(directory)) return { held: false, pid: 1 };
    this.#locked.add(directory);
    return {
      held: true,
      release: async () => {
        this.#locked.delete(directory);
      },
    };
  }

  // --- for its files

  async write(inode: Inode, bytes: Uint8Array, overwriteAt?: number): Promise<void> {
    await this.#delay?.();
    for (let at = 0; at < bytes.length; ) {
      await this.#step("write");
      const asked = bytes.length - at;
      // One write in four is short, and what follows may not happen.
      const short = asked > 1 && this.#random.below(4) === 0 ? 1 + this.#random.below(asked - 1) : asked;
      const room = overwriteAt === undefined ? this.#freeBytes() : asked;
      const fits = Math.min(short, room);
      if (fits <= 0) throw diskError("ENOSPC");
      inode.write(overwriteAt === undefined ? inode.cache.length : overwriteAt + at, bytes.subarray(at, at + fits));
      this.counts.writes += 1;
      at += fits;
    }
  }

  async read(inode: Inode, at: number, length: number): Promise<Buffer> {
    await this.#step("read");
    return inode.cache.view(at, length);
  }

  async sync(inode: Inode, description: FaultyFile): Promise<void> {
    const upTo = inode.cache.length; // what comes while it waits is not its business
    await this.#pass();
    await this.#delay?.();
    try {
      await this.#step("sync");
    } catch (error) {
      inode.fail(); // the pages count as clean, and the next sync will succeed without them
      description.failuresSeen = inode.failures;
      throw error;
    }
    inode.sync(upTo);
    // Linux tells an error once to every description of the file, whichever sync met it.
    if (description.failuresSeen < inode.failures) {
      description.failuresSeen = inode.failures;
      throw diskError("EIO");
    }
    this.counts.syncs += 1;
  }

  async truncate(inode: Inode, size: number): Promise<void> {
    await this.#step("write");
    inode.truncate(size);
  }

  /** One step of the machine: it may be the last, and it may fail. */
  async #step(operation?: FaultyOperation): Promise<void> {
    if (this.#dead) await NEVER;
    this.#lastStep = operation;
    const isCut = operation !== undefined && operation === this.#lastOperation;
    if (this.#stepsLeft <= 0 || isCut) {
      this.#dead = true;
      await NEVER;
    }
    this.#stepsLeft -= 1;
    await undefined;
    if (this.#dead) await NEVER;
    const index = this.#failures.findIndex((failure) => failure.operation === operation && failure.after-- <= 0);
    if (index < 0) return;
    const [failure] = this.#failures.splice(index, 1);
    throw diskError(failure?.code ?? "EIO");
  }

  async #pass(): Promise<void> {
    while (this.#syncGate) await this.#syncGate.opened;
  }

  #inode(path: string): Inode {
    const inode = this.#entries.find(path);
    if (!inode) throw diskError("ENOENT");
    return inode;
  }

  #freeBytes(): number {
    if (this.#capacityBytes === Number.POSITIVE_INFINITY) return this.#capacityBytes;
    return this.#capacityBytes - this.#entries.usedBytes;
  }

  #drawUnsynced(): Unsynced {
    return (["lost", "kept", "some", "some"] as const)[this.#random.below(4)] ?? "some";
  }

  #withEntries(entries: DirectoryEntries): FaultyDisk {
    return new FaultyDisk(this.#random, { capacityBytes: this.#capacityBytes }, entries);
  }
}

class FaultyFile implements DiskFile {
  readonly #disk: FaultyDisk;
  readonly #inode: Inode;
  /** How many failed syncs of the file this description knows of. */
  failuresSeen: number;

  constructor(disk: FaultyDisk, inode: Inode) {
    this.#disk = disk;
    this.#inode = inode;
    this.failuresSeen = inode.failures;
  }

  append(bytes: Uint8Array): Promise<void> {
    return this.#disk.write(this.#inode, bytes);
  }

  async overwrite(at: number, bytes: Uint8Array): Promise<void> {
    if (at + bytes.length > this.#inode.cache.length) throw new RangeError("Nothing is overwritten beyond the end.");
    await this.#disk.write(this.#inode, bytes, at);
  }

  read(at: number, length: number): Promise<Buffer> {
    return this.#disk.read(this.#inode, at, length);
  }

  sync(): Promise<void> {
    return this.#disk.sync(this.#inode, this);
  }

  truncate(size: number): Promise<void> {
    return this.#disk.truncate(this.#inode, size);
  }

  async size(): Promise<number> {
    return this.#inode.cache.length;
  }

  async close(): Promise<void> {}
}

function diskError(code: string): Error {
  return Object.assign(new Error(`${code}: the simulated disk was told to.`), { code });
}
