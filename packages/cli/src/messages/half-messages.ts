import { type CheckedMessage, RefusedError, type TransactionalProducer } from "@stagemq/client";

/** How a transaction is to end. */
export type End = "commit" | "rollback";

/** Half messages by their id; each with the newest handle. */
export type HalfMessages = ReadonlyMap<string, CheckedMessage>;

export interface GatherOptions {
  /** How long to wait for the first of them, or for all that are wanted, in milliseconds. */
  readonly waitMs: number;
  /** Ids; absent: all that are there. */
  readonly wanted?: readonly string[];
  readonly signal: AbortSignal;
  readonly now?: () => number;
}

/** A handle is good for 10 s, and then its half message is offered again. */
const OFFERED_AGAIN_MS = 15_000;

/** The half messages that the broker asks about; it asks first 10 s after a publish, and again every 10 s. */
export async function gatherHalfMessages(
  producer: TransactionalProducer,
  { waitMs, wanted, signal, now = () => performance.now() }: GatherOptions,
): Promise<HalfMessages> {
  const found = new Map<string, CheckedMessage>();
  const endsAt = now() + waitMs;
  for (;;) {
    const left = Math.max(0, endsAt - now());
    const wait = wanted !== undefined || found.size === 0 ? left : 0;
    const messages = await receive(producer, wait, signal);
    const isNew = messages.some(({ messageId }) => !found.has(messageId));
    for (const message of messages) found.set(message.messageId, message);
    if (signal.aborted || wanted?.every((id) => found.has(id))) return found;
    if (wanted === undefined ? !isNew : left === 0) return found;
  }
}

async function receive(
  producer: TransactionalProducer,
  wait: number,
  signal: AbortSignal,
): Promise<readonly CheckedMessage[]> {
  try {
    return await producer.receiveHalf({ wait, signal });
  } catch (error) {
    if (signal.aborted) return [];
    throw error;
  }
}

/** Ends transactions; the ids of those that somebody else has ended. A handle that came too late is replaced by a new one. */
export async function endTransactions(
  producer: TransactionalProducer,
  ends: ReadonlyMap<string, End>,
  { found, signal }: { readonly found: HalfMessages; readonly signal: AbortSignal },
): Promise<readonly string[]> {
  const late = await endWith(producer, ends, found);
  if (late.length === 0) return [];
  const again = await gatherHalfMessages(producer, { waitMs: OFFERED_AGAIN_MS, wanted: late, signal });
  const rest = new Map([...ends].filter(([id]) => late.includes(id)));
  return endWith(producer, rest, again);
}

/** The ids whose handle the broker did not take any more. */
async function endWith(
  producer: TransactionalProducer,
  ends: ReadonlyMap<string, End>,
  found: HalfMessages,
): Promise<string[]> {
  const late: string[] = [];
  for (const [id, end] of ends) {
    const message = found.get(id);
    if (message === undefined || !(await tryToEnd(producer, message, end))) late.push(id);
  }
  return late;
}

async function tryToEnd(producer: TransactionalProducer, message: CheckedMessage, end: End): Promise<boolean> {
  try {
    await producer[end](message);
    return true;
  } catch (error) {
    if (error instanceof RefusedError && error.code === "MessageNotExist") return false;
    throw error;
  }
}
