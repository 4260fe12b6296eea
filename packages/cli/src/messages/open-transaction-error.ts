/** A half message was stored, and its transaction could not be ended; `cause` says why. */
export class OpenTransactionError extends Error {
  override readonly name = "OpenTransactionError";

  constructor(messageId: string, { topic, group }: { readonly topic: string; readonly group: string }, cause: unknown) {
    super(
      `The half message ${messageId} is stored, and its transaction open: see stagemq check ${topic} -g ${group}.`,
      {
        cause,
      },
    );
  }
}
