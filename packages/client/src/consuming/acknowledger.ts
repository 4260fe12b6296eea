import { pauseBeforeTry } from "../calls/retry.ts";
import type { Settings } from "../calls/settings.ts";
import { PartialAcknowledgeError } from "../errors/partial-acknowledge-error.ts";
import { StagemqError } from "../errors/stagemq-error.ts";
import { sleep } from "../world.ts";
import type { Lease } from "./lease.ts";

const MAX_HANDLES = 16;
const BACK_OFF = { baseDelayMs: 200, maxDelayMs: 5_000 };

/**
 * Acknowledges what was handled, without delay: what comes while a request is under way goes with the next one. Tries for as
 * long as the message's time lasts, and says what could not be done.
 */
export class Acknowledger {
  readonly #send: (leases: readonly Lease[]) => Promise<void>;
  readonly #settings: Settings;
  readonly #hurry: AbortSignal;
  readonly #waiting: Lease[] = [];
  #sending: Promise<void> | undefined;

  /** Once `hurry` is aborted, nothing is tried a second time. */
  constructor(settings: Settings, hurry: AbortSignal, send: (leases: readonly Lease[]) => Promise<void>) {
    this.#settings = settings;
    this.#hurry = hurry;
    this.#send = send;
  }

  add(lease: Lease): void {
    this.#waiting.push(lease);
    this.#sending ??= this.#sendAll();
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    await this.#sending;
  }

  async #sendAll(): Promise<void> {
    for (let some = this.#next(); some.length > 0; some = this.#next()) await this.#sendSome(some);
    this.#sending = undefined;
  }

  #next(): Lease[] {
    return this.#waiting.splice(0, MAX_HANDLES);
  }

  async #sendSome(leases: readonly Lease[]): Promise<void> {
    const { world } = this.#settings;
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#send(leases);
      } catch (error) {
        const isHopeless = error instanceof StagemqError && !error.retryable;
        if (isHopeless || this.#hurry.aborted || leases.every((lease) => lease.isOver))
          return this.#tell(leases, error);
        await sleep(world, pauseBeforeTry(tries, BACK_OFF, world.random()), this.#hurry).catch(() => undefined);
      }
    }
  }

  /** Of messages whose time was up, a warning was given already. */
  #tell(leases: readonly Lease[], error: unknown): void {
    const handles = error instanceof PartialAcknowledgeError ? error.failures.map(({ handle }) => handle) : undefined;
    const failed = leases.filter(({ message, isOver }) => !isOver && (handles?.includes(message.handle) ?? true));
    if (failed.length === 0) return;
    const reason = error instanceof Error ? error.message : String(error);
    const messageIds = failed.map(({ message }) => message.messageId);
    const sentence = `${failed.length} handled messages were not acknowledged, and come again: ${reason}`;
    this.#settings.logger.warn(sentence, { messageIds, error });
  }
}
