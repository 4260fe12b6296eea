import type { EpochMs } from "../../domain/time.ts";
import type { Fact, MessagesDelivered, Offset, Position } from "../journal/fact.ts";
import type { Scan } from "../poll-memory.ts";
import type { TopicState } from "../state/ledger.ts";
import type { Outstanding, Subscription } from "../state/subscription.ts";
import type { Context } from "./context.ts";

/** One message that a poll will be given. */
export interface Pick {
  readonly queue: number;
  readonly offset: Offset;
  readonly position: Position;
  readonly attempt: number;
  readonly number: number;
  readonly firstDeliveredAt: EpochMs;
  readonly at: EpochMs;
  readonly until: EpochMs;
}

export interface ReceiveDecision {
  readonly facts: readonly Fact[];
  /** In the order of the answer. */
  readonly picks: readonly Pick[];
  readonly scans: readonly Scan[];
  /** For the poll memory (DEL-12). */
  readonly owedToNews: number;
  /** Set when nothing of all that had come due by then matches the filter: `arrivals` of the queue of what is due. */
  readonly nothingDueBy?: number;
  /** DEL-15: new messages were held back. */
  readonly isFull: boolean;
  /** A poll like this one finds no more just now. */
  readonly isAll: boolean;
}

/** How long a delivery hides its message: as a rule, and once it is blocked (ORD-6). */
export interface Invisibility {
  readonly usualFor: number;
  readonly blockedFor: number;
  readonly maxAttempts: number;
}

/** What one poll gets so far: at most so many messages, at most so many bytes, but always one (DEL-7). */
export class Batch {
  readonly picks: Pick[] = [];
  readonly #topic: TopicState;
  readonly #context: Context;
  readonly #invisibility: Invisibility;
  readonly #maxMessages: number;
  #bytes = 0;
  #newCount = 0;
  #isFull = false;

  constructor(topic: TopicState, maxMessages: number, invisibility: Invisibility, context: Context) {
    this.#topic = topic;
    this.#maxMessages = maxMessages;
    this.#invisibility = invisibility;
    this.#context = context;
  }

  get isFull(): boolean {
    return this.#isFull || this.picks.length >= this.#maxMessages;
  }

  /** How many of them the group did not have before (DEL-15). */
  get newCount(): number {
    return this.#newCount;
  }

  /** Adds a message that is new to the group, or was given back before it counted. False: it did not fit, and the batch is full. */
  addNew(queue: number, offset: Offset): boolean {
    const fits = this.#add(queue, offset, 1, this.#context.moment.now);
    if (fits) this.#newCount += 1;
    return fits;
  }

  /** Adds a message that was delivered before. */
  addAgain({ queue, offset, attempt, firstDeliveredAt }: Outstanding): boolean {
    return this.#add(queue, offset, attempt + 1, firstDeliveredAt);
  }

  /** The facts of this batch: one for each message queue and invisible time. */
  facts({ topic, group }: Subscription, ordered: boolean): MessagesDelivered[] {
    const { now: at } = this.#context.moment;
    const together: [Pick, ...Pick[]][] = [];
    for (const pick of this.picks) {
      const alike = together.find(([first]) => first.queue === pick.queue && first.until === pick.until);
      if (alike === undefined) together.push([pick]);
      else alike.push(pick);
    }
    return together.map((picks) => {
      const deliveries = picks.map(({ offset, attempt, number }) => ({ offset, attempt, number }));
      const [{ queue, until }] = picks;
      return { kind: "messages-delivered", topic, group, queue, ordered, deliveries, at, until };
    });
  }

  #add(queue: number, offset: Offset, attempt: number, firstDeliveredAt: EpochMs): boolean {
    const messages = this.#topic.queues[queue];
    if (messages === undefined) throw new Error(`no message queue ${queue} in topic ${this.#topic.id}`);
    const bytes = this.#bytes + messages.bodyBytesOf(offset);
    if (this.isFull || (this.picks.length > 0 && bytes > this.#context.settings.maxBatchBytes)) {
      this.#isFull = true;
      return false;
    }
    const { usualFor, blockedFor, maxAttempts } = this.#invisibility;
    this.#bytes = bytes;
    this.picks.push({
      queue,
      offset,
      position: messages.positionOf(offset),
      attempt,
      number: this.#context.draw(),
      firstDeliveredAt,
      at: this.#context.moment.now,
      until: this.#context.moment.now + (attempt > maxAttempts ? blockedFor : usualFor),
    });
    return true;
  }
}
