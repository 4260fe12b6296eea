import { rm } from "node:fs/promises";
import { join } from "node:path";
import { newDirectory } from "../../process/broker-process.ts";
import { mounted, run } from "./mounted.ts";

const OUTER_SIZE = "3G";
const INNER_SIZE = "256M";

/**
 * A disk whose power can be cut. It is an image, on a file system that can copy a file at once without its blocks: such a copy is what the
 * disk held at that instant. What the inner file system had only in memory is not in it.
 */
export class CutDisk {
  readonly #outer: string;
  readonly #unmountOuter: () => Promise<void>;
  #number = 0;
  #unmount: () => Promise<void> = async () => {};

  static async make(): Promise<CutDisk> {
    const folder = await newDirectory();
    const image = join(folder, "outer.img");
    await run("truncate", "-s", OUTER_SIZE, image);
    await run("mkfs.xfs", "-q", "-m", "reflink=1", image);
    const outer = join(folder, "outer");
    const disk = new CutDisk(outer, await mounted(outer, "-o", "loop", image));
    await run("truncate", "-s", INNER_SIZE, disk.#image);
    await run("mkfs.ext4", "-q", "-F", disk.#image);
    await disk.#mount();
    return disk;
  }

  private constructor(outer: string, unmountOuter: () => Promise<void>) {
    this.#outer = outer;
    this.#unmountOuter = unmountOuter;
  }

  /** Where it is mounted now. */
  get directory(): string {
    return join(this.#outer, `disk-${this.#number}`);
  }

  /** What it holds at this instant becomes the next disk. */
  async cut(): Promise<void> {
    await run("cp", "--reflink=always", this.#image, this.#imageOf(this.#number + 1));
  }

  /** From the old disk, which nobody may use any more, to the one that the cut has left. */
  async powerOn(): Promise<void> {
    await this.#unmount();
    await rm(this.#image);
    this.#number += 1;
    await this.#mount();
  }

  async remove(): Promise<void> {
    await this.#unmount();
    await this.#unmountOuter();
  }

  async #mount(): Promise<void> {
    this.#unmount = await mounted(this.directory, "-o", "loop", this.#image);
  }

  get #image(): string {
    return this.#imageOf(this.#number);
  }

  #imageOf(number: number): string {
    return join(this.#outer, `disk-${number}.img`);
  }
}
