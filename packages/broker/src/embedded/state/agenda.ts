import type { EpochMs } from "../../domain/time.ts";
import { type HeapItem, IndexedHeap, NOT_IN_HEAP } from "./indexed-heap.ts";

interface Entry<Owner> extends HeapItem {
  readonly owner: Owner;
  at: EpochMs;
}

/** What comes due next, and to whom: one entry an owner, however much waits there. Knows instants, never a message. */
export class Agenda<Owner extends { readonly nextAt: EpochMs }> {
  readonly #entries = new Map<Owner, Entry<Owner>>();
  readonly #byTime = new IndexedHeap<Entry<Owner>>((one, other) => one.at < other.at);

  /** The next instant at which something becomes due, by `now()`. */
  get nextAt(): EpochMs {
    return this.#byTime.first?.at ?? Number.POSITIVE_INFINITY;
  }

  /** To be called whenever the owner's next instant may have changed. */
  place(owner: Owner): void {
    const at = owner.nextAt;
    let entry = this.#entries.get(owner);
    if (entry === undefined) {
      if (at === Number.POSITIVE_INFINITY) return;
      entry = { owner, at, heapIndex: NOT_IN_HEAP };
      this.#entries.set(owner, entry);
      this.#byTime.add(entry);
    } else if (at === Number.POSITIVE_INFINITY) {
      this.#entries.delete(owner);
      this.#byTime.remove(entry);
    } else if (at !== entry.at) {
      entry.at = at;
      this.#byTime.moved(entry);
    }
  }

  /** The owners to whom something has come due; each must be placed again when it was seen to. */
  *due(now: EpochMs): Generator<Owner> {
    for (let entry = this.#byTime.first; entry !== undefined && entry.at <= now; entry = this.#byTime.first) {
      this.#entries.delete(entry.owner);
      this.#byTime.remove(entry);
      yield entry.owner;
    }
  }
}
