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

  /** In the order given. Nearly always all of them are in memory, and nobody waits. */
  async readAll(positions: readonly Position[]): Promise<StoredMessage[]> {
    const messages: StoredMessage[] = [];
    for (const position of positions) {
      // What was read for one mostly has its neighbours too.
      messages.push(this.#readAtOnce(position) ?? (await this.read(position)));
    }
    return messages;
  }

  #readAtOnce(position: Position): StoredMessage | undefined {
    const fact = this.#journal.readAtOnce(position);
    return fact && storedMessageIn(fact);
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
