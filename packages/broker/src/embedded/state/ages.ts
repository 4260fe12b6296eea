import type { EpochMs } from "../../domain/time.ts";
import type { Id } from "../journal/fact.ts";
import type { HalfMessage } from "./half-messages.ts";
import { type HeapItem, IndexedHeap, NOT_IN_HEAP } from "./indexed-heap.ts";
import type { MessageQueue } from "./message-queue.ts";

/** A message queue by its oldest message, or a half message that nobody has asked about yet or that is abandoned. */
export type Ageing =
  | { readonly sort: "queue"; readonly topic: Id; readonly queue: number }
  | { readonly sort: "half"; readonly topic: Id; readonly half: HalfMessage };

interface Entry extends HeapItem {
  readonly ageing: Ageing;
  /** By the wall clock: the retention counts from it (RET-1). */
  date: EpochMs;
}

/** What grows too old next. Knows dates, never what follows from them. */
export class Ages {
  readonly #byDate = new IndexedHeap<Entry>((one, other) => one.date < other.date);
  readonly #entries = new Map<MessageQueue | HalfMessage, Entry>();

  /** The oldest date there is. */
  get oldest(): EpochMs {
    return this.#byDate.first?.date ?? Number.POSITIVE_INFINITY;
  }

  /** To be called whenever the oldest message of the queue may be another one. */
  placeQueue(messages: MessageQueue, topic: Id, queue: number): void {
    const date = messages.count > 0 ? messages.visibleAt(messages.head) : Number.POSITIVE_INFINITY;
    this.#place(messages, date, () => ({ sort: "queue", topic, queue }));
  }

  /** To be called whenever something happened to it. */
  placeHalf(half: HalfMessage): void {
    this.#place(half, dateOf(half), () => ({ sort: "half", topic: half.topic, half }));
  }

  forgetHalf(half: HalfMessage): void {
    this.#remove(half);
  }

  /** All that is as old as `date`, oldest first. Nothing may be placed meanwhile. */
  *upTo(date: EpochMs): Generator<Ageing> {
    for (const entry of this.#byDate.inOrder()) {
      if (entry.date > date) return;
      yield entry.ageing;
    }
  }

  #place(owner: MessageQueue | HalfMessage, date: EpochMs, describe: () => Ageing): void {
    const entry = this.#entries.get(owner);
    if (date === Number.POSITIVE_INFINITY) {
      this.#remove(owner);
    } else if (entry === undefined) {
      const added = { ageing: describe(), date, heapIndex: NOT_IN_HEAP };
      this.#entries.set(owner, added);
      this.#byDate.add(added);
    } else if (entry.date !== date) {
      entry.date = date;
      this.#byDate.moved(entry);
    }
  }

  #remove(owner: MessageQueue | HalfMessage): void {
    const entry = this.#entries.get(owner);
    if (entry === undefined) return;
    this.#entries.delete(owner);
    this.#byDate.remove(entry);
  }
}

function dateOf({ state, firstCheckedAt, publishedAt, abandonedOn }: HalfMessage): EpochMs {
  if (state === "abandoned") return abandonedOn ?? Number.POSITIVE_INFINITY;
  // TX-6: one that was asked about is abandoned by its checks, not by its age.
  const isUnasked = (state === "prepared" || state === "offered") && firstCheckedAt === undefined;
  return isUnasked ? publishedAt : Number.POSITIVE_INFINITY;
}
