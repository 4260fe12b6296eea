/** Who is told what nobody waits for: a failed handler, a message that took too long. */
export interface Logger {
  warn(message: string, details?: object): void;
}
