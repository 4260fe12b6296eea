import type { Log, LogFields, LogLevel } from "../runtime/log.ts";

export interface LogEntry {
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: LogFields;
}

/** Keeps what was said, of every level. */
export class RecordingLog implements Log {
  readonly entries: LogEntry[] = [];

  isEnabled(): boolean {
    return true;
  }

  write(level: LogLevel, event: string, fields: LogFields = {}): void {
    this.entries.push({ level, event, fields });
  }

  /** The entries of one event, oldest first. */
  of(event: string): readonly LogEntry[] {
    return this.entries.filter((entry) => entry.event === event);
  }
}
