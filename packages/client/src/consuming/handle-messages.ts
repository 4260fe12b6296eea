import { pollUntilStopped } from "../background/poll-until-stopped.ts";
import { WorkPool } from "../background/work-pool.ts";
import type { Core } from "../calls/core.ts";
import { KeyedTurns } from "../calls/keyed-turns.ts";
import { isDecodingFailure } from "../messages/to-received-message.ts";
import { Acknowledger } from "./acknowledger.ts";
import type { Handler } from "./consumer.ts";
import type { Lease } from "./lease.ts";

/** What a run does, for whom. */
export interface HandlingTask<T> {
  /** For sentences: `orders for GID_a`. */
  readonly what: string;
  readonly ordered: boolean;
  readonly concurrency: number;
  readonly maxMessages: number;
  receive(maxMessages: number, signal: AbortSignal): Promise<readonly Lease<T>[]>;
  acknowledge(leases: readonly Lease[]): Promise<void>;
  readonly handle: Handler<T>;
}

/** Receives and handles until it is stopped; resolves when all that was in hand is handled and acknowledged. */
export async function handleMessages<T>(core: Core, task: HandlingTask<T>, stopping: AbortSignal): Promise<void> {
  const handling = new Handling(core, task, stopping);
  try {
    await handling.receiveAll(stopping);
  } finally {
    await handling.finish();
  }
}

class Handling<T> {
  readonly #core: Core;
  readonly #task: HandlingTask<T>;
  readonly #pool: WorkPool;
  readonly #acknowledger: Acknowledger;
  readonly #turns = new KeyedTurns();

  constructor(core: Core, task: HandlingTask<T>, stopping: AbortSignal) {
    this.#core = core;
    this.#task = task;
    this.#pool = new WorkPool(task.concurrency);
    this.#acknowledger = new Acknowledger(core.settings, stopping, task.acknowledge);
  }

  async receiveAll(stopping: AbortSignal): Promise<void> {
    const { what, ordered, maxMessages, receive } = this.#task;
    const poll = async (): Promise<readonly Lease<T>[]> => {
      await this.#pool.room();
      // A message that waits for a handler would use up its time.
      return receive(ordered ? maxMessages : Math.min(maxMessages, this.#pool.free), stopping);
    };
    for await (const leases of pollUntilStopped(this.#core, `Receiving ${what}`, stopping, poll)) {
      for (const line of ordered ? bySharding(leases) : leases.map((lease) => [lease])) {
        await this.#pool.start(() => (ordered ? this.#handleInOrder(line) : this.#handleAll(line)));
      }
    }
  }

  async finish(): Promise<void> {
    await this.#pool.idle();
    await this.#acknowledger.idle();
  }

  /** Never beside earlier messages of the same key: a handler may still be busy with them when they come again. */
  async #handleInOrder(line: readonly Lease<T>[]): Promise<void> {
    const turn = this.#turns.enter(line[0]?.message.shardingKey ?? "");
    try {
      await turn.come;
      await this.#handleAll(line);
    } finally {
      turn.leave();
    }
  }

  /** One after the other, up to the first that fails: the broker brings it again, and those after it. */
  async #handleAll(line: readonly Lease<T>[]): Promise<void> {
    for (const lease of line) {
      // Its time was up before it had a turn: it comes again, perhaps elsewhere.
      if (lease.isOver || !(await this.#handle(lease))) return;
      this.#acknowledger.add(lease);
    }
  }

  async #handle(lease: Lease<T>): Promise<boolean> {
    const { message } = lease;
    const { logger } = this.#core.settings;
    const { what, handle } = this.#task;
    const over = new AbortController();
    const cancel = lease.whenOver(() => {
      const sentence = `A handler is still busy with message ${message.messageId} of ${what}, whose time is up: it comes again.`;
      logger.warn(sentence, { messageId: message.messageId, attempt: message.attempt });
      over.abort(new Error(sentence));
    });
    try {
      await handle(message, { signal: over.signal });
      return true;
    } catch (error) {
      const one = `message ${message.messageId} of ${what}`;
      const sentence = isDecodingFailure(error, message)
        ? `The body of ${one} could not be decoded; the message comes again: ${String(error)}`
        : `The handler failed at ${one}, which comes again: ${String(error)}`;
      logger.warn(sentence, { messageId: message.messageId, attempt: message.attempt, error });
      return false;
    } finally {
      cancel();
    }
  }
}

/** In the order of their first messages. */
function bySharding<T>(leases: readonly Lease<T>[]): Lease<T>[][] {
  const lines = new Map<string, Lease<T>[]>();
  for (const lease of leases) {
    const key = lease.message.shardingKey ?? "";
    const line = lines.get(key);
    if (line === undefined) lines.set(key, [lease]);
    else line.push(lease);
  }
  return [...lines.values()];
}
