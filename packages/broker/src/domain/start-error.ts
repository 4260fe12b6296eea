/** Why a start, or any other command, cannot succeed (RUN-1): one sentence for a person, and what the process exits with. */
export class StartError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StartError";
    this.exitCode = exitCode;
  }
}
