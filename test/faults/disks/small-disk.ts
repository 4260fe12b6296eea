import { rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { newDirectory } from "../../process/broker-process.ts";
import { mounted, run } from "./mounted.ts";

/** A file system of 64 MB. */
export class SmallDisk {
  readonly directory: string;
  readonly unmount: () => Promise<void>;

  static async make(): Promise<SmallDisk> {
    const directory = join(await newDirectory(), "small");
    return new SmallDisk(directory, await mounted(directory, "-t", "tmpfs", "-o", "size=64m", "tmpfs"));
  }

  private constructor(directory: string, unmount: () => Promise<void>) {
    this.directory = directory;
    this.unmount = unmount;
  }

  /** To the last byte. */
  async fillUp(): Promise<void> {
    await run("sh", "-c", `cat /dev/zero > "$1" 2>/dev/null; true`, "sh", this.#filling);
  }

  async makeRoom(): Promise<void> {
    await rm(this.#filling, { force: true });
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.directory);
    return bavail * bsize;
  }

  get #filling(): string {
    return join(this.directory, "filling");
  }
}
