import { type EpochMs, SECOND } from "../domain/time.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Context } from "./decisions/context.ts";
import { decideForgetting } from "./decisions/decide-forgetting.ts";
import { checkRoomBySize, decideAgeSweep, decideSizeSweep, heldBytes } from "./decisions/decide-retention.ts";
import { ageRestsUntil } from "./decisions/too-old.ts";
import type { Fact } from "./journal/fact.ts";
import type { Journal } from "./journal/journal.ts";
import type { LastUses } from "./last-uses.ts";
import type { EngineSettings } from "./settings.ts";
import type { Ledger } from "./state/ledger.ts";

/** Between two sweeps, so that a queue that loses a message each millisecond writes no fact each millisecond. */
const PAUSE = 10_000;
/** While the wall clock is behind, it may jump forward unnoticed. */
const LOOK_AGAIN_AFTER = 60_000;
/** By what part of its limit the journal must grow until it is looked at again. */
const GROWTH = 1 / 256;

interface RetentionParts {
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly journal: Journal;
  readonly settings: EngineSettings;
  readonly uses: LastUses;
}

/** When it is time to drop what is too old or too much, and to forget what is idle. What that is, the decisions say. */
export class Retention {
  readonly #parts: RetentionParts;
  #pausesUntil: EpochMs = Number.NEGATIVE_INFINITY;
  #forgetsAt: EpochMs;
  /** Up to where the journal was when nothing had to go any more. */
  #fitsUpTo = 0;
  #held = { bytes: 0, countedAt: Number.NEGATIVE_INFINITY };

  constructor(parts: RetentionParts) {
    this.#parts = parts;
    this.#forgetsAt = parts.clock.now() + parts.settings.retentionAge;
  }

  /** When to call `drop` and `forget`, by `now()`. */
  get nextAt(): EpochMs {
    return Math.max(this.#pausesUntil, Math.min(this.#dropsAt, this.#forgetsAt));
  }

  /** What must go by now, a slice of it. */
  drop(context: Context): readonly Fact[] {
    const { ledger, journal, uses } = this.#parts;
    const { now } = context.moment;
    if (now < this.#pausesUntil || now < this.#dropsAt) return [];
    const aged = decideAgeSweep(ledger, uses, context);
    // What is too much is told only once what is too old is gone.
    if (!aged.isLast || (aged.facts.length > 0 && this.#isTooMuch)) return aged.facts;
    const excess = this.#isTooMuch ? decideSizeSweep(ledger, journal.segments, uses, context) : aged;
    if (!excess.isLast) return excess.facts;
    this.#fitsUpTo = journal.extent.to;
    this.#pausesUntil = now + PAUSE;
    return excess.facts;
  }

  /** GRP-1: once nothing is to be dropped any more. */
  forget(context: Context): readonly Fact[] {
    const { ledger, uses } = this.#parts;
    if (context.moment.now < this.#forgetsAt) return [];
    const { facts, lookAgainAt } = decideForgetting(ledger, uses, context);
    this.#forgetsAt = lookAgainAt;
    return facts;
  }

  /** Refuses a publish where what may not be dropped leaves no room. */
  checkRoom(): void {
    const { clock, ledger, settings } = this.#parts;
    if (settings.retentionBytes === undefined) return;
    const now = clock.now();
    if (now >= this.#held.countedAt + SECOND) this.#held = { bytes: heldBytes(ledger), countedAt: now };
    checkRoomBySize(this.#held.bytes, settings.retentionBytes);
  }

  get #dropsAt(): EpochMs {
    const { clock, ledger, settings } = this.#parts;
    const now = clock.now();
    if (this.#isTooMuch) return now;
    const { oldest } = ledger.ages;
    if (oldest === Number.POSITIVE_INFINITY) return oldest;
    const wall = clock.wall();
    const wait = Math.max(0, oldest + settings.retentionAge - wall);
    const at = now + (wall < now ? Math.min(wait, LOOK_AGAIN_AFTER) : wait);
    return Math.max(at, ageRestsUntil(ledger, settings));
  }

  get #isTooMuch(): boolean {
    const { retentionBytes } = this.#parts.settings;
    if (retentionBytes === undefined) return false;
    const { from, to } = this.#parts.journal.extent;
    return to - this.#fitsUpTo >= retentionBytes * GROWTH && to - from > retentionBytes;
  }
}
