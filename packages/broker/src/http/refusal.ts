import type { DoorRefusal } from "./error-table.ts";

export interface RefusalDetails {
  /** The protocol's text, where it is more than the usual one of the Code. */
  readonly text?: string;
  /** What was given and what would be right (REQ-5). */
  readonly hint?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** For the log alone. */
  readonly signed?: string;
}

/** A refusal by this door: the request never reached an engine. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly reason: DoorRefusal;
  readonly details: RefusalDetails;

  constructor(reason: DoorRefusal, details: RefusalDetails = {}) {
    super(details.hint ?? details.text ?? reason);
    this.reason = reason;
    this.details = details;
  }
}
