import type { EpochMs } from "../domain/time.ts";
import type { Alarm, Clock } from "../runtime/clock.ts";
import type { Agenda } from "./state/agenda.ts";
import type { Ledger } from "./state/ledger.ts";

const LOOK_AGAIN_AFTER = 1_000;

/** One alarm, for whatever comes due next. Knows when, never what. */
export class DueAlarm {
  readonly #clock: Clock;
  readonly #ledger: Ledger;
  readonly #unwritten: Pick<Agenda<never>, "nextAt">;
  readonly #ring: () => void;
  #alarm: Alarm | undefined;
  #at: EpochMs = Number.POSITIVE_INFINITY;

  /** `ring` must see to what has come due, and set the alarm again. */
  constructor(clock: Clock, ledger: Ledger, unwritten: Pick<Agenda<never>, "nextAt">, ring: () => void) {
    this.#clock = clock;
    this.#ledger = ledger;
    this.#unwritten = unwritten;
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
    const { agenda, delayed, toSweep } = this.#ledger;
    if (toSweep.size > 0) return this.#clock.now();
    const nextAt = Math.min(agenda.nextAt, this.#unwritten.nextAt);
    if (delayed.nextAt === Number.POSITIVE_INFINITY) return nextAt;
    // Due times are dates (TIM-1): where the wall clock was set back it may jump forward again unnoticed, so look each second.
    const now = this.#clock.now();
    const wall = this.#clock.wall();
    const wait = Math.max(0, delayed.nextAt - wall);
    return Math.min(nextAt, now + (wall < now ? Math.min(wait, LOOK_AGAIN_AFTER) : wait));
  }
}
