/** What is known of a failure beside its code and its sentence. */
export interface FailureDetails {
  readonly retryable?: boolean;
  readonly outcomeUnknown?: boolean;
  readonly requestId?: string | undefined;
  readonly status?: number | undefined;
  readonly cause?: unknown;
}

/** What every error of this client is. `message` says what was given, and what would be right. */
export abstract class StagemqError extends Error {
  /** For programs: the broker's own code where it refused, and one word a class otherwise. */
  readonly code: string;
  /** Whether the same call may succeed if it is made again. */
  readonly retryable: boolean;
  /** Whether the broker may have done what was asked, all the same: publishing again may then store the message twice. */
  readonly outcomeUnknown: boolean;
  /** By which the broker knows the request; absent where no reply came. */
  readonly requestId: string | undefined;
  /** Of HTTP; absent where no reply came. */
  readonly status: number | undefined;

  constructor(code: string, message: string, details: FailureDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.retryable = details.retryable ?? false;
    this.outcomeUnknown = details.outcomeUnknown ?? false;
    this.requestId = details.requestId;
    this.status = details.status;
  }
}
