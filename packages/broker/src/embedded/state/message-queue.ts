import type { EpochMs } from "../../domain/time.ts";
import type { Offset, Position } from "../journal/fact.ts";
import {
  CHUNK,
  type Chunk,
  chunkOf,
  chunkOfSlice,
  emptyChunk,
  forgetDates,
  joinedAt,
  leastAt,
  put,
  type QueueSlice,
  redate,
  restoreDates,
  sliceOf,
  visibleAt,
} from "./queue-chunk.ts";
import type { TagHash, TagSet } from "./tag-set.ts";

/** What a queue keeps of a message. */
export interface QueuedMessage {
  /** Where in the journal the fact stands that holds it. */
  readonly position: Position;
  readonly bodyBytes: number;
  readonly tag: TagHash;
  readonly visibleAt: EpochMs;
  /** Where the fact stands that put it into the queue; absent where that is the same. */
  readonly joinedAt?: Position;
  /** Of a dead letter: where its message stands. */
  readonly storedAt?: Position | undefined;
}

/** A message queue as it stood at one moment, whatever becomes of it later. */
export interface QueueCapture {
  readonly head: Offset;
  readonly end: Offset;
  /** Of all that ever stood in it. */
  readonly newestVisibleAt: EpochMs;
  slices(): Generator<QueueSlice>;
}

/**
 * One ordered sequence of a topic: where each message stands in the journal, how large it is, which tag it has and since when
 * it is visible. 28 bytes a message, in chunks, so that no more than one is copied to grow and it goes chunk by chunk.
 */
export class MessageQueue {
  /** The first one holds `head`. */
  readonly #chunks: Chunk[] = [];
  #firstChunk = 0;
  #head: Offset = 0;
  #end: Offset = 0;
  #newestVisibleAt: EpochMs = 0;

  /** A queue as it was captured. */
  static restore(
    { head, newestVisibleAt }: Pick<QueueCapture, "head" | "newestVisibleAt">,
    slices: Iterable<QueueSlice> = [],
  ): MessageQueue {
    const queue = new MessageQueue();
    queue.#head = head;
    queue.#end = head;
    queue.#firstChunk = chunkOf(head);
    queue.#newestVisibleAt = newestVisibleAt;
    for (const slice of slices) queue.restoreSlice(slice);
    return queue;
  }

  /** The oldest offset that is retained; `end` where nothing is. */
  get head(): Offset {
    return this.#head;
  }

  /** The offset that the next message gets. */
  get end(): Offset {
    return this.#end;
  }

  /** How many messages are retained. */
  get count(): number {
    return this.#end - this.#head;
  }

  has(offset: Offset): boolean {
    return offset >= this.#head && offset < this.#end;
  }

