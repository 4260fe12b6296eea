import { SECOND } from "../domain/time.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log, LogFields } from "../runtime/log.ts";

const EVERY = SECOND;
/** Of refusals held apart; a client that invents names must not flood the log. */
const MAX_SORTS = 20;

/** One line per request, at its end; of refusals that are alike at most one a second, with their number. */
export class RequestLog {
  readonly #log: Log;
  readonly #clock: Clock;
  /** How many more of a sort there were since its last line, and the newest of them. */
  readonly #held = new Map<string, { times: number; fields: LogFields }>();

  constructor({ clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Whether anybody wants to know of requests that were answered. */
  get tellsAnswered(): boolean {
    return this.#log.isEnabled("debug");
  }

  answered(fields: LogFields): void {
    this.#log.write("debug", "request.answered", fields);
  }

  /** Nobody was there to get the answer. */
  hungUp(fields: LogFields): void {
    this.#log.write("debug", "request.hung-up", fields);
  }

  /** Refusals with one code, topic and hint are alike; where there are too many sorts at once, those with one code. */
  refused(code: string, fields: LogFields): void {
    const sort = this.#held.size < MAX_SORTS ? `${code} ${fields.topic} ${fields.hint}` : code;
    const held = this.#held.get(sort);
    if (held) {
      this.#held.set(sort, { times: held.times + 1, fields });
      return;
    }
    this.#write({ times: 1, fields });
    this.#hold(sort);
  }

  /** Tells what is still held back. To be called at the end. */
  flush(): void {
    for (const held of this.#held.values()) if (held.times > 0) this.#write(held);
    this.#held.clear();
  }

  /** A bug: what was thrown is for the log alone. */
  failed(error: unknown, fields: LogFields): void {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#log.write("error", "request.failed", { ...fields, stack });
  }

  #hold(sort: string): void {
    this.#held.set(sort, { times: 0, fields: {} });
    this.#clock.alarm(this.#clock.now() + EVERY, () => {
      const held = this.#held.get(sort);
      this.#held.delete(sort);
      if (!held?.times) return;
      this.#write(held);
      this.#hold(sort);
    });
  }

  #write({ times, fields }: { times: number; fields: LogFields }): void {
    this.#log.write("warn", "request.refused", { ...fields, times });
  }
}
