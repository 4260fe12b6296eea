import type { Offset } from "../journal/fact.ts";

/**
 * The offsets that a group has neither been given nor passed over, as ascending half-open ranges that do not touch. The last
 * one is open to the future, so in the common case this is one number: where the group stands.
 */
export class OffsetRanges {
  readonly #from: Offset[];
  readonly #to: Offset[];

  constructor(start: Offset) {
    this.#from = [start];
    this.#to = [Number.POSITIVE_INFINITY];
  }

  /** What the `entries` of another one say. */
  static of(entries: readonly (readonly [from: Offset, to: Offset])[]): OffsetRanges {
    const ranges = new OffsetRanges(0);
    ranges.#from.length = 0;
    ranges.#to.length = 0;
    ranges.extend(entries);
    return ranges;
  }

  /** Adds ranges behind all others. */
  extend(entries: readonly (readonly [from: Offset, to: Offset])[]): void {
    for (const [from, to] of entries) {
      this.#from.push(from);
      this.#to.push(to);
    }
  }

  /** Every range, ascending; the last one ends at infinity. */
  entries(): [from: Offset, to: Offset][] {
    return this.#from.map((from, index) => [from, this.#to[index] ?? 0]);
  }

  /** The first offset in it. */
  get first(): Offset {
    return this.#from[0] ?? 0;
  }

  /** How many ranges it takes: what it costs. */
  get rangeCount(): number {
    return this.#from.length;
  }

  has(offset: Offset): boolean {
    const index = this.#indexOf(offset);
    return index < this.#from.length && (this.#from[index] ?? 0) <= offset;
  }

  /** How many there are below `end`. */
  countBelow(end: Offset): number {
    let count = 0;
    for (let index = 0; index < this.#from.length; index++) {
      const from = this.#from[index] ?? 0;
      if (from >= end) break;
      count += Math.min(this.#to[index] ?? 0, end) - from;
    }
    return count;
  }

  /** Every offset from `start` up to, not including, `end`, ascending. */
  *between(start: Offset, end: Offset): Generator<Offset> {
    for (let index = this.#indexOf(start); index < this.#from.length; index++) {
      const from = Math.max(this.#from[index] ?? 0, start);
      const to = Math.min(this.#to[index] ?? 0, end);
      if (from >= end) return;
      for (let offset = from; offset < to; offset++) yield offset;
    }
  }

  /** Puts one offset back; one that is in it is no matter. */
  add(offset: Offset): void {
    const index = this.#indexOf(offset);
    const from = this.#from[index] ?? Number.POSITIVE_INFINITY;
    if (from <= offset) return;
    const joinsBefore = index > 0 && this.#to[index - 1] === offset;
    const joinsAfter = from === offset + 1;
    if (joinsBefore && joinsAfter) {
      this.#from.splice(index, 1);
      this.#to.splice(index - 1, 1);
    } else if (joinsBefore) {
      this.#to[index - 1] = offset + 1;
    } else if (joinsAfter) {
      this.#from[index] = offset;
    } else {
      this.#from.splice(index, 0, offset);
      this.#to.splice(index, 0, offset + 1);
    }
  }

  /** Takes `[from, to)` out; what is not in it is no matter. In one go, however many ranges that are. */
  remove(from: Offset, to: Offset): void {
    if (from >= to) return;
    let first = this.#indexOf(from);
    const start = this.#from[first] ?? Number.POSITIVE_INFINITY;
    if (start < from) {
      const end = this.#to[first] ?? 0;
      this.#to[first] = from;
      first += 1;
      if (end > to) {
        this.#from.splice(first, 0, to);
        this.#to.splice(first, 0, end);
        return;
      }
    }
    const last = this.#indexOf(to);
    this.#from.splice(first, last - first);
    this.#to.splice(first, last - first);
    if ((this.#from[first] ?? Number.POSITIVE_INFINITY) < to) this.#from[first] = to;
  }

  /** Index of the first range that ends behind `offset`. */
  #indexOf(offset: Offset): number {
    let low = 0;
    let high = this.#to.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#to[middle] ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
