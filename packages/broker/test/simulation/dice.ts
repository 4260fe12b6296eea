import { SeededRandom } from "../../src/testing/seeded-random.ts";

/** Streams behind those of all steps. */
const BEHIND_STEPS = 2 ** 20;
export const HEALING = BEHIND_STEPS;
export const BEGINNING = BEHIND_STEPS + 1;
export const SIZE_LIMIT = BEHIND_STEPS + 2;

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
