/** First in, first out, at the same cost however many there are: an array that is shifted moves all the rest. */
export class Line<T> {
  #items: T[] = [];
  #begin = 0;

  get first(): T | undefined {
    return this.#items[this.#begin];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  dropFirst(): void {
    this.#begin += 1;
    if (this.#begin * 2 <= this.#items.length) return;
    this.#items = this.#items.slice(this.#begin);
    this.#begin = 0;
  }
}
