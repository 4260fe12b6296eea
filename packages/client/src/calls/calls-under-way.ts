import { ClosedError } from "../errors/closed-error.ts";
import type { CallEnd } from "./call-end.ts";

/** The calls of one client, for its end. */
export class CallsUnderWay {
  readonly #calls = new Set<CallEnd>();
  readonly #polls = new Set<CallEnd>();
  #takesPolls = true;
  #takesCalls = true;
  #whenDrained = (): void => undefined;

  /** Throws a ClosedError when no such calls are made any more. */
  begin(end: CallEnd, isPoll: boolean): void {
    if (!this.#takesCalls || (isPoll && !this.#takesPolls)) throw new ClosedError();
    this.#calls.add(end);
    if (isPoll) this.#polls.add(end);
  }

  finish(end: CallEnd): void {
    this.#calls.delete(end);
    this.#polls.delete(end);
    if (this.#calls.size === 0) this.#whenDrained();
  }

  /** Polls that wait for messages end at once, with a ClosedError. */
  endPolls(): void {
    this.#takesPolls = false;
    for (const end of this.#polls) end.end(new ClosedError());
  }

  /** No call begins any more. Resolves when the last is over. */
  async drain(): Promise<void> {
    this.#takesCalls = false;
    if (this.#calls.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenDrained = resolve;
    });
  }
}
