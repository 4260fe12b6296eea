import type { EpochMs } from "../../domain/time.ts";
import type { Id, Position } from "../journal/fact.ts";
import type { Captured } from "./capture-mark.ts";
import { type HeapItem, IndexedHeap, NOT_IN_HEAP } from "./indexed-heap.ts";
import type { TagHash } from "./tag-set.ts";

/** A message that waits for its delivery time. */
export interface DelayedMessage extends HeapItem, Captured {
  readonly id: Id;
  readonly topic: Id;
  position: Position;
  readonly bodyBytes: number;
  readonly tag: TagHash;
  readonly deliverAt: EpochMs;
}

/** Every delayed message of the broker, in due order (DLY-2). Changed by the ledger alone. */
export class DelayedMessages {
  readonly #byId = new Map<Id, DelayedMessage>();
  readonly #byTime = new IndexedHeap<DelayedMessage>((one, other) =>
    one.deliverAt === other.deliverAt ? one.id < other.id : one.deliverAt < other.deliverAt,
  );
  readonly #counts = new Map<Id, number>();
  /** Of all their bodies. */
  bodyBytes = 0;

  get count(): number {
    return this.#byId.size;
  }

  get nextAt(): EpochMs {
    return this.#byTime.first?.deliverAt ?? Number.POSITIVE_INFINITY;
  }

  countOf(topic: Id): number {
    return this.#counts.get(topic) ?? 0;
  }

  get(id: Id): DelayedMessage | undefined {
    return this.#byId.get(id);
  }

  /** In no order; it may change meanwhile. */
  all(): Iterable<DelayedMessage> {
    return this.#byId.values();
  }

  add(delayed: Omit<DelayedMessage, "heapIndex" | "capturedIn">): void {
    const item = { ...delayed, heapIndex: NOT_IN_HEAP, capturedIn: 0 };
    this.#byId.set(item.id, item);
    this.#byTime.add(item);
    this.#counts.set(item.topic, this.countOf(item.topic) + 1);
    this.bodyBytes += item.bodyBytes;
  }

  take(id: Id): DelayedMessage | undefined {
    const item = this.#byId.get(id);
    if (item === undefined) return undefined;
    this.#byId.delete(id);
    this.#byTime.remove(item);
    const others = this.countOf(item.topic) - 1;
    if (others > 0) this.#counts.set(item.topic, others);
    else this.#counts.delete(item.topic);
    this.bodyBytes -= item.bodyBytes;
    return item;
  }

  /** It now stands there. */
  moveTo(id: Id, position: Position): void {
    const item = this.#byId.get(id);
    if (item !== undefined) item.position = position;
  }

  /** What is due at `wall`, oldest first. */
  *due(wall: EpochMs): Generator<DelayedMessage> {
    for (const delayed of this.#byTime.inOrder()) {
      if (delayed.deliverAt > wall) return;
      yield delayed;
    }
  }
}
