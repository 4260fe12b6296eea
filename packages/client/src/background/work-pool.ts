/** Pieces of work, at most so many at once. They handle their own failures. */
export class WorkPool {
  readonly #size: number;
  readonly #inHand = new Set<Promise<void>>();

  constructor(size: number) {
    this.#size = size;
  }

  get free(): number {
    return this.#size - this.#inHand.size;
  }

  /** Resolves when there is room for one more. */
  async room(): Promise<void> {
    while (this.free <= 0) await Promise.race(this.#inHand);
  }

  async start(work: () => Promise<void>): Promise<void> {
    await this.room();
    const one = work().finally(() => this.#inHand.delete(one));
    this.#inHand.add(one);
  }

  /** Resolves when nothing is in hand. */
  async idle(): Promise<void> {
    await Promise.all(this.#inHand);
  }
}
