/** A place in a line. */
export interface Turn {
  /** Resolves when all who came before have left. */
  readonly come: Promise<void>;
  /** To be called once, also by who did not wait for its turn. */
  leave(): void;
}

/** Lines of those who must not overtake one another: one a key. */
export class KeyedTurns {
  readonly #lastOf = new Map<string, Promise<void>>();

  enter(key: string): Turn {
    const come = this.#lastOf.get(key) ?? Promise.resolve();
    let leave = (): void => undefined;
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    const over: Promise<void> = come
      .then(() => left)
      .then(() => {
        if (this.#lastOf.get(key) === over) this.#lastOf.delete(key);
      });
    this.#lastOf.set(key, over);
    return { come, leave };
  }
}
