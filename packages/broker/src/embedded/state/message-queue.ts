import type { EpochMs } from "../../domain/time.ts";
import type { Offset, Position } from "../journal/fact.ts";
import type { TagHash, TagSet } from "./tag-set.ts";

const CHUNK = 4_096;
/** Of a chunk at first; it grows fourfold up to the whole. */
const LEAST_ROOM = 64;
const MAX_DELTA = 2 ** 32 - 1;
/** How finely the queue knows where in the journal a message joined it. */
const JOINED_GRAIN = 1_024;

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

/** The messages of one chunk, column by column: those from `from` up to, not including, `to`. Never changes. */
export interface QueueSlice {
  readonly from: Offset;
  readonly to: Offset;
  readonly positions: Float64Array;
  readonly bodyBytes: Uint32Array;
  /** Two halves for each message, the high one first. */
  readonly tags: Uint32Array;
  readonly visibleAt: Float64Array;
  readonly joinedAt: Float64Array;
  /** Where the messages themselves stand; absent where that is the same. */
  readonly storedAt?: Float64Array | undefined;
}

/** A message queue as it stood at one moment, whatever becomes of it later. */
export interface QueueCapture {
  readonly head: Offset;
  readonly end: Offset;
  /** Of all that ever stood in it. */
  readonly newestVisibleAt: EpochMs;
  slices(): Generator<QueueSlice>;
}

/** Entries are only ever added, but for positions: these are cloned before a change while somebody may still look at them. */
interface Chunk {
  positions: Float64Array;
  /** Kept for dead letters, whose own facts point to where their messages stand. */
  storedAt: Float64Array | undefined;
  isCaptured: boolean;
  /** Of what is still retained; unset until somebody asks. */
  smallestPosition: Position | undefined;
  bodyBytes: Uint32Array;
  tags: Uint32Array;
  /** When the first message of the chunk became visible. */
  readonly visibleFrom: EpochMs;
  /** How much later the others did; wider only where 49 days do not suffice. */
  visibleAfter: Uint32Array | Float64Array;
  /** Where in the journal the first message of the chunk joined the queue. */
  readonly joinedFrom: Position;
  /** How much further on the others did, in grains. */
  joinedAfter: Uint32Array;
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
  append({ position, bodyBytes, tag, visibleAt, joinedAt = position, storedAt = position }: QueuedMessage): void {
    this.#newestVisibleAt = Math.max(this.#newestVisibleAt, visibleAt);
    const index = this.#end % CHUNK;
    const chunk =
      this.#chunks[chunkOf(this.#end) - this.#firstChunk] ??
      this.#addChunk(roomFor(index + 1), this.#newestVisibleAt, joinedAt, false);
    if (index >= chunk.positions.length) widen(chunk, roomFor(index + 1));
    chunk.positions[index] = position;
    if (storedAt !== position) chunk.storedAt ??= chunk.positions.slice();
    if (chunk.storedAt !== undefined) chunk.storedAt[index] = storedAt;
    if (chunk.smallestPosition !== undefined)
      chunk.smallestPosition = Math.min(chunk.smallestPosition, position, storedAt);
    chunk.bodyBytes[index] = bodyBytes;
    chunk.tags[2 * index] = tag.high;
    chunk.tags[2 * index + 1] = tag.low;
    const after = this.#newestVisibleAt - chunk.visibleFrom;
    if (after > MAX_DELTA && chunk.visibleAfter instanceof Uint32Array) {
      chunk.visibleAfter = Float64Array.from(chunk.visibleAfter);
    }
    chunk.visibleAfter[index] = after;
    chunk.joinedAfter[index] = (joinedAt - chunk.joinedFrom) / JOINED_GRAIN;
    this.#end++;
  }

