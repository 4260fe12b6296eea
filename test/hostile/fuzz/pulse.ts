/**
 * Counts the well-formed round trips that are made all the while. Whoever waits for an answer while a few of them were made waits in vain:
 * on a busy machine that says more than any number of milliseconds.
 */
export class Pulse {
  #beats = 0;
  readonly #listeners = new Set<() => void>();

  get beats(): number {
    return this.#beats;
  }

  beat(): void {
    this.#beats += 1;
    for (const listener of this.#listeners) listener();
  }

  listen(listener: () => void): void {
    this.#listeners.add(listener);
  }

  leave(listener: () => void): void {
    this.#listeners.delete(listener);
  }
}
