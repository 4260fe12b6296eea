import type { EpochMs } from "../../domain/time.ts";
import type { Offset, Position } from "../journal/fact.ts";
import type { TagHash } from "./tag-set.ts";

/** A run of a message queue's messages, as columns of numbers: what is kept of each, and how the columns grow. */

/** Messages of a queue that are kept together. */
export const CHUNK = 4_096;
/** Of a chunk at first; it grows fourfold up to the whole. */
const LEAST_ROOM = 64;
/** What fits into a narrow column. */
const MAX_DELTA = 2 ** 32 - 1;
/** How finely the queue knows where in the journal a message joined it. */
const JOINED_GRAIN = 1_024;

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
  /** When they became visible by the wall clock of then; absent where that is what counts. */
  readonly datedAt?: Float64Array | undefined;
}

/**
 * Entries are only ever added, but for positions, which are cloned before a change while somebody may still look at them, and
 * for dates, which are new columns after each change.
 */
export interface Chunk {
  positions: Float64Array;
  /** Kept for dead letters, whose own facts point to where their messages stand. */
  storedAt: Float64Array | undefined;
  isCaptured: boolean;
  /** Of what is still retained; unset until somebody asks. */
  smallestPosition: Position | undefined;
  bodyBytes: Uint32Array;
  tags: Uint32Array;
  /** When the first message of the chunk became visible. */
  visibleFrom: EpochMs;
  /** How much later the others did; wider only where 49 days do not suffice. */
  visibleAfter: Uint32Array | Float64Array;
  /** What the dates were before the wall clock was set back; kept where that made a difference, since it may be undone. */
  datedAt: Float64Array | undefined;
  /** Where in the journal the first message of the chunk joined the queue. */
  readonly joinedFrom: Position;
  /** How much further on the others did, in grains. */
  joinedAfter: Uint32Array;
}

/** With room for so many messages, of which the first became visible, and joined the queue, then and there. */
export function emptyChunk(count: number, visibleFrom: EpochMs, joinedFrom: Position): Chunk {
  const room = roomFor(count);
  return {
    positions: new Float64Array(room),
    storedAt: undefined,
    isCaptured: false,
    smallestPosition: undefined,
    bodyBytes: new Uint32Array(room),
    tags: new Uint32Array(2 * room),
    visibleFrom,
    visibleAfter: new Uint32Array(room),
    datedAt: undefined,
    joinedFrom: joinedFrom - (joinedFrom % JOINED_GRAIN), // so that it does not matter where a chunk begins
    joinedAfter: new Uint32Array(room),
  };
}

/** A chunk as it was captured: column by column, since a start adds millions of messages (RET-2). */
export function chunkOfSlice(slice: QueueSlice): Chunk {
  const { from, to, positions, bodyBytes, tags, storedAt } = slice;
  const index = from % CHUNK;
  const chunk = emptyChunk(index + to - from, slice.visibleAt[0] ?? 0, slice.joinedAt[0] ?? 0);
  const room = chunk.positions.length;
  const isWide = (slice.visibleAt[to - from - 1] ?? 0) - chunk.visibleFrom > MAX_DELTA;
  if (isWide) chunk.visibleAfter = new Float64Array(room);
  chunk.positions.set(positions, index);
  chunk.bodyBytes.set(bodyBytes, index);
  chunk.tags.set(tags, 2 * index);
  if (storedAt !== undefined) {
    chunk.storedAt = new Float64Array(room);
    chunk.storedAt.set(storedAt, index);
  }
  for (let offset = from; offset < to; offset++) {
    chunk.visibleAfter[offset % CHUNK] = (slice.visibleAt[offset - from] ?? 0) - chunk.visibleFrom;
    chunk.joinedAfter[offset % CHUNK] = ((slice.joinedAt[offset - from] ?? 0) - chunk.joinedFrom) / JOINED_GRAIN;
  }
  return chunk;
}

/** What a chunk keeps of a message. */
interface Entry {
  readonly position: Position;
  readonly storedAt: Position;
  readonly bodyBytes: number;
  readonly tag: TagHash;
  readonly visibleAt: EpochMs;
  readonly joinedAt: Position;
}

/** Adds the next message. */
export function put(chunk: Chunk, index: number, entry: Entry): void {
  const { position, storedAt, bodyBytes, tag } = entry;
  if (index >= chunk.positions.length) widen(chunk, roomFor(index + 1));
  chunk.positions[index] = position;
  if (storedAt !== position) chunk.storedAt ??= chunk.positions.slice();
  if (chunk.storedAt !== undefined) chunk.storedAt[index] = storedAt;
  if (chunk.smallestPosition !== undefined)
    chunk.smallestPosition = Math.min(chunk.smallestPosition, position, storedAt);
  chunk.bodyBytes[index] = bodyBytes;
  chunk.tags[2 * index] = tag.high;
  chunk.tags[2 * index + 1] = tag.low;
  const after = entry.visibleAt - chunk.visibleFrom;
  if (after > MAX_DELTA && chunk.visibleAfter instanceof Uint32Array) {
    chunk.visibleAfter = Float64Array.from(chunk.visibleAfter);
  }
  chunk.visibleAfter[index] = after;
  if (chunk.datedAt !== undefined) chunk.datedAt[index] = entry.visibleAt;
  chunk.joinedAfter[index] = (entry.joinedAt - chunk.joinedFrom) / JOINED_GRAIN;
}

