import type { EpochMs } from "../../domain/time.ts";
import { type HeapItem, IndexedHeap } from "./indexed-heap.ts";

/** Something that waits until an instant and is due from then on. */
export interface Awaited extends HeapItem {
  until: EpochMs;
  /** Tells apart what waits until the same instant: the smaller comes first. */
  readonly rank: number;
  /** Kept by the queue: on which side of `until` it was seen last. */
  isDue: boolean;
}

export function isSooner(one: Awaited, other: Awaited): boolean {
  return one.until === other.until ? one.rank < other.rank : one.until < other.until;
}

/**
 * What waits, and what is due, each in order. Nothing becomes due by being moved here: an item is due when its instant has
 * come. `settle` only keeps the two apart, so that the next instant and the oldest due item are found at once.
 */
export class DueQueue<Item extends Awaited> {
  readonly #waiting = new IndexedHeap<Item>(isSooner);
  readonly #due = new IndexedHeap<Item>(isSooner);
  /** Grows whenever something has come due. */
  arrivals = 0;

  get size(): number {
    return this.#waiting.size + this.#due.size;
  }

  /** How many were due when time was last settled. */
  get dueCount(): number {
    return this.#due.size;
  }

  /** The next instant at which something becomes due. */
  get nextAt(): EpochMs {
    return this.#waiting.first?.until ?? Number.POSITIVE_INFINITY;
  }

  add(item: Item): void {
    item.isDue = false;
    this.#waiting.add(item);
  }

  remove(item: Item): void {
    (item.isDue ? this.#due : this.#waiting).remove(item);
  }

  /** Passes the time up to `now`, which never goes back; hands over what came due, oldest first. */
  settle(now: EpochMs, cameDue?: (item: Item) => void): void {
    for (let item = this.#waiting.first; item !== undefined && item.until <= now; item = this.#waiting.first) {
      this.#waiting.remove(item);
      item.isDue = true;
      this.#due.add(item);
      this.arrivals += 1;
      cameDue?.(item);
    }
  }

  /** Everything due, oldest first, once time is settled. Nobody may change the queue meanwhile. */
  due(): Iterable<Item> {
    return this.#due.inOrder();
  }
}
