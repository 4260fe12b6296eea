import type { TopicRef } from "../domain/names.ts";
import type { EpochMs } from "../domain/time.ts";
import type {
  Delivery,
  EndTransactionRequest,
  ListedMessage,
  MessageList,
  MessageQuery,
  PublishReceipt,
  PublishRequest,
  ReceiptHandle,
  ReceiveRequest,
} from "../engine/engine.ts";

/** What was done to a message, whatever has become of it since. */
export type PastState = "published" | "delivered" | "acknowledged";

/** A half message that consumers never saw: its transaction has not ended, or was rolled back. */
export interface Withheld extends ListedMessage {
  readonly transaction: "open" | "rolled-back";
}

interface Published extends ListedMessage {
  readonly topic: TopicRef;
  /** Absent where it is none. */
  transaction?: "open" | "committed" | "rolled-back";
}

interface Delivered extends ListedMessage {
  readonly topic: TopicRef;
  isAcknowledged: boolean;
}

type PastQuery = Pick<MessageQuery, "topic" | "group" | "limit"> & { readonly state: PastState };

/** What each list remembers; the oldest go. */
const MAX_ENTRIES = 100_000;

/** What clients have published, been given and acknowledged since the start, or the last reset. */
export class History {
  readonly #published = new Set<Published>();
  readonly #delivered = new Set<Delivered>();
  /** Several where a test had it delivered once more. */
  readonly #byHandle = new Map<ReceiptHandle, Delivered[]>();
  readonly #byId = new Map<string, Published>();
  readonly #byTransaction = new Map<ReceiptHandle, Published>();

  notePublished({ topic, message, intent }: PublishRequest, receipt: PublishReceipt, publishedAt: EpochMs): void {
    const { messageId, transactionHandle } = receipt;
    const deliverAt = "deliverAt" in intent ? intent.deliverAt : undefined;
    const entry: Published = {
      topic,
      messageId,
      message,
      publishedAt,
      attempt: 0,
      ...(deliverAt === undefined ? {} : { dueAt: deliverAt }),
      ...(transactionHandle === undefined ? {} : { transaction: "open" }),
    };
    this.#published.add(entry);
    this.#byId.set(messageId, entry);
    if (transactionHandle !== undefined) this.#byTransaction.set(transactionHandle, entry);
    const oldest = oldestOver(this.#published);
    if (oldest !== undefined) this.#byId.delete(oldest.messageId);
  }

  noteDelivered({ topic, group }: Pick<ReceiveRequest, "topic" | "group">, deliveries: readonly Delivery[]): void {
    for (const { messageId, message, publishedAt, attempt, visibleAgainAt, handle, deadLetter } of deliveries) {
      const entry: Delivered = {
        topic,
        group,
        messageId,
        // The same object where it is known: bodies may be large.
        message: this.#byId.get(messageId)?.message ?? message,
        publishedAt,
        attempt,
        dueAt: visibleAgainAt,
        ...(deadLetter === undefined ? {} : { deadLetter }),
        isAcknowledged: false,
      };
      this.#delivered.add(entry);
      this.#byHandle.set(handle, [...(this.#byHandle.get(handle) ?? []), entry]);
      oldestOver(this.#delivered);
    }
    while (this.#byHandle.size > MAX_ENTRIES) deleteFirst(this.#byHandle);
  }

  /** The newest of these deliveries reached nobody. */
  noteGivenBack(handles: readonly ReceiptHandle[]): void {
    for (const handle of handles) {
      const entry = this.#byHandle.get(handle)?.pop();
      if (entry !== undefined) this.#delivered.delete(entry);
    }
  }

  noteAcknowledged(handle: ReceiptHandle): void {
    for (const entry of this.#byHandle.get(handle) ?? []) entry.isAcknowledged = true;
  }

  /** A back-check gives a new handle for the same transaction. */
  noteOffered(deliveries: readonly Delivery[]): void {
    for (const { messageId, handle } of deliveries) {
      const entry = this.#byId.get(messageId);
      if (entry !== undefined) this.#byTransaction.set(handle, entry);
    }
    while (this.#byTransaction.size > MAX_ENTRIES) deleteFirst(this.#byTransaction);
  }

  noteEnded(handle: ReceiptHandle, resolution: EndTransactionRequest["resolution"]): void {
    const entry = this.#byTransaction.get(handle);
    if (entry !== undefined) entry.transaction = resolution === "commit" ? "committed" : "rolled-back";
  }

  /** In the order in which it happened. */
  list({ topic, group, state, limit }: PastQuery): MessageList {
    const ofTopic = [...this.#entriesIn(state)].filter(
      (entry) =>
        isSame(entry.topic, topic) &&
        (group === undefined || state === "published" || entry.group?.group === group.group),
    );
    return { messages: ofTopic.slice(0, limit), isCut: ofTopic.length > limit };
  }

  /** Half messages of a topic that were published and not committed. */
  listWithheld(topic: TopicRef): Withheld[] {
    const ofTopic = [...this.#published].filter((entry) => isSame(entry.topic, topic));
    return ofTopic.flatMap(({ transaction, ...entry }) =>
      transaction === undefined || transaction === "committed" ? [] : [{ ...entry, transaction }],
    );
  }

  clear(): void {
    this.#published.clear();
    this.#delivered.clear();
    this.#byHandle.clear();
    this.#byId.clear();
    this.#byTransaction.clear();
  }

  *#entriesIn(state: PastState): Generator<Published | Delivered> {
    if (state === "published") {
      for (const entry of this.#published) if (isCommitted(entry)) yield entry;
    } else if (state === "delivered") {
      yield* this.#delivered;
    } else {
      // DEL-5.4: acknowledged twice is acknowledged once.
      const seen = new Set<string>();
      for (const entry of this.#delivered) {
        const name = `${entry.topic.topic} ${entry.group?.group} ${entry.messageId}`;
        if (!entry.isAcknowledged || seen.has(name)) continue;
        seen.add(name);
        yield entry;
      }
    }
  }
}

function isCommitted({ transaction }: Published): boolean {
  return transaction === undefined || transaction === "committed";
}

function isSame(one: TopicRef, other: TopicRef): boolean {
  return one.instance === other.instance && one.topic === other.topic;
}

/** Takes the oldest out where there are too many. */
function oldestOver<T>(entries: Set<T>): T | undefined {
  if (entries.size <= MAX_ENTRIES) return undefined;
  const [oldest] = entries;
  if (oldest !== undefined) entries.delete(oldest);
  return oldest;
}

function deleteFirst<K>(entries: Map<K, unknown>): void {
  for (const key of entries.keys()) {
    entries.delete(key);
    return;
  }
}
