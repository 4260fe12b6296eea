import type { Random } from "../runtime/random.ts";

/** The same numbers for the same seed, on every machine (sfc32). Not for secrets. */
export class SeededRandom implements Random {
  #a = 0x9e37_79b9;
  #b = 0x243f_6a88;
  #c = 0xb7e1_5162;
  #counter: number;

  constructor(seed: number) {
    this.#a ^= seed;
    this.#counter = (Math.floor(seed / 2 ** 32) << 1) | 1;
    // The first numbers of neighbouring seeds are alike.
    for (let round = 0; round < 15; round++) this.#next();
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at++) bytes[at] = this.#next() >>> 24;
    return bytes;
  }

  below(bound: number): number {
    if (!Number.isSafeInteger(bound) || bound < 1 || bound > 2 ** 48) throw new RangeError(`bound is ${bound}`);
    const draw = (this.#next() >>> 5) * 2 ** 26 + (this.#next() >>> 6);
    return Math.floor((draw / 2 ** 53) * bound);
  }

  #next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
}
