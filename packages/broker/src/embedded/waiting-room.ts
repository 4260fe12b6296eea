import type { DurationMs, EpochMs } from "../domain/time.ts";
import type { Alarm, Clock } from "../runtime/clock.ts";
import { type HeapItem, IndexedHeap, NOT_IN_HEAP } from "./state/indexed-heap.ts";

/** A long poll. */
export interface Wait<Served> {
  /** What wakes it: a topic, or a topic and a group. */
  readonly room: string;
  /** Polls of one room and one shape find the same: when one finds nothing, the others need not look. */
  readonly shape: string;
  readonly waitUpTo: DurationMs;
  /** Aborted when the client hangs up. */
  readonly signal: AbortSignal;
  /** Looks again; undefined is nothing yet. */
  readonly serve: () => Served | undefined;
  /** Whether that leaves nothing for another poll of this room and shape; unless it is known, it looks. */
  readonly isAll?: (served: Served) => boolean;
}

interface Waiter<Served> extends HeapItem {
  readonly wait: Wait<Served>;
  /** By the room's own clock. */
  readonly until: EpochMs;
  readonly leave: (served: Served | undefined) => void;
  readonly fail: (error: Error) => void;
}

/** Long polls, first come first served. Knows who waits and until when; never looks at a message. */
export class WaitingRoom<Served> {
  readonly #clock: Clock;
  readonly #otherClocks: readonly Clock[];
  readonly #rooms = new Map<string, Set<Waiter<Served>>>();
  readonly #byDeadline = new IndexedHeap<Waiter<Served>>((one, other) => one.until < other.until);
  readonly #toWake = new Set<string>();
  #alarm: Alarm | undefined;
  #alarmAt: EpochMs = Number.POSITIVE_INFINITY;
  #isWaking = false;

  /** A wait ends when it has passed on any of these clocks (TIM-4); the first is the one that costs no alarm a poll. */
  constructor([clock, ...others]: readonly [Clock, ...Clock[]]) {
    this.#clock = clock;
    this.#otherClocks = others;
  }

  get size(): number {
    return this.#byDeadline.size;
  }

  /** Resolves with what `serve` found, or with undefined when time is up or the client hung up. */
  wait(wait: Wait<Served>): Promise<Served | undefined> {
    return new Promise((resolve, reject) => {
      if (wait.signal.aborted) {
        resolve(undefined);
        return;
      }
      const giveUp = (): void => waiter.leave(undefined);
      const alarms = this.#otherClocks.map((clock) => clock.alarm(clock.now() + wait.waitUpTo, giveUp));
      const go = (): void => {
        wait.signal.removeEventListener("abort", giveUp);
        for (const alarm of alarms) alarm.cancel();
        this.#remove(waiter);
      };
      const waiter: Waiter<Served> = {
        wait,
        until: this.#clock.now() + wait.waitUpTo,
        heapIndex: NOT_IN_HEAP,
        leave: (served) => {
          go();
          resolve(served);
        },
        fail: (error) => {
          go();
          reject(error);
        },
      };
      wait.signal.addEventListener("abort", giveUp, { once: true });
      this.#add(waiter);
    });
  }

  /** Something happened in this room: who waits there looks again, in order of arrival. One woken in vain keeps its place. */
  wake(room: string): void {
    if (!this.#rooms.has(room)) return;
    this.#toWake.add(room);
    if (this.#isWaking) return;
    this.#isWaking = true;
    try {
      for (const next of this.#toWake) {
        this.#toWake.delete(next);
        this.#serve(next);
      }
    } finally {
      this.#isWaking = false;
    }
  }

  wakeAll(): void {
    for (const room of [...this.#rooms.keys()]) this.wake(room);
  }

  /** Everybody leaves with nothing. */
  empty(): void {
    for (const waiter of this.#everybody()) waiter.leave(undefined);
  }

  failAll(error: Error): void {
    for (const waiter of this.#everybody()) waiter.fail(error);
  }

  #serve(room: string): void {
    const inVain = new Set<string>();
    for (const waiter of this.#rooms.get(room) ?? []) {
      if (inVain.has(waiter.wait.shape)) continue;
      const served = this.#look(waiter);
      if (served === undefined || waiter.wait.isAll?.(served)) inVain.add(waiter.wait.shape);
      if (served !== undefined) waiter.leave(served);
    }
  }

  /** A poll that is refused while it waits, for its topic went away or the engine stopped, leaves with the refusal. */
  #look(waiter: Waiter<Served>): Served | undefined {
    try {
      return waiter.wait.serve();
    } catch (error) {
      waiter.fail(error as Error);
      return undefined;
    }
  }

  #everybody(): Waiter<Served>[] {
    return [...this.#rooms.values()].flatMap((waiters) => [...waiters]);
  }

  #add(waiter: Waiter<Served>): void {
    const { room } = waiter.wait;
    const waiters = this.#rooms.get(room);
    if (waiters === undefined) this.#rooms.set(room, new Set([waiter]));
    else waiters.add(waiter);
    this.#byDeadline.add(waiter);
    this.#setAlarm();
  }

  #remove(waiter: Waiter<Served>): void {
    if (waiter.heapIndex === NOT_IN_HEAP) return;
    const { room } = waiter.wait;
    const waiters = this.#rooms.get(room);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.#rooms.delete(room);
    this.#byDeadline.remove(waiter);
    this.#setAlarm();
  }

  /** One alarm, for the earliest deadline. */
  #setAlarm(): void {
    const at = this.#byDeadline.first?.until ?? Number.POSITIVE_INFINITY;
    if (at === this.#alarmAt) return;
    this.#alarm?.cancel();
    this.#alarmAt = at;
    this.#alarm = at === Number.POSITIVE_INFINITY ? undefined : this.#clock.alarm(at, () => this.#ring());
  }

  #ring(): void {
    this.#alarm = undefined;
    this.#alarmAt = Number.POSITIVE_INFINITY;
    const now = this.#clock.now();
    for (let waiter = this.#byDeadline.first; waiter !== undefined && waiter.until <= now; ) {
      waiter.leave(undefined);
      waiter = this.#byDeadline.first;
    }
    this.#setAlarm();
  }
}
