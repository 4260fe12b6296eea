import type { SeededRandom } from "../crash/seeded-random.ts";
import type { Agenda } from "./model-agenda.ts";
import type { Message } from "./model-message.ts";
import type { Rules } from "./model-rules.ts";

/** Something that happens, and can be undone until it is on the disk. */
export interface Change {
  act(): void;
  undo(): void;
}

const REMEMBERED_MS = 100;

/** What has happened and is not known to be on the disk yet, and a little more. */
export class ModelJournal {
  readonly #agenda: Agenda;
  readonly #random: SeededRandom;
  readonly #rules: Rules;
  #entries: { readonly syncedAt: number; readonly verb: string; readonly undo: () => void }[] = [];
  /** When the newest is on the disk. */
  syncedAt = 0;

  constructor(agenda: Agenda, random: SeededRandom, rules: Rules) {
    this.#agenda = agenda;
    this.#random = random;
    this.#rules = rules;
  }

  /** Does it as one; says when it is on the disk. */
  commit(verb: string, ...changes: readonly Change[]): number {
    for (const { act } of changes) act();
    const undo = () => {
      for (const one of changes.toReversed()) one.undo();
    };
    const now = this.#agenda.now;
    this.syncedAt = Math.max(this.syncedAt, now + 0.2 + this.#random.below(40) / 10);
    this.#entries.push({ syncedAt: this.syncedAt, verb, undo });
    while ((this.#entries[0]?.syncedAt ?? now) < now - REMEMBERED_MS) this.#entries.shift();
    return this.syncedAt;
  }

  /** What was not synced is gone, from some point on. */
  crash(): void {
    const now = this.#agenda.now;
    const durable = this.#entries.findLastIndex(({ syncedAt, verb }) => this.#rules.isDurable(syncedAt, now, verb)) + 1;
    const kept = durable + this.#random.below(this.#entries.length - durable + 1);
    for (const { undo } of this.#entries.splice(kept).reverse()) undo();
    this.#entries = [];
  }
}

export function insert(messages: Message[], message: Message): void {
  const place = messages.findLastIndex(({ offset }) => offset < message.offset) + 1;
  messages.splice(place, 0, message);
}

export function remove(messages: Message[], message: Message): void {
  const place = messages.indexOf(message);
  if (place >= 0) messages.splice(place, 1);
}

export function entered<T>(map: Map<string, T>, id: string, value: T): Change {
  return { act: () => map.set(id, value), undo: () => map.delete(id) };
}

export function changed<T extends object>(what: T, to: Partial<T>): Change {
  const before = { ...what };
  return { act: () => Object.assign(what, to), undo: () => Object.assign(what, before) };
}

export function opposite({ act, undo }: Change): Change {
  return { act: undo, undo: act };
}
