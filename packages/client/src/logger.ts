/** Who is told what nobody waits for: a failed handler, a message that took too long. */
export interface Logger {
  /** `details` has ids, and the error where it says more than the sentence. */
  warn(message: string, details?: object): void;
}
