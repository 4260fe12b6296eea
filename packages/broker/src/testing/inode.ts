import type { Random } from "../runtime/random.ts";
import { Image } from "./image.ts";

const SECTOR_BYTES = 512;

/** What becomes of unsynced bytes and names at a power cut. `some`: by sector and by name, torn, in any order. */
export type Unsynced = "lost" | "some" | "kept";

/** A file twice: as the page cache has it, and as a power cut leaves it. */
export class Inode {
  readonly cache = new Image();
  readonly durable = new Image();
  /** What a sync is to write. Elsewhere both are alike, unless a failed sync was forgotten. */
  #dirty: { from: number; to: number }[] = [];
  /** The cache may differ from what a power cut leaves. */
  #differs = false;
  /** How many syncs have failed. */
  failures = 0;

  /** A file that was synced. */
  static of(bytes: Uint8Array): Inode {
    const inode = new Inode();
    inode.cache.write(0, bytes);
    inode.durable.write(0, bytes);
    return inode;
  }

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
