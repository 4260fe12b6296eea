import type { DeadLetterOrigin, Message } from "../domain/message.ts";
import type { EpochMs } from "../domain/time.ts";
import type { Position } from "./journal/fact.ts";
import type { Journal } from "./journal/journal.ts";
import type { Ledger } from "./state/ledger.ts";

/** A message as it was stored. */
export interface StoredMessage {
  readonly messageId: string;
  readonly message: Message;
  readonly publishedAt: EpochMs;
  readonly deadLetter?: DeadLetterOrigin;
}

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
    switch (fact.kind) {
      case "message-stored":
      case "delayed-message-stored":
      case "half-message-stored":
        return { messageId: fact.messageId, message: fact.message, publishedAt: fact.publishedAt };
      case "message-copied-forward": {
        const { messageId, message, publishedAt, deadLetter } = fact;
        return { messageId, message, publishedAt, ...(deadLetter === undefined ? {} : { deadLetter }) };
      }
      case "message-dead-lettered": {
        const stored = await this.read(fact.storedAt);
        const topic = this.#ledger.topicById(fact.topic)?.ref.topic ?? "";
        const { reason, attempts } = fact;
        return { ...stored, deadLetter: { topic, messageId: stored.messageId, reason, attempts } };
      }
      default:
        throw new Error(`a ${fact.kind} stands at ${position}, where a message was expected`);
    }
  }
}
