import { StagemqError } from "./stagemq-error.ts";

/**
 * The local transaction is done, but its half message may not be committed: the back-check will ask about it. Not retryable,
 * since the local transaction would run twice. Code `TransactionOpen`; `cause` is what the commit failed with.
 */
export class OpenTransactionError extends StagemqError {
  override readonly name = "OpenTransactionError";
  /** Of the half message. */
  readonly messageId: string;

  constructor(topic: string, messageId: string, cause: unknown) {
    const { requestId, status } = cause instanceof StagemqError ? cause : {};
    super(
      "TransactionOpen",
      `The local transaction is done, but half message ${messageId} of ${topic} was not committed; the back-check will ask about it: ${String(cause)}`,
      { requestId, status, outcomeUnknown: true, cause },
    );
    this.messageId = messageId;
  }
}
