import { ByteWriter } from "./binary.ts";
import type { Fact, Position } from "./fact.ts";
import { readFrame, writeFrame } from "./frame.ts";
import type { Journal, Recorded } from "./journal.ts";

const PAGE_BYTES = 256 * 1_024;

/**
 * Keeps facts as bytes, as the file journal does, so that nobody shares an object with it; forgets them with the process.
 */
export class MemoryJournal implements Journal {
  readonly secret: Uint8Array;
  /** It has no disk that could fail. */
  readonly failed: Promise<Error> = new Promise(() => {});
  readonly #pages: Page[] = [];

  constructor(secret: Uint8Array) {
    this.secret = secret;
  }

  async open(): Promise<void> {}

  async *replay(): AsyncIterable<readonly Recorded[]> {}

  append(facts: readonly Fact[]): Position[] {
    const page = this.#roomyPage();
    const start = page.frames.at;
    try {
      return facts.map((fact) => {
        const position = page.start + page.frames.at;
        writeFrame(page.frames, fact);
        return position;
      });
    } catch (error) {
      page.frames.at = start; // together or not at all
      throw error;
    }
  }

  async synced(_position: Position): Promise<void> {}

  async read(position: Position): Promise<Fact> {
    const page = this.#pages.findLast(({ start }) => start <= position);
    if (!page) throw new RangeError(`Nothing stands at ${position}.`);
    return readFrame(page.frames.buffer, position - page.start);
  }

  async close(): Promise<void> {}

  #roomyPage(): Page {
    const last = this.#pages.at(-1);
    if (last && last.frames.at < PAGE_BYTES) return last;
    const page = { start: last ? last.start + last.frames.at : 0, frames: new ByteWriter(4_096) };
    this.#pages.push(page);
    return page;
  }
}

interface Page {
  readonly start: Position;
  readonly frames: ByteWriter;
}
