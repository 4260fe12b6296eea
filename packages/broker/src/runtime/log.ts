export type LogLevel = "debug" | "info" | "warn" | "error";

/**
 * What a log line may carry beside its event. Never a message body, never a secret (RUN-3). A terminal shows `sentence`
 * instead of the event's name, `visibleAgainAt` (ISO 8601) as an hour, `stack` on lines of its own, and the rest as name=value.
 */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Where the broker says what happens. `event` is stable, dotted, past tense: `message.delivered`. Never throws, never waits. */
export interface Log {
  /** Whether a line of this level would be written: for lines that cost something to make. */
  isEnabled(level: LogLevel): boolean;
  write(level: LogLevel, event: string, fields?: LogFields): void;
}
