import type { Taker } from "./driver.ts";

/** Who has come, until all have or the time is up. Tells of each when it comes first. */
export class Roll implements Taker {
  readonly done: Promise<void>;
  readonly #seen = new Set<string>();
  readonly #wanted: number;
  readonly #first: (label: string) => void;
  #received = 0;
  #end: () => void = () => {};
  #isOver = false;

  constructor(wanted: number, atMostMs: number, first: (label: string) => void = () => {}) {
    [this.#wanted, this.#first] = [wanted, first];
    this.done = new Promise((resolve) => {
      const timer = setTimeout(() => this.#end(), atMostMs);
      this.#end = () => {
        this.#isOver = true;
        clearTimeout(timer);
        resolve();
      };
    });
    if (wanted === 0) this.#end();
  }

  get count(): number {
    return this.#seen.size;
  }

  /** How many came more than once. */
  get again(): number {
    return this.#received - this.#seen.size;
  }

  get isDone(): boolean {
    return this.#isOver || this.#seen.size >= this.#wanted;
  }

  received(labels: readonly string[]): void {
    this.#received += labels.length;
    for (const label of labels) {
      if (this.#seen.has(label)) continue;
      this.#seen.add(label);
      this.#first(label);
    }
    if (this.#seen.size >= this.#wanted) this.#end();
  }
}
