import { type FailureDetails, StagemqError } from "./stagemq-error.ts";

/** The broker could not be reached, or the connection broke. Code `ConnectionFailed`; `cause` is what Node.js said. */
export class ConnectionError extends StagemqError {
  override readonly name = "ConnectionError";

  constructor(message: string, details: Pick<FailureDetails, "outcomeUnknown" | "cause">) {
    super("ConnectionFailed", message, { ...details, retryable: true });
  }
}
