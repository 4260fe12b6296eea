import { type FailureDetails, StagemqError } from "./stagemq-error.ts";

/** The broker refused the request. `code` is the protocol's: `TopicNotExist`, `SignatureDoesNotMatch`, … */
export class RefusedError extends StagemqError {
  override readonly name = "RefusedError";
  /** What to do about it, where the code alone tells that. */
  readonly hint: string | undefined;

  constructor(code: string, message: string, details: FailureDetails & { readonly hint?: string | undefined }) {
    super(code, message, details);
    this.hint = details.hint;
  }
}
