import type { Position } from "./journal/fact.ts";
import type { Journal } from "./journal/journal.ts";
import type { Ledger } from "./state/ledger.ts";
import { type StoredMessage, storedMessageIn, toDeadLetter } from "./stored-message.ts";

/** Reads messages back from the journal; follows a dead letter to where its message stands. */
export class MessageReader {
  readonly #journal: Journal;
  readonly #ledger: Ledger;

  constructor(journal: Journal, ledger: Ledger) {
    this.#journal = journal;
    this.#ledger = ledger;
  }

  async read(position: Position): Promise<StoredMessage> {
    const fact = await this.#journal.read(position);
    if (fact.kind === "message-dead-lettered") {
      return toDeadLetter(await this.read(fact.storedAt), fact, this.#ledger);
    }
    const stored = storedMessageIn(fact);
    if (stored === undefined) throw new Error(`a ${fact.kind} stands at ${position}, where a message was expected`);
    return stored;
  }
}
