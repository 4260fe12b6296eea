import type { Offset, Position } from "../journal/fact.ts";
import type { TagHash, TagSet } from "./tag-set.ts";

const CHUNK = 4_096;

/**
 * One ordered sequence of a topic: where each message stands in the journal, how large it is, which tag it has. 20 bytes a
 * message, in slices, so that it never has to be copied to grow.
 */
export class MessageQueue {
  readonly #positions: Float64Array[] = [];
  readonly #bodyBytes: Uint32Array[] = [];
  readonly #tags: Uint32Array[] = [];
  #end: Offset = 0;

  /** The offset that the next message gets. */
  get end(): Offset {
    return this.#end;
  }

  append(position: Position, bodyBytes: number, tag: TagHash): void {
    const index = this.#end % CHUNK;
    if (index === 0) {
      this.#positions.push(new Float64Array(CHUNK));
      this.#bodyBytes.push(new Uint32Array(CHUNK));
      this.#tags.push(new Uint32Array(2 * CHUNK));
    }
    const slice = this.#positions.length - 1;
    (this.#positions[slice] as Float64Array)[index] = position;
    (this.#bodyBytes[slice] as Uint32Array)[index] = bodyBytes;
    const tags = this.#tags[slice] as Uint32Array;
    tags[2 * index] = tag.high;
    tags[2 * index + 1] = tag.low;
    this.#end++;
  }

  /** Where in the journal the fact stands that holds the message. */
  positionOf(offset: Offset): Position {
    const position = this.#positions[Math.floor(offset / CHUNK)]?.[offset % CHUNK];
    if (position === undefined || offset >= this.#end) throw new RangeError(`no message stands at offset ${offset}`);
    return position;
  }

  bodyBytesOf(offset: Offset): number {
    return this.#bodyBytes[Math.floor(offset / CHUNK)]?.[offset % CHUNK] ?? 0;
  }

  tagOf(offset: Offset): TagHash {
    const tags = this.#tags[Math.floor(offset / CHUNK)];
    const index = 2 * (offset % CHUNK);
    return { high: tags?.[index] ?? 0, low: tags?.[index + 1] ?? 0 };
  }

  hasOneOf(tags: TagSet, offset: Offset): boolean {
    const { high, low } = this.tagOf(offset);
    return tags.has(high, low);
  }
}
