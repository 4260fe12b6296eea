/** Verbs that have not answered yet. */
export class VerbsAtWork {
  #count = 0;
  readonly #onNone: (() => void)[] = [];

  async run<Answer>(verb: () => Promise<Answer>): Promise<Answer> {
    this.#count += 1;
    try {
      return await verb();
    } finally {
      this.#count -= 1;
      if (this.#count === 0) for (const resolve of this.#onNone.splice(0)) resolve();
    }
  }

  /** Resolves when none is left, those that have come meanwhile too. */
  async finished(): Promise<void> {
    while (this.#count > 0) await new Promise<void>((resolve) => this.#onNone.push(resolve));
  }
}
