/** Work side by side, at most so much of it; but in one lane one after the other, in the order of the calls. */
export class Lanes {
  readonly #max: number;
  readonly #lanes = new Map<string, Promise<void>>();
  readonly #underWay = new Set<Promise<void>>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Resolves when there is room for more. The work reports its own failures. */
  async enter(lane: string, work: () => Promise<void>): Promise<void> {
    const turn = (this.#lanes.get(lane) ?? Promise.resolve()).then(work);
    this.#lanes.set(lane, turn);
    this.#underWay.add(turn);
    const leave = (): void => {
      this.#underWay.delete(turn);
      if (this.#lanes.get(lane) === turn) this.#lanes.delete(lane);
    };
    turn.then(leave, leave);
    while (this.#underWay.size >= this.#max) await Promise.race(this.#underWay);
  }

  /** Resolves when all is done; rejects with the first failure that was not reported. */
  async drained(): Promise<void> {
    await Promise.all(this.#underWay);
  }
}
