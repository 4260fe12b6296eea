/** Verbs that have not answered yet. */
export class VerbsAtWork {
  readonly #verbs = new Set<Promise<unknown>>();

  run<Answer>(verb: () => Promise<Answer>): Promise<Answer> {
    const answer = verb();
    const leave = (): boolean => this.#verbs.delete(done);
    const done: Promise<boolean> = answer.then(leave, leave);
    this.#verbs.add(done);
    return answer;
  }

  /** Resolves when none is left, those that have come meanwhile too. */
  async finished(): Promise<void> {
    while (this.#verbs.size > 0) await Promise.allSettled([...this.#verbs]);
  }
}
