/** Simulated time: what is to happen, the earliest first, and first come first served at one instant. */
export class Agenda {
  /** Milliseconds. */
  now = 0;
  readonly #heap: { readonly at: number; readonly turn: number; readonly act: () => void }[] = [];
  #turns = 0;

  in(delay: number, act: () => void): void {
    this.at(this.now + delay, act);
  }

  at(at: number, act: () => void): void {
    const heap = this.#heap;
    heap.push({ at: Math.max(at, this.now), turn: this.#turns++, act });
    let index = heap.length - 1;
    while (index > 0 && this.#isBefore(index, (index - 1) >> 1)) {
      this.#swap(index, (index - 1) >> 1);
      index = (index - 1) >> 1;
    }
  }

  /** Lives until nothing is left to do. */
  run(): void {
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      this.now = next.at;
      next.act();
    }
  }

  #take() {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    heap[0] = last;
    for (let index = 0; ; ) {
      let least = index;
      for (const child of [2 * index + 1, 2 * index + 2])
        if (child < heap.length && this.#isBefore(child, least)) least = child;
      if (least === index) return first;
      this.#swap(index, least);
      index = least;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (one === undefined || other === undefined) return false;
    return one.at === other.at ? one.turn < other.turn : one.at < other.at;
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap;
    [heap[a], heap[b]] = [heap[b] as (typeof heap)[0], heap[a] as (typeof heap)[0]];
  }
}
