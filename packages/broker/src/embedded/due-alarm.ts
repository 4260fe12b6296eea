import type { EpochMs } from "../domain/time.ts";
import type { Alarm, Clock } from "../runtime/clock.ts";
import type { Ledger } from "./state/ledger.ts";

const LOOK_AGAIN_AFTER = 1_000;

/** Something that wants to be called at an instant. */
interface Timed {
  readonly nextAt: EpochMs;
}

/** One alarm, for whatever comes due next. Knows when, never what. */
export class DueAlarm {
  readonly #clock: Clock;
  readonly #ledger: Ledger;
  readonly #others: readonly Timed[];
  readonly #ring: () => void;
  #alarm: Alarm | undefined;
  #at: EpochMs = Number.POSITIVE_INFINITY;

  /** `ring` must see to what has come due, and set the alarm again. */
  constructor(clock: Clock, ledger: Ledger, others: readonly Timed[], ring: () => void) {
    this.#clock = clock;
    this.#ledger = ledger;
    this.#others = others;
    this.#ring = ring;
  }

  /** To be called after every change. An alarm that is early enough stays: put off at every fact, it would never ring. */
  set(): void {
    const at = this.#nextDueAt();
    if (at >= this.#at) return;
    this.#alarm?.cancel();
    this.#at = at;
    this.#alarm = this.#clock.alarm(at, () => {
      this.#at = Number.POSITIVE_INFINITY;
      this.#ring();
    });
  }

  cancel(): void {
    this.#alarm?.cancel();
    this.#at = Number.NEGATIVE_INFINITY;
  }

  #nextDueAt(): EpochMs {
    const { agenda, delayed } = this.#ledger;
    let nextAt = agenda.nextAt;
    for (const other of this.#others) nextAt = Math.min(nextAt, other.nextAt);
    if (delayed.nextAt === Number.POSITIVE_INFINITY) return nextAt;
    // Due times are dates (TIM-1): where the wall clock was set back it may jump forward again unnoticed, so look each second.
    const now = this.#clock.now();
    const wall = this.#clock.wall();
    const wait = Math.max(0, delayed.nextAt - wall);
    return Math.min(nextAt, now + (wall < now ? Math.min(wait, LOOK_AGAIN_AFTER) : wait));
  }
}
