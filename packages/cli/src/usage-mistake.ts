import { EXIT } from "./exit-codes.ts";

/** Something on the command line, or named there, that cannot be right. The message is the sentence to tell. */
export class UsageMistake extends Error {
  override readonly name = "UsageMistake";
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.usage) {
    super(message);
    this.exitCode = exitCode;
  }
}
