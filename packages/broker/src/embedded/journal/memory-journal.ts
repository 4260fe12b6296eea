import { KIB } from "../../domain/size.ts";
import { ByteWriter } from "./binary.ts";
import type { Fact, Position } from "./fact.ts";
import { readFrame, writeFrame } from "./frame.ts";
import type { Journal, Recorded, SegmentSpan } from "./journal.ts";
import { ENDLESS_SPACE } from "./space.ts";

const PAGE_BYTES = 256 * KIB;

/**
 * Keeps facts as bytes, as the file journal does, so that nobody shares an object with it; forgets them with the process.
 */
export class MemoryJournal implements Journal {
  readonly secret: Uint8Array;
  /** It has no disk that could fail. */
  readonly failed: Promise<Error> = new Promise(() => {});
  readonly space = ENDLESS_SPACE;
  #pages: Page[] = [];

  constructor(secret: Uint8Array) {
    this.secret = secret;
  }

  async open(): Promise<void> {}

  async snapshot(): Promise<undefined> {}

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
    const fact = this.readAtOnce(position);
    if (!fact) throw new RangeError(`Nothing stands at ${position}.`);
    return fact;
  }

  readAtOnce(position: Position): Fact | undefined {
    const page = this.#pageOf(position);
    return page && readFrame(page.frames.buffer, position - page.start);
  }

  /** A read is over before anything can be forgotten; between a pin and a read something might. */
  pin(...positions: readonly Position[]): () => void {
    const pages = new Set(positions.flatMap((position) => this.#pageOf(position) ?? []));
    for (const page of pages) page.pins += 1;
    return () => {
      for (const page of pages) page.pins -= 1;
      pages.clear();
    };
  }

  get extent(): { readonly from: Position; readonly to: Position } {
    return { from: this.#pages[0]?.start ?? 0, to: this.replaysFrom };
  }

  /** Each page is one. */
  get segments(): readonly SegmentSpan[] {
    return this.#pages.map(({ number, start, frames }) => ({ number, from: start, to: start + frames.at }));
  }

  /** Keeps nothing: there is no next start. */
  async keepSnapshot(_position: Position, state: AsyncIterable<Uint8Array>): Promise<void> {
    await state[Symbol.asyncIterator]().return?.();
  }

  /** Nothing is ever replayed: its end. */
  get replaysFrom(): Position {
    const newest = this.#pages.at(-1);
    return newest ? newest.start + newest.frames.at : 0;
  }

  /** Frees memory. What is pinned goes with a later call. */
  async forget(position: Position): Promise<void> {
    const newest = this.#pages.at(-1);
    this.#pages = this.#pages.filter(
      (page) => page === newest || page.pins > 0 || page.start + page.frames.at > position,
    );
  }

  async scrub(_segment: number): Promise<void> {}

  damage(what: string): Error {
    return new Error(what);
  }

  async close(): Promise<void> {}

  #pageOf(position: Position): Page | undefined {
    const page = this.#pages.findLast(({ start }) => start <= position);
    return page && position < page.start + page.frames.at ? page : undefined;
  }

  #roomyPage(): Page {
    const last = this.#pages.at(-1);
    if (last && last.frames.at < PAGE_BYTES) return last;
    const page: Page = {
      number: last ? last.number + 1 : 1,
      start: last ? last.start + last.frames.at : 0,
      frames: new ByteWriter(4_096),
      pins: 0,
    };
    this.#pages.push(page);
    return page;
  }
}

interface Page {
  readonly number: number;
  readonly start: Position;
  readonly frames: ByteWriter;
  pins: number;
}
