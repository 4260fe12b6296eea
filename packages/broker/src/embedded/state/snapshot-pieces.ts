import type { GroupSettings } from "../../domain/consumer-group.ts";
import type { GroupRef, TopicRef } from "../../domain/names.ts";
import type { EpochMs } from "../../domain/time.ts";
import type { TopicKind } from "../../domain/topic.ts";
import {
  ByteReader,
  type ByteWriter,
  flag,
  hex16,
  list,
  optional,
  pair,
  record,
  type Shape,
  UnreadableBytes,
  whole,
  word,
} from "../journal/binary.ts";
import type { Id, Offset, WallClockStepped } from "../journal/fact.ts";
import { groupRef, groupSettings, origin, topicKind, topicRef } from "../journal/fact-codec.ts";
import type { DelayedMessage } from "./delayed-messages.ts";
import type { KeptHalfMessage } from "./half-messages.ts";
import type { HalfState } from "./half-state.ts";
import type { QueueSlice } from "./queue-chunk.ts";
import type { KeptOutstanding, KeptPlace } from "./subscription.ts";
import type { TagHash } from "./tag-set.ts";

interface OfSubscription {
  readonly topic: Id;
  readonly group: Id;
}

interface OfPlace extends OfSubscription {
  readonly queue: number;
}

type Range = readonly [from: Offset, to: Offset];

/** The ledger in a snapshot, piece by piece. What a piece belongs to comes before it; otherwise they stand in no order. */
export interface Pieces {
  readonly ledger: {
    readonly newestAt: EpochMs;
    readonly wallClockStep: Omit<WallClockStepped, "kind"> | undefined;
    readonly lastId: Id;
  };
  readonly topic: {
    readonly id: Id;
    readonly ref: TopicRef;
    readonly kind: TopicKind | undefined;
    readonly origin: "declared" | "use";
    readonly queues: readonly { readonly head: Offset; readonly newestVisibleAt: EpochMs }[];
  };
  readonly group: {
    readonly id: Id;
    readonly ref: GroupRef;
    readonly settings: GroupSettings;
    readonly origin: "declared" | "use";
    readonly declaredStarts: readonly (readonly [topic: Id, starts: readonly Offset[]])[] | undefined;
  };
  readonly subscription: OfSubscription & {
    readonly starts: readonly Offset[];
    readonly deadLettered: number;
    readonly passedOver: number;
    readonly droppedUnread: number;
    readonly droppedUnacknowledged: number;
  };
  readonly place: OfSubscription & KeptPlace;
  /** Of its place, the next ranges that are ready. */
  readonly ranges: OfPlace & { readonly ready: readonly Range[] };
  readonly outstanding: OfSubscription & KeptOutstanding;
  readonly half: KeptHalfMessage;
  readonly delayed: Omit<DelayedMessage, "heapIndex" | "capturedIn">;
  readonly messages: { readonly topic: Id; readonly queue: number } & Omit<QueueSlice, "datedAt">;
  /** Of messages before it: what their dates were before the wall clock was set back. */
  readonly dates: {
    readonly topic: Id;
    readonly queue: number;
    readonly from: Offset;
    readonly datedAt: Float64Array;
  };
  readonly use: KeptUse;
}

/** When a topic, a group, or a group on a topic was used last, as far as was known; where one of the two is not meant, it is 0. */
export interface KeptUse extends OfSubscription {
  readonly at: EpochMs;
}

export type PieceName = keyof Pieces;

type AnyPiece = { readonly [Name in PieceName]: readonly [Name, Pieces[Name]] }[PieceName];

const halfState = word<HalfState>({ prepared: 0, offered: 1, committed: 2, "rolled-back": 3, abandoned: 4 });
const tagHash = record<TagHash>({ high: whole, low: whole });

/** Of a value that may be undefined. */
function orNone<T>(shape: Shape<T>): Shape<T | undefined> {
  return {
    write(to, value) {
      to.byte(value === undefined ? 0 : 1);
      if (value !== undefined) shape.write(to, value);
    },
    read: (from) => (from.byte() === 0 ? undefined : shape.read(from)),
  };
}

/** A number that is -1 where there is none. */
const numberOrNone: Shape<number> = {
  write: (to, value) => to.whole(value + 1),
  read: (from) => from.whole() - 1,
};

/** The last range is open to the future: its end is written as 0. */
const range: Shape<Range> = {
  write(to, [first, end]) {
    to.whole(first);
    to.whole(end === Number.POSITIVE_INFINITY ? 0 : end);
  },
  read: (from) => [from.whole(), from.whole() || Number.POSITIVE_INFINITY],
};

