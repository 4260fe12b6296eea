import type { ListedMessage } from "../engine/engine.ts";

/** What is remembered: so many, and so many characters of bodies. */
export interface Memory {
  readonly entries: number;
  readonly characters: number;
}

/** The newest of what happened, in its order. The oldest go when there is too much. */
export class Recent<Entry extends ListedMessage> {
  readonly #memory: Memory;
  readonly #onForgotten: (entry: Entry) => void;
  readonly #entries = new Set<Entry>();
  #characters = 0;
  /** Whether any has gone. */
  hasForgotten = false;

  constructor(memory: Memory, onForgotten: (entry: Entry) => void) {
    this.#memory = memory;
    this.#onForgotten = onForgotten;
  }

  add(entry: Entry): void {
    this.#entries.add(entry);
    this.#characters += entry.message.body.length;
    for (const oldest of this.#entries) {
      if (this.#entries.size <= this.#memory.entries && this.#characters <= this.#memory.characters) return;
      this.delete(oldest);
      this.hasForgotten = true;
      this.#onForgotten(oldest);
    }
  }

  delete(entry: Entry): void {
    if (this.#entries.delete(entry)) this.#characters -= entry.message.body.length;
  }

  clear(): void {
    this.#entries.clear();
    this.#characters = 0;
    this.hasForgotten = false;
  }

  [Symbol.iterator](): Iterator<Entry> {
    return this.#entries.values();
  }
}
