import { type FailureDetails, StagemqError } from "./stagemq-error.ts";

/** The time of a call was up. Code `Timeout`; `cause` is what the last attempt before failed with, if there was one. */
export class TimeoutError extends StagemqError {
  override readonly name = "TimeoutError";

  constructor(message: string, details: Pick<FailureDetails, "outcomeUnknown" | "cause">) {
    super("Timeout", message, { ...details, retryable: true });
  }
}
