import type { TagHash } from "./message-queue.ts";

/** Some tags, by their hashes: whether a message has one of them is told at once, however many there are. */
export class TagSet {
  readonly #highsByLow = new Map<number, number[]>();

  add({ high, low }: TagHash): void {
    const highs = this.#highsByLow.get(low);
    if (highs === undefined) this.#highsByLow.set(low, [high]);
    else highs.push(high);
  }

  has(high: number, low: number): boolean {
    return this.#highsByLow.get(low)?.includes(high) ?? false;
  }
}
