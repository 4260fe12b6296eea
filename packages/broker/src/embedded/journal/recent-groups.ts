import type { Position } from "./fact.ts";

/** A frame group as it is, or will be, in its segment. */
export interface GroupBytes {
  readonly position: Position;
  readonly bytes: Buffer;
}

/** In the place of one that is gone: a thousand places that held on to their bytes would be gigabytes. */
const GONE: GroupBytes = { position: -1, bytes: Buffer.alloc(0) };

/** The newest frame groups, so that a message that is consumed at once is read without the disk. */
export class RecentGroups {
  readonly #maxBytes: number;
  #groups: GroupBytes[] = [];
  /** Those before it are gone; the array is shortened now and then only. */
  #first = 0;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Groups come in the order of their positions. */
  add(group: GroupBytes): void {
    this.#groups.push(group);
    this.#bytes += group.bytes.length;
    while (this.#bytes > this.#maxBytes && this.#first < this.#groups.length) {
      this.#bytes -= (this.#groups[this.#first] as GroupBytes).bytes.length;
      this.#groups[this.#first] = GONE;
      this.#first += 1;
    }
    if (this.#first > 1_000 && this.#first * 2 > this.#groups.length) {
      this.#groups = this.#groups.slice(this.#first);
      this.#first = 0;
    }
  }

  /** Of everything it holds on to, for its test. */
  get heldBytes(): number {
    return this.#groups.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** The group in which this position lies. */
  find(position: Position): GroupBytes | undefined {
    let low = this.#first;
    let high = this.#groups.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#groups[middle] as GroupBytes).position <= position) low = middle + 1;
      else high = middle;
    }
    const group = low > this.#first ? this.#groups[low - 1] : undefined;
    return group && position < group.position + group.bytes.length ? group : undefined;
  }
}
