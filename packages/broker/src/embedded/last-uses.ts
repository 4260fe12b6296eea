import type { EpochMs } from "../domain/time.ts";

/** A topic, a group, or a subscription. */
type Used = object;

interface Use {
  at: EpochMs;
  /** Polls under way. */
  polls: number;
}

/**
 * When each topic, group and subscription was used last, as far as this start of the broker has seen. Not in the ledger,
 * because no fact says it: a poll that finds nothing leaves none.
 */
export class LastUses {
  readonly #startedAt: EpochMs;
  readonly #uses = new WeakMap<Used, Use>();

  constructor(startedAt: EpochMs) {
    this.#startedAt = startedAt;
  }

  note(now: EpochMs, ...used: readonly Used[]): void {
    for (const each of used) this.#useOf(each).at = now;
  }

  /** A poll begins: until its end they are in use, however long that takes. */
  beginPoll(...used: readonly Used[]): void {
    for (const each of used) this.#useOf(each).polls += 1;
  }

  endPoll(now: EpochMs, ...used: readonly Used[]): void {
    for (const each of used) this.#useOf(each).polls -= 1;
    this.note(now, ...used);
  }

  /** Undefined where this start of the broker has seen none. */
  knownAt(used: Used, now: EpochMs): EpochMs | undefined {
    const use = this.#uses.get(used);
    return use !== undefined && use.polls > 0 ? now : use?.at;
  }

  /** GRP-1: never earlier than it was; what is not known counts from the start of the broker. */
  latestAt(used: Used, now: EpochMs): EpochMs {
    return this.knownAt(used, now) ?? this.#startedAt;
  }

  #useOf(used: Used): Use {
    let use = this.#uses.get(used);
    if (use === undefined) {
      use = { at: this.#startedAt, polls: 0 };
      this.#uses.set(used, use);
    }
    return use;
  }
}