/** Numbers as they stand in memory, little-endian wherever this runs: millions of them cost nothing to read (RET-2). */
function column<Column extends Float64Array | Uint32Array>(
  make: (bytes: ArrayBuffer) => Column,
  bytesEach: number,
): Shape<Column> {
  return {
    write(to, { buffer, byteOffset, byteLength, length }) {
      to.whole(length);
      to.reserve(byteLength);
      to.buffer.set(new Uint8Array(buffer, byteOffset, byteLength), to.at);
      to.at += byteLength;
    },
    read(from) {
      const length = from.count() * bytesEach;
      if (length > from.end - from.at) throw new UnreadableBytes("A column leads beyond the end.");
      const bytes = new Uint8Array(length);
      bytes.set(from.buffer.subarray(from.at, from.at + length));
      from.at += length;
      return make(bytes.buffer);
    },
  };
}

const floats = column((bytes) => new Float64Array(bytes), 8);
const words = column((bytes) => new Uint32Array(bytes), 4);

/** To change a piece's form, give the new one another number and go on reading the old one (DUR-5). */
const SHAPES: { readonly [Name in PieceName]: readonly [code: number, Shape<Pieces[Name]>] } = {
  ledger: [
    1,
    record<Pieces["ledger"]>({
      newestAt: whole,
      wallClockStep: orNone(record({ from: whole, to: whole, at: whole })),
      lastId: whole,
    }),
  ],
  topic: [
    2,
    record<Pieces["topic"]>({
      id: whole,
      ref: topicRef,
      kind: orNone(topicKind),
      origin,
      queues: list(record({ head: whole, newestVisibleAt: whole })),
    }),
  ],
  group: [
    3,
    record<Pieces["group"]>({
      id: whole,
      ref: groupRef,
      settings: groupSettings,
      origin,
      declaredStarts: orNone(list(pair(whole, list(whole)))),
    }),
  ],
  subscription: [
    4,
    record<Pieces["subscription"]>({
      topic: whole,
      group: whole,
      starts: list(whole),
      deadLettered: whole,
      passedOver: whole,
      droppedUnread: whole,
      droppedUnacknowledged: whole,
    }),
  ],
  place: [
    5,
    record<Pieces["place"]>({
      topic: whole,
      group: whole,
      queue: whole,
      quietFrom: whole,
      heldUntil: whole,
      ready: list(range),
    }),
  ],
  ranges: [6, record<Pieces["ranges"]>({ topic: whole, group: whole, queue: whole, ready: list(range) })],
  outstanding: [
    7,
    record<Pieces["outstanding"]>({
      topic: whole,
      group: whole,
      queue: whole,
      offset: whole,
      attempt: whole,
      firstDeliveredAt: whole,
      until: whole,
      number: whole,
      ordered: flag,
      giveBacks: whole,
      untilBefore: orNone(whole),
    }),
  ],
  half: [
    8,
    record<Pieces["half"]>({
      id: whole,
      topic: whole,
      messageId: hex16,
      position: whole,
      bodyBytes: whole,
      tag: tagHash,
      publishedAt: whole,
      deliverAt: orNone(whole),
      state: halfState,
      checks: whole,
      number: numberOrNone,
      firstCheckedAt: orNone(whole),
      giveBacks: whole,
      before: orNone(record({ state: halfState, until: whole, firstCheckedAt: orNone(whole) })),
      abandonedOn: orNone(whole),
      until: whole,
    }),
  ],
  delayed: [
    9,
    record<Pieces["delayed"]>({
      id: whole,
      topic: whole,
      position: whole,
      bodyBytes: whole,
      tag: tagHash,
      deliverAt: whole,
    }),
  ],
  messages: [
    10,
    record<Pieces["messages"]>({
      topic: whole,
      queue: whole,
      from: whole,
      to: whole,
      positions: floats,
      bodyBytes: words,
      tags: words,
      visibleAt: floats,
      joinedAt: floats,
      storedAt: optional(floats),
    }),
  ],
  dates: [12, record<Pieces["dates"]>({ topic: whole, queue: whole, from: whole, datedAt: floats })],
  use: [11, record<Pieces["use"]>({ topic: whole, group: whole, at: whole })],
};

const BY_CODE: (readonly [PieceName, Shape<Pieces[PieceName]>] | undefined)[] = [];
for (const [name, [code, shape]] of Object.entries(SHAPES)) {
  BY_CODE[code] = [name as PieceName, shape as Shape<Pieces[PieceName]>];
}

export function writePiece<Name extends PieceName>(to: ByteWriter, name: Name, value: Pieces[Name]): void {
  const [code, shape] = SHAPES[name];
  to.byte(code);
  shape.write(to, value);
}

/** Reads the pieces of one slice; anything else is `UnreadableBytes`. */
export function* readPieces(slice: Uint8Array): Generator<AnyPiece> {
  const bytes = Buffer.from(slice.buffer, slice.byteOffset, slice.byteLength);
  const from = new ByteReader(bytes, 0, bytes.length);
  while (from.at < from.end) {
    const code = from.byte();
    const known = BY_CODE[code];
    if (known === undefined) throw new UnreadableBytes(`A snapshot has the unknown piece ${code}.`);
    const [name, shape] = known;
    yield [name, shape.read(from)] as unknown as AnyPiece;
  }
}
