import type { Verb, VerbEnd } from "./measured-engine.ts";

/** What a broker did since it started, in numbers: for its last log line, until there are metrics. */
export class Tally {
  readonly #counts: Record<Verb, number> = {
    publish: 0,
    receive: 0,
    acknowledge: 0,
    giveBack: 0,
    receiveHalf: 0,
    endTransaction: 0,
  };
  #refused = 0;
  #failed = 0;

  note(verb: Verb, end: VerbEnd, count: number): void {
    this.#counts[verb] += count;
    if (end === "failed") this.#failed += 1;
    else if (end !== "done") this.#refused += 1;
  }

  describe(): Readonly<Record<string, number>> {
    const { publish, receive, acknowledge, giveBack, receiveHalf, endTransaction } = this.#counts;
    return {
      published: publish,
      delivered: receive,
      acknowledged: acknowledge,
      givenBack: giveBack,
      checked: receiveHalf,
      transactionsEnded: endTransaction,
      refused: this.#refused,
      failed: this.#failed,
    };
  }
}
