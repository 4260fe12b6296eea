import type { EpochMs } from "../domain/time.ts";
import type { DeliveriesGivenBack, MessagesPassedOver } from "./journal/fact.ts";
import { PollMemory } from "./poll-memory.ts";
import { Agenda } from "./state/agenda.ts";
import type { Ledger } from "./state/ledger.ts";
import type { Subscription } from "./state/subscription.ts";

/** The memory of each subscription's polls, and which of them has something to write down. */
export class PollMemories {
  readonly #ledger: Ledger;
  readonly #memories = new WeakMap<Subscription, PollMemory>();
  readonly #unwritten = new Agenda<PollMemory>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** When to call `writeDown` at the latest. */
  get nextAt(): EpochMs {
    return this.#unwritten.nextAt;
  }

  of(subscription: Subscription): PollMemory {
    let memory = this.#memories.get(subscription);
    if (memory === undefined) {
      memory = new PollMemory(subscription);
      this.#memories.set(subscription, memory);
    }
    return memory;
  }

  /** To be called after a poll was noted in it. */
  place(memory: PollMemory): void {
    this.#unwritten.place(memory);
  }

  /** TAG-2: what polls have passed over is written down within a second, and before the engine stops. */
  writeDown(upTo: EpochMs): MessagesPassedOver[] {
    return [...this.#unwritten.due(upTo)].flatMap((memory) => memory.writeDown());
  }

  lookAgainAt({ topic, group, queue, offsets }: DeliveriesGivenBack): void {
    const subscription = this.#ledger.subscription(topic, group);
    if (subscription !== undefined) this.#memories.get(subscription)?.lookAgainAt(queue, offsets);
  }
}
