import type { Disk } from "../../runtime/disk.ts";
import type { Log } from "../../runtime/log.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { UnreadableBytes } from "./binary.ts";
import type { Position } from "./fact.ts";
import {
  checkSnapshot,
  isUnfinishedSnapshot,
  parseSnapshotName,
  readSnapshot,
  readSnapshotHeader,
  type SnapshotHeader,
  snapshotName,
  unfinishedSnapshotName,
  writeSnapshot,
} from "./snapshot-file.ts";
import type { DiskSpace } from "./space.ts";

/** The snapshots in a data directory: which of them hold, and which may go. Two are kept: one may rot. */
export class Snapshots {
  readonly #disk: Disk;
  readonly #log: Log;
  readonly #directory: string;
  readonly #space: DiskSpace;
  /** Those known to be good, the oldest first. */
  #kept: readonly SnapshotHeader[] = [];

  constructor({ disk, log }: Pick<Runtime, "disk" | "log">, directory: string, space: DiskSpace) {
    this.#disk = disk;
    this.#log = log;
    this.#directory = directory;
    this.#space = space;
  }

  /** The older of the two that are kept; a start goes back to it at most. */
  get older(): SnapshotHeader | undefined {
    return this.#kept.at(-2);
  }

  /** The newest of those at `positions` that holds from its first byte to its last. What does not is logged and left alone. */
  async findNewest(positions: readonly Position[]): Promise<SnapshotHeader | undefined> {
    const kept: SnapshotHeader[] = [];
    for (const position of positions.toSorted((a, b) => b - a)) {
      const header = await this.#readHeader(position);
      if (!header) continue;
      // The older ones are read when they are needed.
      if (kept.length === 0 && !(await this.isSound(header))) continue;
      kept.unshift(header);
    }
    this.#kept = kept;
    return kept.at(-1);
  }

  read({ position }: SnapshotHeader): AsyncIterable<Uint8Array> {
    return readSnapshot(this.#disk, this.#pathOf(position));
  }

  /** Reads all of it; says so when it does not hold, and counts on it no more. */
  async isSound(snapshot: SnapshotHeader): Promise<boolean> {
    try {
      await checkSnapshot(this.#disk, this.#pathOf(snapshot.position));
      return true;
    } catch (error) {
      this.#sayDamaged(snapshot.position, error);
      this.#kept = this.#kept.filter((other) => other !== snapshot);
      return false;
    }
  }

  /**
   * Writes one and makes it last, then removes all but it and the one before. The journal has to be synced past its position:
   * what a snapshot contains is never lost again.
   */
  async keep(header: SnapshotHeader, state: AsyncIterable<Uint8Array>): Promise<void> {
    const newest = this.#kept.at(-1);
    if (newest && header.position < newest.position) throw new RangeError("A newer snapshot is kept already.");
    const unfinished = `${this.#directory}/${unfinishedSnapshotName(header.position)}`;
    try {
      await this.removeUnfinished();
      await writeSnapshot(this.#disk, unfinished, {
        header,
        state,
        append: (file, bytes) => this.#space.append(file, bytes),
      });
    } catch (error) {
      await this.#disk.remove(unfinished);
      await this.#space.freed();
      throw error;
    }
    await this.#disk.rename(unfinished, this.#pathOf(header.position));
    await this.#disk.syncDirectory(this.#directory);
    this.#kept = [...this.#kept.filter(({ position }) => position < header.position), header].slice(-2);
    await this.#removeOthers();
    await this.#space.freed();
  }

  /** What was being written when the power failed. */
  async removeUnfinished(): Promise<void> {
    const names = await this.#disk.list(this.#directory);
    for (const name of names.filter(isUnfinishedSnapshot)) await this.#disk.remove(`${this.#directory}/${name}`);
  }

  async #removeOthers(): Promise<void> {
    const kept = new Set(this.#kept.map(({ position }) => position));
    for (const name of await this.#disk.list(this.#directory)) {
      const position = parseSnapshotName(name);
      if (position !== undefined && !kept.has(position)) await this.#disk.remove(this.#pathOf(position));
    }
  }

  async #readHeader(position: Position): Promise<SnapshotHeader | undefined> {
    try {
      const header = await readSnapshotHeader(this.#disk, this.#pathOf(position));
      if (header.position !== position) throw new UnreadableBytes("it is not what its name says");
      return header;
    } catch (error) {
      this.#sayDamaged(position, error);
      return undefined;
    }
  }

  #sayDamaged(position: Position, error: unknown): void {
    if (!(error instanceof UnreadableBytes)) throw error;
    const file = this.#pathOf(position);
    const sentence = `damaged snapshot, not used: ${file}, ${error.message}`;
    this.#log.write("warn", "journal.snapshot-damaged", { sentence, file, reason: error.message });
  }

  #pathOf(position: Position): string {
    return `${this.#directory}/${snapshotName(position)}`;
  }
}
