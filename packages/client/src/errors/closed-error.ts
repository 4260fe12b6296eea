import { StagemqError } from "./stagemq-error.ts";

/** The client was closed before or during this call. Code `Closed`. */
export class ClosedError extends StagemqError {
  override readonly name = "ClosedError";

  constructor() {
    super("Closed", "The client is closed.");
  }
}
