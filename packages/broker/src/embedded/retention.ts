import { type EpochMs, SECOND } from "../domain/time.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Context } from "./decisions/context.ts";
import { decideForgetting } from "./decisions/decide-forgetting.ts";
import {
  checkRoomBySize,
  decideAgeSweep,
  decideDropping,
  decideSizeSweep,
  heldBytes,
  type Slice,
  sizeKeepsFrom,
} from "./decisions/decide-retention.ts";
import { ageRestsUntil } from "./decisions/too-old.ts";
import type { Fact, Id, Position } from "./journal/fact.ts";
import type { Journal } from "./journal/journal.ts";
import type { LastUses } from "./last-uses.ts";
import type { EngineSettings } from "./settings.ts";
import type { Ledger, TopicState } from "./state/ledger.ts";

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
  /** Of what is too much, while slices of it go: from where on the journal is kept, and up to where that fits. */
  #fitting: { readonly from: Position | undefined; readonly to: Position } | undefined;
  /** Of which topics something that must go was left in this turn of the loop. */
  readonly #sliced = new Set<Id>();
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
    this.#sliced.clear();
    if (now < this.#pausesUntil || now < this.#dropsAt) return [];
    const aged = decideAgeSweep(ledger, uses, context);
    if (!aged.isLast) return this.#goOn(aged);
    // What is too much is told only once what is too old is gone.
    if (aged.facts.length > 0 && this.#isTooMuch) return aged.facts;
    this.#fitting ??= this.#isTooMuch ? this.#fit() : { from: undefined, to: journal.extent.to };
    const { from, to } = this.#fitting;
    const excess = from === undefined ? aged : decideSizeSweep(ledger, from, uses, context);
    if (!excess.isLast) return this.#goOn(excess);
    this.#fitting = undefined;
    this.#fitsUpTo = to;
    this.#pausesUntil = now + PAUSE;
    return excess.facts;
  }

  /**
   * What a poll of this topic must not be offered, a slice of it (RET-1). Only one in a turn of the loop: what it leaves, sweeps
   * see to at once, and each of them wakes who waits for it.
   */
  dropFor(topic: TopicState, context: Context): readonly Fact[] {
    const { ledger, uses } = this.#parts;
    if (this.#sliced.has(topic.id)) return [];
    const slice = decideDropping(ledger, topic, uses, context);
    if (slice.isLast) return slice.facts;
    this.#pausesUntil = Number.NEGATIVE_INFINITY;
    return this.#goOn(slice);
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

  #goOn({ facts }: Slice): readonly Fact[] {
    for (const fact of facts) if (fact.kind === "messages-dropped") this.#sliced.add(fact.topic);
    return facts;
  }

  /** Looked for once, however many slices it takes: that looks at all that may not be dropped. */
  #fit(): { readonly from: Position | undefined; readonly to: Position } {
    const { ledger, journal, settings } = this.#parts;
    return { from: sizeKeepsFrom(ledger, journal.segments, settings.retentionBytes), to: journal.extent.to };
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
