/** What can stand in one heap: it remembers its own place, so that it can leave from the middle. */
export interface HeapItem {
  heapIndex: number;
}

export const NOT_IN_HEAP = -1;

/** A binary heap whose items can be removed wherever they stand. `isBefore` must be a strict order. */
export class IndexedHeap<Item extends HeapItem> {
  readonly #isBefore: (one: Item, other: Item) => boolean;
  readonly #items: Item[] = [];

  constructor(isBefore: (one: Item, other: Item) => boolean) {
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#items.length;
  }

  get first(): Item | undefined {
    return this.#items[0];
  }

  has(item: Item): boolean {
    return this.#items[item.heapIndex] === item;
  }

  add(item: Item): void {
    item.heapIndex = this.#items.length;
    this.#items.push(item);
    this.#rise(item);
  }

  remove(item: Item): void {
    const last = this.#items.pop();
    if (last !== undefined && last !== item) {
      last.heapIndex = item.heapIndex;
      this.#items[item.heapIndex] = last;
      this.moved(last);
    }
    item.heapIndex = NOT_IN_HEAP;
  }

  /** To be called when an item's order has changed. */
  moved(item: Item): void {
    if (!this.#rise(item)) this.#sink(item);
  }

  /** In order, without changing anything: O(log k) for the k-th. Nobody may change the heap meanwhile. */
  *inOrder(): Generator<Item> {
    const front = new IndexedHeap<{ readonly item: Item; heapIndex: number }>((one, other) =>
      this.#isBefore(one.item, other.item),
    );
    const offer = (index: number): void => {
      const item = this.#items[index];
      if (item !== undefined) front.add({ item, heapIndex: NOT_IN_HEAP });
    };
    offer(0);
    for (let next = front.first; next !== undefined; next = front.first) {
      front.remove(next);
      offer(2 * next.item.heapIndex + 1);
      offer(2 * next.item.heapIndex + 2);
      yield next.item;
    }
  }

  #rise(item: Item): boolean {
    const from = item.heapIndex;
    for (;;) {
      const parentIndex = (item.heapIndex - 1) >> 1;
      const parent = this.#items[parentIndex];
      if (item.heapIndex === 0 || parent === undefined || !this.#isBefore(item, parent)) return item.heapIndex !== from;
      this.#swap(item, parent);
    }
  }

  #sink(item: Item): void {
    for (;;) {
      const left = this.#items[2 * item.heapIndex + 1];
      const right = this.#items[2 * item.heapIndex + 2];
      const child = right !== undefined && left !== undefined && this.#isBefore(right, left) ? right : left;
      if (child === undefined || !this.#isBefore(child, item)) return;
      this.#swap(child, item);
    }
  }

  #swap(one: Item, other: Item): void {
    const index = one.heapIndex;
    one.heapIndex = other.heapIndex;
    other.heapIndex = index;
    this.#items[one.heapIndex] = one;
    this.#items[other.heapIndex] = other;
  }
}
