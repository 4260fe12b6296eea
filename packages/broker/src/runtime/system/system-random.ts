import { randomFillSync } from "node:crypto";
import type { Random } from "../random.ts";

const POOL_BYTES = 4_096;
const DRAW_BYTES = 6;
const DRAWS = 2 ** (8 * DRAW_BYTES);

/** The operating system's randomness, fetched in larger pieces since asking costs more than the bytes. */
export class SystemRandom implements Random {
  readonly #pool = Buffer.alloc(POOL_BYTES);
  #used = POOL_BYTES;

  bytes(length: number): Uint8Array {
    if (length > POOL_BYTES) return randomFillSync(new Uint8Array(length));
    const bytes = new Uint8Array(length);
    bytes.set(this.#take(length));
    return bytes;
  }

  below(bound: number): number {
    if (!Number.isSafeInteger(bound) || bound < 1 || bound > DRAWS) throw new RangeError(`bound is ${bound}`);
    // Draws beyond the last whole multiple would favour the small numbers.
    const fair = DRAWS - (DRAWS % bound);
    for (;;) {
      const draw = this.#take(DRAW_BYTES).readUIntBE(0, DRAW_BYTES);
      if (draw < fair) return draw % bound;
    }
  }

  #take(length: number): Buffer {
    if (this.#used + length > POOL_BYTES) {
      randomFillSync(this.#pool);
      this.#used = 0;
    }
    this.#used += length;
    return this.#pool.subarray(this.#used - length, this.#used);
  }
}