export function visibleAt({ visibleFrom, visibleAfter }: Chunk, index: number): EpochMs {
  return visibleFrom + (visibleAfter[index] ?? 0);
}

/**
 * Has the entries from `low` up to, not including, `high` count as visible since when their dates were, but not after `latest`
 * and not before `earliest`, nor before the entry in front. Returns the last date.
 */
export function redate(
  chunk: Chunk,
  { low, high }: { readonly low: number; readonly high: number },
  { earliest, latest }: { readonly earliest: EpochMs; readonly latest: EpochMs },
): EpochMs {
  const last = visibleAt(chunk, high - 1);
  if (chunk.datedAt === undefined && last <= latest && visibleAt(chunk, low) >= earliest) return last;
  const datedAt = chunk.datedAt ?? Float64Array.from(chunk.visibleAfter, (after) => chunk.visibleFrom + after);
  const dates = new Float64Array(datedAt.length);
  let newest = earliest;
  let isSame = true;
  for (let index = low; index < high; index++) {
    const date = datedAt[index] ?? 0;
    newest = Math.max(newest, Math.min(date, latest));
    dates[index] = newest;
    if (newest !== date) isSame = false;
  }
  chunk.datedAt = isSame ? undefined : datedAt;
  setDates(chunk, { low, high }, dates);
  return newest;
}

/** Nothing in it is retained any more: dates are counted anew, from one that may lie before all of them. */
export function forgetDates(chunk: Chunk, visibleFrom: EpochMs): void {
  chunk.visibleFrom = visibleFrom;
  chunk.datedAt = undefined;
}

/** The dates in front of `low` are of nothing that is retained. */
function setDates(
  chunk: Chunk,
  { low, high }: { readonly low: number; readonly high: number },
  dates: Float64Array,
): void {
  const first = dates[low] ?? 0;
  const isWide = (dates[high - 1] ?? 0) - first > MAX_DELTA;
  chunk.visibleFrom = first;
  chunk.visibleAfter = isWide ? new Float64Array(dates.length) : new Uint32Array(dates.length);
  for (let index = low; index < high; index++) chunk.visibleAfter[index] = (dates[index] ?? 0) - first;
}

/** Or up to a grain before. */
export function joinedAt({ joinedFrom, joinedAfter }: Chunk, index: number): Position {
  return joinedFrom + (joinedAfter[index] ?? 0) * JOINED_GRAIN;
}

/** Adds to a chunk as it was captured what the dates were, from this entry on. */
export function restoreDates(chunk: Chunk, index: number, datedAt: Float64Array): void {
  chunk.datedAt = new Float64Array(chunk.positions.length);
  chunk.datedAt.set(datedAt, index);
}

/** How many entries a chunk with so many is made for. Most queues of most brokers hold few messages: 8,000 empty ones must not take a gigabyte. */
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
  chunk.datedAt = chunk.datedAt && copied(chunk.datedAt, new Float64Array(room));
  chunk.joinedAfter = copied(chunk.joinedAfter, new Uint32Array(room));
}

function copied<Column extends Float64Array | Uint32Array>(from: Column, to: Column): Column {
  to.set(from);
  return to;
}

export function chunkOf(offset: Offset): number {
  return Math.floor(offset / CHUNK);
}

export function leastAt({ positions, storedAt }: Chunk, index: number): Position {
  const position = positions[index] ?? 0;
  return storedAt === undefined ? position : Math.min(position, storedAt[index] ?? 0);
}

export function sliceOf(chunk: Chunk, start: Offset, from: Offset, to: Offset): QueueSlice {
  const [low, high] = [from - start, to - start];
  const visibleAt = Float64Array.from(chunk.visibleAfter.subarray(low, high), (after) => chunk.visibleFrom + after);
  const datedAt = chunk.datedAt?.subarray(low, high);
  return {
    from,
    to,
    positions: chunk.positions.subarray(low, high),
    bodyBytes: chunk.bodyBytes.subarray(low, high),
    tags: chunk.tags.subarray(2 * low, 2 * high),
    visibleAt,
    joinedAt: Float64Array.from(
      chunk.joinedAfter.subarray(low, high),
      (after) => chunk.joinedFrom + after * JOINED_GRAIN,
    ),
    storedAt: chunk.storedAt?.subarray(low, high),
    datedAt: datedAt?.some((date, index) => date !== visibleAt[index]) ? datedAt : undefined,
  };
}
