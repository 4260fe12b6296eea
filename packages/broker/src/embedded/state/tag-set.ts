/** A tag as 64 bits of a keyed hash, in two halves. No tag is zero in both. */
export interface TagHash {
  readonly high: number;
  readonly low: number;
}

export const NO_TAG: TagHash = { high: 0, low: 0 };

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
