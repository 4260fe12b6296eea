import type { Random } from "../runtime/random.ts";
import { Inode, type Unsynced } from "./inode.ts";

/** Undefined: it was taken away. */
interface Change {
  readonly path: string;
  readonly inode: Inode | undefined;
}

/** Which files there are, twice: as the page cache has it, and as a power cut leaves it. */
export class DirectoryEntries {
  readonly #cached: Map<string, Inode>;
  readonly #durable: Map<string, Inode>;
  #unsynced: readonly Change[];

  constructor(
    cached: ReadonlyMap<string, Inode> = new Map(),
    durable: ReadonlyMap<string, Inode> = cached,
    unsynced: readonly Change[] = [],
  ) {
    this.#cached = new Map(cached);
    this.#durable = new Map(durable);
    this.#unsynced = unsynced;
  }

  find(path: string): Inode | undefined {
    return this.#cached.get(path);
  }

  paths(): string[] {
    return [...this.#cached.keys()].sort();
  }

  namesIn(directory: string): string[] {
    const paths = this.paths().filter((path) => directoryOf(path) === directory);
    return paths.map((path) => path.slice(directory.length + 1));
  }

  get usedBytes(): number {
    let used = 0;
    for (const { cache } of this.#cached.values()) used += cache.length;
    return used;
  }

  set(path: string, inode: Inode | undefined): void {
    const change = { path, inode };
    apply(change, this.#cached);
    this.#unsynced = [...this.#unsynced, change];
  }

  /** Puts a file there that was synced. */
  plant(path: string, inode: Inode): void {
    this.#cached.set(path, inode);
    this.#durable.set(path, inode);
  }

  sync(directory: string): void {
    const isSynced = ({ path }: Change): boolean => directoryOf(path) === directory;
    for (const change of this.#unsynced) if (isSynced(change)) apply(change, this.#durable);
    this.#unsynced = this.#unsynced.filter((change) => !isSynced(change));
  }

  /** `some` of the names keep some of their changes, each for itself: a later one may last, and an earlier one not. */
  crash(unsynced: Unsynced, random: Random): DirectoryEntries {
    for (const path of new Set(this.#unsynced.map((change) => change.path))) {
      const changes = this.#unsynced.filter((change) => change.path === path);
      for (const change of changes.slice(0, lastingOf(changes, unsynced, random))) apply(change, this.#durable);
    }
    for (const inode of new Set(this.#durable.values())) inode.crash(unsynced, random);
    return new DirectoryEntries(this.#durable);
  }

  kill(): DirectoryEntries {
    return new DirectoryEntries(this.#cached, this.#durable, this.#unsynced);
  }

  copy(): DirectoryEntries {
    return new DirectoryEntries(new Map([...this.#cached].map(([path, { cache }]) => [path, Inode.of(cache.bytes())])));
  }
}

function lastingOf({ length }: readonly Change[], unsynced: Unsynced, random: Random): number {
  if (unsynced === "some") return random.below(length + 1);
  return unsynced === "kept" ? length : 0;
}

function apply({ path, inode }: Change, to: Map<string, Inode>): void {
  if (inode === undefined) to.delete(path);
  else to.set(path, inode);
}

function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