  /** Adds one slice of a capture, behind the ones before it: column by column, since a start adds millions of messages (RET-2). */
  restoreSlice({ from, to, positions, bodyBytes, tags, visibleAt, joinedAt, storedAt }: QueueSlice): void {
    const beginsChunk = from % CHUNK === 0 || this.#chunks.length === 0;
    if (from !== this.#end || !beginsChunk || to > (chunkOf(from) + 1) * CHUNK) {
      throw new RangeError(`messages from ${from} on do not follow ${this.#end}`);
    }
    const index = from % CHUNK;
    const visibleFrom = visibleAt[0] ?? 0;
    const isWide = (visibleAt[to - from - 1] ?? 0) - visibleFrom > MAX_DELTA;
    const joinedFrom = joinedAt[0] ?? 0;
    const chunk = this.#addChunk(roomFor(index + to - from), visibleFrom, joinedFrom, isWide);
    chunk.positions.set(positions, index);
    chunk.bodyBytes.set(bodyBytes, index);
    chunk.tags.set(tags, 2 * index);
    if (storedAt !== undefined) {
      chunk.storedAt = new Float64Array(chunk.positions.length);
      chunk.storedAt.set(storedAt, index);
    }
    for (let offset = from; offset < to; offset++) {
      chunk.visibleAfter[offset % CHUNK] = (visibleAt[offset - from] ?? 0) - visibleFrom;
      chunk.joinedAfter[offset % CHUNK] = ((joinedAt[offset - from] ?? 0) - joinedFrom) / JOINED_GRAIN;
    }
    this.#end = to;
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
    const { visibleFrom, visibleAfter } = this.#chunkAt(offset);
    return visibleFrom + (visibleAfter[offset % CHUNK] ?? 0);
  }

  /** Where in the journal the fact stands that put it into the queue, or up to 1 KiB before. Ascends with the offsets, however it was moved. */
  joinedAt(offset: Offset): Position {
    const { joinedFrom, joinedAfter } = this.#chunkAt(offset);
    return joinedFrom + (joinedAfter[offset % CHUNK] ?? 0) * JOINED_GRAIN;
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

  #addChunk(room: number, visibleFrom: EpochMs, joinedFrom: Position, isWide: boolean): Chunk {
    const chunk: Chunk = {
      positions: new Float64Array(room),
      storedAt: undefined,
      isCaptured: false,
      smallestPosition: undefined,
      bodyBytes: new Uint32Array(room),
      tags: new Uint32Array(2 * room),
      visibleFrom,
      visibleAfter: isWide ? new Float64Array(room) : new Uint32Array(room),
      joinedFrom: joinedFrom - (joinedFrom % JOINED_GRAIN), // so that it does not matter where a chunk begins
      joinedAfter: new Uint32Array(room),
    };
    this.#chunks.push(chunk);
    return chunk;
  }
}

/** Most queues of most brokers hold few messages: 8,000 empty ones must not take a gigabyte. */
function roomFor(count: number): number {
  let room = LEAST_ROOM;
  while (room < count) room *= 4;
  return room;
}

/** The columns are new ones: whoever captured the chunk keeps the old. */
function widen(chunk: Chunk, room: number): void {
  chunk.positions = copied(chunk.positions, new Float64Array(room));
  chunk.storedAt = chunk.storedAt && copied(chunk.storedAt, new Float64Array(room));
  chunk.bodyBytes = copied(chunk.bodyBytes, new Uint32Array(room));
  chunk.tags = copied(chunk.tags, new Uint32Array(2 * room));
  chunk.visibleAfter =
    chunk.visibleAfter instanceof Uint32Array
      ? copied(chunk.visibleAfter, new Uint32Array(room))
      : copied(chunk.visibleAfter, new Float64Array(room));
  chunk.joinedAfter = copied(chunk.joinedAfter, new Uint32Array(room));
}

function copied<Column extends Float64Array | Uint32Array>(from: Column, to: Column): Column {
  to.set(from);
  return to;
}

function chunkOf(offset: Offset): number {
  return Math.floor(offset / CHUNK);
}

function leastAt({ positions, storedAt }: Chunk, index: number): Position {
  const position = positions[index] ?? 0;
  return storedAt === undefined ? position : Math.min(position, storedAt[index] ?? 0);
}

function sliceOf(chunk: Chunk, start: Offset, from: Offset, to: Offset): QueueSlice {
  const [low, high] = [from - start, to - start];
  return {
    from,
    to,
    positions: chunk.positions.subarray(low, high),
    bodyBytes: chunk.bodyBytes.subarray(low, high),
    tags: chunk.tags.subarray(2 * low, 2 * high),
    visibleAt: Float64Array.from(chunk.visibleAfter.subarray(low, high), (after) => chunk.visibleFrom + after),
    joinedAt: Float64Array.from(
      chunk.joinedAfter.subarray(low, high),
      (after) => chunk.joinedFrom + after * JOINED_GRAIN,
    ),
    storedAt: chunk.storedAt?.subarray(low, high),
  };
}
