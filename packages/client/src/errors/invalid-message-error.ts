import { InvalidArgumentError } from "./invalid-argument-error.ts";

/** The broker would refuse this message; so it was not sent. Code `InvalidArgument`. */
export class InvalidMessageError extends InvalidArgumentError {
  override readonly name = "InvalidMessageError";
}
