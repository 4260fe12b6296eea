import { type FailureDetails, StagemqError } from "./stagemq-error.ts";

/** A reply came that is none of this protocol, of a gateway in between perhaps. Code `UnreadableReply`. */
export class UnreadableReplyError extends StagemqError {
  override readonly name = "UnreadableReplyError";

  constructor(message: string, details: FailureDetails) {
    super("UnreadableReply", message, details);
  }
}
