import type { EpochMs } from "../domain/time.ts";
import type { Delivery, GiveBackRequest, ReceiptHandle } from "../engine/engine.ts";
import type { Errand } from "./faults.ts";

/** Deliveries that are made again, with the handle of the first time: as after an answer that came twice. */
export class RepeatedDeliveries {
  readonly #waiting = new Map<string, Delivery[]>();
  /** Made again already. */
  readonly #repeated = new Map<ReceiptHandle, { readonly room: string; readonly delivery: Delivery }>();

  /** They come again to the next poll of this group on this topic. */
  keep(errand: Errand, deliveries: readonly Delivery[]): void {
    const room = roomOf(errand);
    this.#waiting.set(room, [...(this.#waiting.get(room) ?? []), ...deliveries]);
  }

  /** What a poll is given again. What is visible again by `now` comes by itself. */
  take(errand: Errand, maxMessages: number, now: EpochMs): Delivery[] {
    const room = roomOf(errand);
    const waiting = this.#waiting.get(room)?.filter(({ visibleAgainAt }) => visibleAgainAt > now) ?? [];
    const taken = waiting.splice(0, maxMessages);
    if (waiting.length > 0) this.#waiting.set(room, waiting);
    else this.#waiting.delete(room);
    for (const delivery of taken) this.#repeated.set(delivery.handle, { room, delivery });
    return taken;
  }

  /** Keeps what was made again and reached nobody; the others are for the engine. */
  takeBack({ handles }: GiveBackRequest): Record<"repeated" | "others", ReceiptHandle[]> {
    const found = { repeated: [] as ReceiptHandle[], others: [] as ReceiptHandle[] };
    for (const handle of handles) {
      const again = this.#repeated.get(handle);
      found[again === undefined ? "others" : "repeated"].push(handle);
      if (again === undefined) continue;
      this.#repeated.delete(handle);
      this.#waiting.set(again.room, [again.delivery, ...(this.#waiting.get(again.room) ?? [])]);
    }
    return found;
  }

  clear(): void {
    this.#waiting.clear();
    this.#repeated.clear();
  }
}

function roomOf({ operation, topic, group }: Errand): string {
  return `${operation} ${topic} ${group}`;
}
