import type { Random } from "../runtime/random.ts";

const PREFIX = 10;
const COUNTER = 6;

/** PUB-3: 32 upper-case hex digits. A prefix drawn at each start, so that an id cut from the journal is never given again. */
export class MessageIds {
  readonly #prefix: string;
  #count = 0;

  constructor(random: Random) {
    this.#prefix = Buffer.from(random.bytes(PREFIX)).toString("hex").toUpperCase();
  }

  next(): string {
    this.#count += 1;
    return (
      this.#prefix +
      this.#count
        .toString(16)
        .toUpperCase()
        .padStart(2 * COUNTER, "0")
    );
  }
}
