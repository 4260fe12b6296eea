import type { DeadLetterOrigin, Message } from "../domain/message.ts";
import type { EpochMs } from "../domain/time.ts";
import type { Fact, MessageDeadLettered } from "./journal/fact.ts";
import type { Ledger } from "./state/ledger.ts";

/** A message as it was stored. */
export interface StoredMessage {
  readonly messageId: string;
  readonly message: Message;
  readonly publishedAt: EpochMs;
  readonly deadLetter?: DeadLetterOrigin;
}

/** The message that a fact holds; undefined where it holds none itself. */
export function storedMessageIn(fact: Fact): StoredMessage | undefined {
  switch (fact.kind) {
    case "message-stored":
    case "delayed-message-stored":
    case "half-message-stored":
      return { messageId: fact.messageId, message: fact.message, publishedAt: fact.publishedAt };
    case "message-copied-forward": {
      const { messageId, message, publishedAt, deadLetter } = fact;
      return { messageId, message, publishedAt, ...(deadLetter === undefined ? {} : { deadLetter }) };
    }
    default:
      return undefined;
  }
}

/** DLQ-4: with where it comes from. */
export function toDeadLetter(stored: StoredMessage, letter: MessageDeadLettered, ledger: Ledger): StoredMessage {
  const topic = ledger.topicById(letter.topic)?.ref.topic ?? "";
  const { reason, attempts } = letter;
  return { ...stored, deadLetter: { topic, messageId: stored.messageId, reason, attempts } };
}
