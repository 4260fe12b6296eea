import { setTimeout as sleep } from "node:timers/promises";
import { type Consumer, PartialAcknowledgeError, type ReceivedMessage, StagemqError } from "@stagemq/client";
import type { Printer } from "./printer.ts";

export interface ReceiveUntilOptions {
  readonly printer: Printer<ReceivedMessage>;
  /** How many at most. */
  readonly max: number;
  /** For how long to wait for the first, in milliseconds; what follows it is not waited for. */
  readonly waitMs: number;
  /** Waits for more and more, also through times in which the broker cannot be reached. */
  readonly follows: boolean;
  readonly acknowledges: boolean;
  /** Ends it; what is in hand is finished. */
  readonly signal: AbortSignal;
  readonly onFailure: (error: StagemqError) => void;
}

/** What became of it so far. */
export interface Received {
  received: number;
  acknowledged: number;
  /** Acknowledgements that the broker did not take. */
  refused: number;
  /** When the first of those comes again that were not to be acknowledged. */
  nextAt: Date | undefined;
}

const MAX_BATCH = 16;
const LONGEST_WAIT_MS = 30_000;
const TRY_AGAIN_AFTER_MS = 1_000;

/**
 * Receives messages, prints them and acknowledges them, in this order: what nobody could read is not acknowledged, and comes
 * again. `tally` tells how far it came, also when this rejects.
 */
export async function receiveUntil(consumer: Consumer, options: ReceiveUntilOptions, tally: Received): Promise<void> {
  const { printer, max, acknowledges, signal, follows } = options;
  while (tally.received < max && !signal.aborted) {
    const messages = await receive(consumer, options, tally);
    if (messages === undefined || (messages.length === 0 && !follows)) return;
    if (messages.length === 0) continue;
    tally.received += messages.length;
    const isRead = await printer.print(messages);
    // Not ended by the signal: what was printed is in hand.
    if (isRead && acknowledges) await acknowledge(consumer, messages, tally);
    else tally.nextAt ??= earliest(messages);
    if (!isRead) return;
  }
}

/** Undefined: it was told to end. */
async function receive(
  consumer: Consumer,
  { max, waitMs, follows, signal, onFailure }: ReceiveUntilOptions,
  { received }: Received,
): Promise<readonly ReceivedMessage[] | undefined> {
  const wait = follows ? LONGEST_WAIT_MS : received === 0 ? waitMs : 0;
  try {
    const { messages } = await consumer.receive({ maxMessages: Math.min(MAX_BATCH, max - received), wait, signal });
    return messages;
  } catch (error) {
    if (signal.aborted) return undefined;
    if (!(follows && received > 0 && error instanceof StagemqError && error.retryable)) throw error;
    onFailure(error);
    await sleep(TRY_AGAIN_AFTER_MS, undefined, { signal }).catch(() => undefined);
    return [];
  }
}

async function acknowledge(consumer: Consumer, messages: readonly ReceivedMessage[], tally: Received): Promise<void> {
  try {
    await consumer.acknowledge(messages);
    tally.acknowledged += messages.length;
  } catch (error) {
    if (!(error instanceof PartialAcknowledgeError)) throw error;
    tally.refused += error.failures.length;
    tally.acknowledged += messages.length - error.failures.length;
  }
}

function earliest(messages: readonly ReceivedMessage[]): Date {
  return new Date(Math.min(...messages.map(({ nextConsumeAt }) => nextConsumeAt.getTime())));
}
