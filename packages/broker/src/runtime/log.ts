export type LogLevel = "debug" | "info" | "warn" | "error";

/** What a log line may carry beside its event. Never a message body, never a secret (RUN-3). */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Where the broker says what happens. `event` is stable, dotted, past tense: `message.delivered`. Never throws, never waits. */
export interface Log {
  write(level: LogLevel, event: string, fields?: LogFields): void;
}
