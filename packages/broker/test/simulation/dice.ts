import { SeededRandom } from "../../src/testing/seeded-random.ts";

/** Draws of one seed. Every step has a stream of its own, so that leaving one out changes no other. */
export class Dice {
  readonly #seed: number;
  #random: SeededRandom;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = new SeededRandom(seed);
  }

  turnTo(step: number): void {
    this.#random = streamOf(this.#seed, step + 2);
  }

  below(bound: number): number {
    return this.#random.below(bound);
  }

  oneIn(count: number): boolean {
    return this.#random.below(count) === 0;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.#random.below(items.length)] as Item;
  }
}

/** For what the machine itself draws: its disk, its keys, its ids. */
export function machineRandom(seed: number): SeededRandom {
  return streamOf(seed, 1);
}

function streamOf(seed: number, stream: number): SeededRandom {
  return new SeededRandom((seed % 2 ** 32) + stream * 2 ** 32);
}
