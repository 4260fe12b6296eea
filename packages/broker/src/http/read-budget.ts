import { KIB } from "../domain/size.ts";

interface Waiter {
  readonly bytes: number;
  readonly admit: () => void;
}

/** So little never waits (REQ-2). */
const FREE_BYTES = 64 * KIB;

/** The memory that all requests being read share (REQ-2). Counts bytes, first come first served; holds none itself. */
export class ReadBudget {
  readonly #total: number;
  readonly #waiters = new Set<Waiter>();
  #used = 0;

  constructor(total: number) {
    this.#total = total;
  }

  /** Reserves at once; false where there is no room yet. What was reserved must be released. */
  tryReserve(bytes: number): boolean {
    const mayHave = bytes <= FREE_BYTES || (this.#waiters.size === 0 && this.#hasRoomFor(bytes));
    if (mayHave) this.#used += bytes;
    return mayHave;
  }

  /** Resolves when there is room, rejects when `signal` is aborted before. What was reserved must be released. */
  async reserve(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.tryReserve(bytes)) return;
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        this.#waiters.delete(waiter);
        this.#admitWaiters();
        reject(signal.reason);
      };
      const waiter = {
        bytes,
        admit: () => {
          signal.removeEventListener("abort", leave);
          resolve();
        },
      };
      this.#waiters.add(waiter);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  release(bytes: number): void {
    this.#used -= bytes;
    this.#admitWaiters();
  }

  #admitWaiters(): void {
    if (this.#waiters.size === 0) return;
    for (const waiter of this.#waiters) {
      if (!this.#hasRoomFor(waiter.bytes)) return;
      this.#waiters.delete(waiter);
      this.#used += waiter.bytes;
      waiter.admit();
    }
  }

  /** One that is larger than all there is gets its turn when it is alone. */
  #hasRoomFor(bytes: number): boolean {
    return this.#used === 0 || this.#used + bytes <= this.#total;
  }
}
