import type { TopicRef } from "../domain/names.ts";
import { MIB } from "../domain/size.ts";
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
import { type Memory, Recent } from "./recent.ts";

/** What was done to a message, whatever has become of it since. */
export type PastState = "published" | "delivered" | "acknowledged";

/** A half message that consumers never saw: its transaction has not ended, or was rolled back. */
export interface Withheld extends ListedMessage {
  readonly transaction: "open" | "rolled-back";
}

interface Published extends ListedMessage {
  readonly topic: TopicRef;
  /** By which its transaction can be ended. */
  readonly handles: ReceiptHandle[];
  /** Absent where it is none. */
  transaction?: "open" | "committed" | "rolled-back";
}

interface Delivered extends ListedMessage {
  readonly topic: TopicRef;
  readonly handle: ReceiptHandle;
  isAcknowledged: boolean;
}

type PastQuery = Pick<MessageQuery, "topic" | "group" | "limit"> & { readonly state: PastState };

const MEMORY: Memory = { entries: 100_000, characters: 128 * MIB };

/** What clients have published, been given and acknowledged since the start, or the last reset. */
export class History {
  readonly #published: Recent<Published>;
  readonly #delivered: Recent<Delivered>;
  /** Several where a test had it delivered once more. */
  readonly #byHandle = new Map<ReceiptHandle, Delivered[]>();
  readonly #byId = new Map<string, Published>();
  readonly #byTransaction = new Map<ReceiptHandle, Published>();

  constructor(memory = MEMORY) {
    this.#published = new Recent(memory, ({ messageId, handles }) => {
      this.#byId.delete(messageId);
      for (const handle of handles) this.#byTransaction.delete(handle);
    });
    this.#delivered = new Recent(memory, ({ handle }) => this.#byHandle.delete(handle));
  }

  /** Whether it holds less than what happened. */
  get hasForgotten(): boolean {
    return this.#published.hasForgotten || this.#delivered.hasForgotten;
  }

  notePublished({ topic, message, intent }: PublishRequest, receipt: PublishReceipt, publishedAt: EpochMs): void {
    const { messageId, transactionHandle } = receipt;
    const deliverAt = "deliverAt" in intent ? intent.deliverAt : undefined;
    const entry: Published = {
      topic,
      messageId,
      message,
      publishedAt,
      attempt: 0,
      handles: [],
      ...(deliverAt === undefined ? {} : { dueAt: deliverAt }),
      ...(transactionHandle === undefined ? {} : { transaction: "open" }),
    };
    this.#byId.set(messageId, entry);
    if (transactionHandle !== undefined) this.#noteHandle(entry, transactionHandle);
    this.#published.add(entry);
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
        handle,
        isAcknowledged: false,
      };
      this.#byHandle.set(handle, [...(this.#byHandle.get(handle) ?? []), entry]);
      this.#delivered.add(entry);
    }
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
      if (entry !== undefined) this.#noteHandle(entry, handle);
    }
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

  #noteHandle(entry: Published, handle: ReceiptHandle): void {
    entry.handles.push(handle);
    this.#byTransaction.set(handle, entry);
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
