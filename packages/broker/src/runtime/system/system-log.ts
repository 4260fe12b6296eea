import { stderr } from "node:process";
import { type Logger, pino } from "pino";
import type { EpochMs } from "../../domain/time.ts";
import type { Log, LogFields, LogLevel } from "../log.ts";
import { formatTerminalLine } from "./terminal-line.ts";

/** What the log needs of standard error. */
export interface LogOutput {
  readonly writableLength: number;
  readonly writable: boolean;
  write(text: string): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  hasColors?(): boolean;
}

export interface SystemLogOptions {
  readonly level: LogLevel;
  /** Sentences for people instead of JSON lines. */
  readonly terminal: boolean;
  readonly wall: () => EpochMs;
  readonly output?: LogOutput;
}

const SEVERITY: Readonly<Record<LogLevel, number>> = { debug: 20, info: 30, warn: 40, error: 50 };
/** What a slow reader may owe before lines are dropped. */
const MAX_UNREAD_BYTES = 1_048_576;

/** Standard error: JSON lines, or sentences on a terminal. RUN-3: a full or closed pipe costs lines, never time. */
export class SystemLog implements Log {
  readonly #options: SystemLogOptions;
  readonly #output: LogOutput;
  readonly #json: Logger;
  #dropped = 0;

  constructor(options: SystemLogOptions) {
    this.#options = options;
    this.#output = options.output ?? stderr;
    // EPIPE: whoever read has gone. `writable` is false from then on.
    this.#output.on("error", () => {});
    this.#json = pino(
      {
        base: null,
        level: options.level,
        timestamp: () => `,"time":"${new Date(options.wall()).toISOString()}"`,
        formatters: { level: (level) => ({ level }) },
      },
      { write: (line) => this.#write(line) },
    );
  }

  isEnabled(level: LogLevel): boolean {
    return SEVERITY[level] >= SEVERITY[this.#options.level];
  }

  write(level: LogLevel, event: string, fields: LogFields = {}): void {
    if (!this.isEnabled(level)) return;
    if (!this.#hasRoom()) {
      this.#dropped++;
      return;
    }
    if (this.#dropped > 0) this.#tellDropped();
    this.#tell(level, event, fields);
  }

  #hasRoom(): boolean {
    return this.#output.writable && this.#output.writableLength < MAX_UNREAD_BYTES;
  }

  #tellDropped(): void {
    const count = this.#dropped;
    this.#dropped = 0;
    this.#tell("warn", "log.dropped", { sentence: `${count} log lines were dropped: nobody read them.`, count });
  }

  #tell(level: LogLevel, event: string, fields: LogFields): void {
    if (this.#options.terminal) {
      const entry = { level, wall: this.#options.wall(), event, fields };
      this.#write(formatTerminalLine(entry, this.#output.hasColors?.() ?? false));
    } else {
      this.#json[level]({ event, ...fields });
    }
  }

  #write(line: string): void {
    try {
      this.#output.write(line);
    } catch {
      // A file on a full disk throws here.
      this.#dropped++;
    }
  }
}
