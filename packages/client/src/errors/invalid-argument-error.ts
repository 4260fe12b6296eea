import { StagemqError } from "./stagemq-error.ts";

/** Something was given to this client that cannot be right. Nothing was sent. Code `InvalidArgument`. */
export class InvalidArgumentError extends StagemqError {
  override readonly name: string = "InvalidArgumentError";

  constructor(message: string, cause?: unknown) {
    super("InvalidArgument", message, { cause });
  }
}
