import type { EpochMs } from "../domain/time.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Id } from "./journal/fact.ts";
import type { Ledger } from "./state/ledger.ts";
import type { KeptUse } from "./state/snapshot-pieces.ts";

/** A topic, a group, or a subscription. */
type Used = object;

interface Use {
  at: EpochMs;
  /** Polls under way. */
  polls: number;
}

/**
 * When each topic, group and subscription was used last, as far as this start of the broker has seen, and the snapshot that it
 * began with. Not in the ledger, because no fact says it: a poll that finds nothing leaves none.
 */
export class LastUses {
  readonly #startedAt: EpochMs;
  readonly #uses = new WeakMap<Used, Use>();
  /** Before this start, by the snapshot: it may have been later. */
  readonly #kept = new WeakMap<Used, EpochMs>();

  constructor(startedAt: EpochMs, ledger: Ledger, kept: Iterable<KeptUse>) {
    this.#startedAt = startedAt;
    for (const { topic, group, at } of kept) {
      const used = topic === 0 ? ledger.groupById(group) : usedOf(ledger, topic, group);
      if (used !== undefined) this.#kept.set(used, Math.min(at, startedAt));
    }
  }

  /** All that is known, for a snapshot. */
  *known(ledger: Ledger, clock: Clock): Generator<KeptUse> {
    for (const group of ledger.groups()) yield* this.#keptUse(group, { topic: 0, group: group.id }, clock);
    for (const topic of ledger.topics()) {
      yield* this.#keptUse(topic, { topic: topic.id, group: 0 }, clock);
      for (const [group, subscription] of topic.subscriptions) {
        yield* this.#keptUse(subscription, { topic: topic.id, group }, clock);
      }
    }
  }

  *#keptUse(used: Used, of: Omit<KeptUse, "at">, clock: Clock): Generator<KeptUse> {
    const at = this.knownAt(used, clock.now());
    if (at !== undefined) yield { ...of, at };
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

  /** Of what came before this start of the broker it may have been later; undefined where nobody knows. */
  knownAt(used: Used, now: EpochMs): EpochMs | undefined {
    return this.#seenAt(used, now) ?? this.#kept.get(used);
  }

  /** GRP-1: never earlier than it was. What this start has not seen may have been just before it, after the snapshot. */
  latestAt(used: Used, now: EpochMs): EpochMs {
    return this.#seenAt(used, now) ?? this.#startedAt;
  }

  #seenAt(used: Used, now: EpochMs): EpochMs | undefined {
    const use = this.#uses.get(used);
    return use !== undefined && use.polls > 0 ? now : use?.at;
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

function usedOf(ledger: Ledger, topic: Id, group: Id): Used | undefined {
  return group === 0 ? ledger.topicById(topic) : ledger.subscription(topic, group);
}
