/** Work side by side, at most so much of it; but in one lane one after the other, in the order of the calls. */
export class Lanes {
  readonly #max: number;
  readonly #lanes = new Map<string, Promise<void>>();
  readonly #underWay = new Set<Promise<void>>();
  #failure: { readonly reason: unknown } | undefined;

  constructor(max: number) {
    this.#max = max;
  }

  /** Resolves when there is room for more. Work reports its failures itself; one that it did not report is thrown here, or by `drained`. */
  async enter(lane: string, work: () => Promise<void>): Promise<void> {
    const turn = (this.#lanes.get(lane) ?? Promise.resolve()).then(work).catch((reason: unknown) => {
      this.#failure ??= { reason };
    });
    this.#lanes.set(lane, turn);
    const leaving = turn.then(() => {
      this.#underWay.delete(leaving);
      if (this.#lanes.get(lane) === turn) this.#lanes.delete(lane);
    });
    this.#underWay.add(leaving);
    while (this.#underWay.size >= this.#max) await Promise.race(this.#underWay);
    this.#throwFailure();
  }

  /** Resolves when all is done. */
  async drained(): Promise<void> {
    await Promise.all(this.#underWay);
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.reason;
  }
}
