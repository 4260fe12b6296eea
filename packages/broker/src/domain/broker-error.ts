/** Every reason for which the broker refuses, whatever the protocol. A door has a complete table of its answers. */
export type BrokerErrorCode =
  | "topic-not-found"
  | "group-not-found"
  | "invalid-argument"
  | "message-too-large"
  | "access-denied"
  | "overloaded"
  | "unsupported"
  | "upstream-unavailable"
  | "stopping"
  | "storage-full"
  | "storage-failed";

/** An expected refusal. `message` says what was given and what would be right, for the one who asked. */
export class BrokerError extends Error {
  readonly code: BrokerErrorCode;

  constructor(code: BrokerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "BrokerError";
    this.code = code;
  }
}