  /** A message never counts as visible before the one in front of it, so that what is too old is always in front. */
  append(message: QueuedMessage): void {
    const { position, bodyBytes, tag, joinedAt = position, storedAt = position } = message;
    this.#newestVisibleAt = Math.max(this.#newestVisibleAt, message.visibleAt);
    const index = this.#end % CHUNK;
    let chunk = this.#chunks[chunkOf(this.#end) - this.#firstChunk];
    if (chunk === undefined) {
      chunk = emptyChunk(index + 1, this.#newestVisibleAt, joinedAt);
      this.#chunks.push(chunk);
    } else if (this.count === 0) {
      forgetDates(chunk, this.#newestVisibleAt);
    }
    put(chunk, index, { position, storedAt, bodyBytes, tag, visibleAt: this.#newestVisibleAt, joinedAt });
    this.#end++;
  }

  /** Adds one slice of a capture, behind the ones before it: column by column, since a start adds millions of messages (RET-2). */
  restoreSlice(slice: QueueSlice): void {
    const { from, to } = slice;
    const beginsChunk = from % CHUNK === 0 || this.#chunks.length === 0;
    if (from !== this.#end || !beginsChunk || to > (chunkOf(from) + 1) * CHUNK) {
      throw new RangeError(`messages from ${from} on do not follow ${this.#end}`);
    }
    this.#chunks.push(chunkOfSlice(slice));
    this.#end = to;
  }

  /** Adds what the dates of the slice from there on were before the wall clock was set back. */
  restoreDates(from: Offset, datedAt: Float64Array): void {
    restoreDates(this.#chunkAt(from), from % CHUNK, datedAt);
  }

  /**
   * The wall clock was set to `latest`: nothing counts as visible after that, or it would stay, and all behind it, until that
   * date is old (RET-1). What the dates were is kept: it may have been set right before.
   */
  redate(latest: EpochMs): void {
    let newest = this.count > 0 ? 0 : Math.min(this.#newestVisibleAt, latest);
    for (const [index, chunk] of this.#chunks.entries()) {
      const start = (this.#firstChunk + index) * CHUNK;
      const low = Math.max(start, this.#head) - start;
      const high = Math.min(start + CHUNK, this.#end) - start;
      if (low < high) newest = redate(chunk, { low, high }, { earliest: newest, latest });
    }
    this.#newestVisibleAt = newest;
  }

  /** Where in the journal the fact stands that holds the message. */
  positionOf(offset: Offset): Position {
    return this.#chunkAt(offset).positions[offset % CHUNK] ?? 0;
  }

  /** What must be there for the message to be read: the fact that holds it; of a dead letter, first the one that says so. */
  placesOf(offset: Offset): readonly Position[] {
    const { positions, storedAt } = this.#chunkAt(offset);
    const index = offset % CHUNK;
    const position = positions[index] ?? 0;
    return storedAt === undefined || storedAt[index] === position ? [position] : [position, storedAt[index] ?? 0];
  }

  bodyBytesOf(offset: Offset): number {
    return this.#chunkAt(offset).bodyBytes[offset % CHUNK] ?? 0;
  }

  tagOf(offset: Offset): TagHash {
    const { tags } = this.#chunkAt(offset);
    const index = 2 * (offset % CHUNK);
    return { high: tags[index] ?? 0, low: tags[index + 1] ?? 0 };
  }

  hasOneOf(tags: TagSet, offset: Offset): boolean {
    const { high, low } = this.tagOf(offset);
    return tags.has(high, low);
  }

  /** Since when it can be delivered: the retention counts from then (RET-1). */
  visibleAt(offset: Offset): EpochMs {
    return visibleAt(this.#chunkAt(offset), offset % CHUNK);
  }

  /** Where in the journal the fact stands that put it into the queue, or up to 1 KiB before. Ascends with the offsets, however it was moved. */
  joinedAt(offset: Offset): Position {
    return joinedAt(this.#chunkAt(offset), offset % CHUNK);
  }

  /** The first retained offset that became visible after `instant`; `end` where none did. */
  firstVisibleAfter(instant: EpochMs): Offset {
    return this.#firstNot((offset) => this.visibleAt(offset) <= instant);
  }

  /** The first retained offset that joined the queue at `position` or behind it; `end` where none did. */
  firstJoinedFrom(position: Position): Offset {
    return this.#firstNot((offset) => this.joinedAt(offset) < position);
  }

  /** Forgets every message before `offset`. */
  dropUpTo(offset: Offset): void {
    this.#head = Math.max(this.#head, Math.min(offset, this.#end));
    const gone = Math.min(chunkOf(this.#head) - this.#firstChunk, this.#chunks.length);
    this.#chunks.splice(0, gone);
    this.#firstChunk = chunkOf(this.#head);
    const first = this.#chunks[0];
    if (first !== undefined) first.smallestPosition = undefined;
  }

  /** The message now stands at `position` too, and counts as standing there. */
  moveTo(offset: Offset, position: Position): void {
    const chunk = this.#chunkAt(offset);
    if (chunk.isCaptured) {
      chunk.positions = chunk.positions.slice();
      chunk.storedAt = chunk.storedAt?.slice();
      chunk.isCaptured = false;
    }
    chunk.positions[offset % CHUNK] = position;
    if (chunk.storedAt !== undefined) chunk.storedAt[offset % CHUNK] = position;
    chunk.smallestPosition = undefined;
  }

  /**
   * What is retained and stands, itself or its message, before `position`, by offset; cheap where nothing does. The queue may
   * change meanwhile.
   */
  *standingBefore(position: Position): Generator<Offset> {
    for (let from = this.#head; from < this.#end; from = Math.max((chunkOf(from) + 1) * CHUNK, this.#head)) {
      const chunk = this.#chunkAt(from);
      chunk.smallestPosition ??= this.#smallestIn(chunk, from);
      if (chunk.smallestPosition >= position) continue;
      for (let offset = from; chunkOf(offset) === chunkOf(from) && offset < this.#end; offset++) {
        if (this.has(offset) && leastAt(chunk, offset % CHUNK) < position) yield offset;
      }
    }
  }

  /** The queue as it stands now. Costs next to nothing; what is changed later is copied then. */
  capture(): QueueCapture {
    const { head, end } = this;
    const newestVisibleAt = this.#newestVisibleAt;
    const firstChunk = this.#firstChunk;
    const chunks = this.#chunks.map((chunk) => {
      chunk.isCaptured = true;
      return { ...chunk };
    });
    return {
      head,
      end,
      newestVisibleAt,
      *slices() {
        for (const [index, chunk] of chunks.entries()) {
          const start = (firstChunk + index) * CHUNK;
          const [from, to] = [Math.max(start, head), Math.min(start + CHUNK, end)];
          if (from < to) yield sliceOf(chunk, start, from, to);
        }
      },
    };
  }

  /** Of what is retained; what holds for an offset must hold for all before it. */
  #firstNot(holds: (offset: Offset) => boolean): Offset {
    let low = this.#head;
    let high = this.#end;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (holds(middle)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #smallestIn(chunk: Chunk, from: Offset): Position {
    let smallest = Number.POSITIVE_INFINITY;
    for (let offset = from; chunkOf(offset) === chunkOf(from) && offset < this.#end; offset++) {
      smallest = Math.min(smallest, leastAt(chunk, offset % CHUNK));
    }
    return smallest;
  }

  #chunkAt(offset: Offset): Chunk {
    const chunk = this.has(offset) ? this.#chunks[chunkOf(offset) - this.#firstChunk] : undefined;
    if (chunk === undefined) throw new RangeError(`no message stands at offset ${offset}`);
    return chunk;
  }
}
