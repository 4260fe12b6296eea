import type { Disk, DiskFile, DiskLock, LockHolder } from "../runtime/disk.ts";
import type { Random } from "../runtime/random.ts";

const SECTOR_BYTES = 512;
const NEVER = new Promise<never>(() => {});

/** What becomes of unsynced bytes and names at a power cut. `some`: by sector, torn, in any order. */
export type Unsynced = "lost" | "some" | "kept";

/** Operations that can be told to fail. */
export type FaultyOperation = "write" | "sync" | "read" | "open" | "lock" | "rename" | "remove";

/**
 * A disk in memory that is as bad as disks may be, the same for the same seed. One value is one uptime of the machine:
 * `crash` and `kill` end it, whatever still waits for it waits for ever, and give the disk as the next start finds it.
 */
export class FaultyDisk implements Disk {
  readonly #random: Random;
  #capacityBytes: number;
  /** As the page cache has them. */
  readonly #names: Map<string, Inode>;
  /** As a power cut leaves them. */
  readonly #durableNames: Map<string, Inode>;
  #unsyncedNames: NameChange[] = [];
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

  constructor(random: Random, options: { readonly capacityBytes?: number } = {}, names = new Map<string, Inode>()) {
    this.#random = random;
    this.#capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY;
    this.#names = names;
    this.#durableNames = new Map(names);
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
    const used = [...this.#names.values()].reduce((sum, { cache }) => sum + cache.length, 0);
    this.#capacityBytes = used + bytes;
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
    const kept = {
      lost: 0,
      some: this.#random.below(this.#unsyncedNames.length + 1),
      kept: this.#unsyncedNames.length,
    };
    for (const { apply } of this.#unsyncedNames.slice(0, kept[unsynced])) apply(this.#durableNames);
    for (const inode of new Set(this.#durableNames.values())) inode.crash(unsynced, this.#random);
    return this.#nextUptime(new Map(this.#durableNames));
  }

  /** kill -9: the page cache stays, what was not synced stays so, locks are free. */
  kill(): FaultyDisk {
    this.#dead = true;
    const next = this.#nextUptime(new Map(this.#names));
    next.#durableNames.clear();
    for (const [path, inode] of this.#durableNames) next.#durableNames.set(path, inode);
    next.#unsyncedNames = [...this.#unsyncedNames];
    return next;
  }

  // --- what tests look at, and spoil

  paths(): string[] {
    return [...this.#names.keys()].sort();
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
    const inode = new Inode();
    inode.write(0, bytes);
    inode.sync(bytes.length);
    this.#names.set(path, inode);
    this.#durableNames.set(path, inode);
  }

  // --- the port

  async makeDirectory(_directory: string): Promise<void> {
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
    const paths = this.paths().filter((path) => directoryOf(path) === directory);
    return paths.map((path) => path.slice(directory.length + 1));
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
    if (this.#names.has(path)) throw diskError("EEXIST");
    const inode = new Inode();
    this.#changeNames(directoryOf(path), (names) => names.set(path, inode));
    return new FaultyFile(this, inode);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#step("rename");
    const inode = this.#inode(from);
    this.#changeNames(directoryOf(to), (names) => {
      names.delete(from);
      names.set(to, inode);
    });
  }

  async remove(path: string): Promise<void> {
    await this.#step("remove");
    this.#changeNames(directoryOf(path), (names) => names.delete(path));
  }

  async syncDirectory(directory: string): Promise<void> {
    await this.#pass();
    await this.#step("sync");
    for (const change of this.#unsyncedNames) if (change.directory === directory) change.apply(this.#durableNames);
    this.#unsyncedNames = this.#unsyncedNames.filter((change) => change.directory !== directory);
  }

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

  #changeNames(directory: string, apply: NameChange["apply"]): void {
    apply(this.#names);
    this.#unsyncedNames.push({ directory, apply });
  }

  #inode(path: string): Inode {
    const inode = this.#names.get(path);
    if (!inode) throw diskError("ENOENT");
    return inode;
  }

  #freeBytes(): number {
    if (this.#capacityBytes === Number.POSITIVE_INFINITY) return this.#capacityBytes;
    return [...this.#names.values()].reduce((free, { cache }) => free - cache.length, this.#capacityBytes);
  }

  #drawUnsynced(): Unsynced {
    return (["lost", "kept", "some", "some"] as const)[this.#random.below(4)] ?? "some";
  }

  #nextUptime(names: Map<string, Inode>): FaultyDisk {
    return new FaultyDisk(this.#random, { capacityBytes: this.#capacityBytes }, names);
  }
}

interface NameChange {
  readonly directory: string;
  readonly apply: (names: Map<string, Inode>) => unknown;
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

/** A file twice: as the page cache has it, and as a power cut leaves it. */
class Inode {
  readonly cache = new Image();
  readonly durable = new Image();
  /** What a sync is to write. Elsewhere both are alike, unless a failed sync was forgotten. */
  #dirty: { from: number; to: number }[] = [];
  /** The cache may differ from what a power cut leaves. */
  #differs = false;
  /** How many syncs have failed. */
  failures = 0;

  write(at: number, bytes: Uint8Array): void {
    this.#differs = true;
    this.cache.write(at, bytes);
    const newest = this.#dirty.at(-1);
    if (newest?.to === at) newest.to += bytes.length;
    else this.#dirty.push({ from: at, to: at + bytes.length });
  }

  truncate(size: number): void {
    this.#differs = true;
    this.cache.length = Math.min(this.cache.length, size);
    this.#dirty = this.#dirtyUpTo(size);
  }

  sync(upTo: number): void {
    const end = Math.min(upTo, this.cache.length);
    for (const { from, to } of this.#dirtyUpTo(end)) this.durable.write(from, this.cache.bytes().subarray(from, to));
    this.durable.length = end;
    const later = this.#dirty.filter(({ to }) => to > end);
    this.#dirty = later.map(({ from, to }) => ({ from: Math.max(from, end), to }));
    if (this.#dirty.length === 0 && this.failures === 0) this.#differs = false;
  }

  fail(): void {
    this.#dirty = [];
    this.failures += 1;
  }

  #dirtyUpTo(end: number): { from: number; to: number }[] {
    const earlier = this.#dirty.filter(({ from }) => from < end);
    return earlier.map(({ from, to }) => ({ from, to: Math.min(to, end) }));
  }

  crash(unsynced: Unsynced, random: Random): void {
    this.failures = 0;
    if (!this.#differs) return;
    this.#differs = false;
    if (unsynced === "some") this.#keepSomeSectors(random);
    if (unsynced === "kept") this.sync(this.cache.length);
    this.cache.length = 0;
    this.cache.write(0, this.durable.bytes());
    this.#dirty = [];
  }

  #keepSomeSectors(random: Random): void {
    const cache = this.cache.bytes();
    const shorter = Math.min(cache.length, this.durable.length);
    const length = shorter + random.below(Math.max(cache.length, this.durable.length) - shorter + 1);
    for (const { from, to } of this.#dirtyUpTo(length)) {
      for (let at = from; at < to; ) {
        const end = Math.min(at - (at % SECTOR_BYTES) + SECTOR_BYTES, to);
        if (random.below(2) === 0) this.durable.write(at, cache.subarray(at, end));
        at = end;
      }
    }
    this.durable.length = length;
  }
}

/** Bytes that grow; what was never written is zero. */
class Image {
  #buffer: Buffer = Buffer.alloc(0);
  #length = 0;
  #isViewed = false;

  get length(): number {
    return this.#length;
  }

  set length(length: number) {
    this.#makeRoom(length);
    if (length < this.#length) {
      this.#leaveViews();
      this.#buffer.fill(0, length, this.#length);
    }
    this.#length = length;
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** What was read stays as it was, whatever is written later. */
  view(at: number, length: number): Buffer {
    this.#isViewed = true;
    return this.bytes().subarray(at, at + length);
  }

  write(at: number, bytes: Uint8Array): void {
    const end = at + bytes.length;
    if (at < this.#length) this.#leaveViews();
    this.#makeRoom(end);
    this.#buffer.set(bytes, at);
    this.#length = Math.max(this.#length, end);
  }

  flipBit(bit: number): void {
    const at = Math.floor(bit / 8);
    this.#leaveViews();
    if (at < this.#length) this.#buffer[at] = (this.#buffer[at] as number) ^ (1 << (bit % 8));
  }

  #makeRoom(length: number): void {
    if (length <= this.#buffer.length) return;
    const larger = Buffer.alloc(Math.max(length, this.#buffer.length * 2, 4_096));
    larger.set(this.bytes());
    this.#buffer = larger;
    this.#isViewed = false;
  }

  #leaveViews(): void {
    if (!this.#isViewed) return;
    this.#buffer = Buffer.from(this.#buffer);
    this.#isViewed = false;
  }
}

function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

function diskError(code: string): Error {
  return Object.assign(new Error(`${code}: the simulated disk was told to.`), { code });
}
