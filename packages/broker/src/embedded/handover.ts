import type { Delivery } from "../engine/engine.ts";
import type { Pick as Picked, ReceiveDecision } from "./decisions/batch.ts";
import type { HalfOffer } from "./decisions/decide-receive-half.ts";
import type { HalfMessageStored, Id, Position } from "./journal/fact.ts";
import type { Journal } from "./journal/journal.ts";
import type { MessageReader } from "./message-reader.ts";
import type { Receipts } from "./receipt.ts";
import type { TopicState } from "./state/ledger.ts";
import type { StoredMessage } from "./stored-message.ts";

/** What a poll was given. It is committed; the disk may not have it yet. */
export interface Taken {
  /** There is no more for now for a poll like it. */
  readonly isAll: boolean;
  /** Waits for the disk and reads the messages back. To be called once. */
  readonly handOver: () => Promise<Delivery[]>;
}

type Given = Pick<ReceiveDecision, "picks" | "isAll">;

/** Turns what was decided into what a client is handed: messages read back, handles sealed. */
export class Handover {
  readonly #journal: Journal;
  readonly #messages: MessageReader;
  readonly #receipts: Receipts;

  constructor(journal: Journal, messages: MessageReader, receipts: Receipts) {
    this.#journal = journal;
    this.#messages = messages;
    this.#receipts = receipts;
  }

  /** `position` is that of the facts by which these messages were delivered. */
  ofDeliveries(position: Position, topic: TopicState, group: Id, { picks, isAll }: Given): Taken {
    const places = picks.flatMap((pick) => topic.queues[pick.queue]?.placesOf(pick.offset) ?? []);
    const stand = picks.map((pick) => pick.position);
    const deliver = (stored: StoredMessage, index: number) =>
      this.#deliver(topic.id, group, picks[index] as Picked, stored);
    return { isAll, handOver: this.#handOver(position, { places, stand }, deliver) };
  }

  /** `position` is that of the facts by which these half messages were offered. */
  ofHalf(position: Position, offers: readonly HalfOffer[]): Taken {
    const stand = offers.map(({ half }) => half.position);
    const offer = (stored: StoredMessage, index: number) => this.#offer(offers[index] as HalfOffer, stored);
    return { isAll: false, handOver: this.#handOver(position, { places: stand, stand }, offer) };
  }

  /** What commits a half message or rolls it back, from its publish on. */
  transactionHandle({ topic, id, number, at, firstCheckAt }: HalfMessageStored): Delivery["handle"] {
    return this.#receipts.seal({ sort: "transaction", topic, half: id, check: 0, number, at, until: firstCheckAt });
  }

  /** Decision 8: messages are read once the disk has the delivery; nobody may delete them before. */
  #handOver(
    position: Position,
    { places, stand }: { readonly places: readonly Position[]; readonly stand: readonly Position[] },
    deliver: (stored: StoredMessage, index: number) => Delivery,
  ): Taken["handOver"] {
    const unpin = this.#journal.pin(...places);
    return async () => {
      try {
        await this.#journal.synced(position);
        return (await this.#messages.readAll(stand)).map(deliver);
      } finally {
        unpin();
      }
    };
  }

  #deliver(topic: Id, group: Id, pick: Picked, stored: StoredMessage): Delivery {
    const { queue, offset, attempt, number, at, until, firstDeliveredAt } = pick;
    const handle = this.#receipts.seal({
      sort: "delivery",
      topic,
      group,
      queue,
      offset,
      attempt,
      number,
      at,
      until,
    });
    return deliveryOf(stored, { handle, attempt, firstDeliveredAt, visibleAgainAt: until });
  }

  #offer({ half, firstCheckedAt, fact }: HalfOffer, stored: StoredMessage): Delivery {
    const { topic, check, number, at, until } = fact;
    const handle = this.#receipts.seal({ sort: "transaction", topic, half: half.id, check, number, at, until });
    return deliveryOf(stored, { handle, attempt: check, firstDeliveredAt: firstCheckedAt, visibleAgainAt: until });
  }
}

function deliveryOf(
  { messageId, message, publishedAt, deadLetter }: StoredMessage,
  { handle, attempt, firstDeliveredAt, visibleAgainAt }: Omit<Delivery, keyof StoredMessage>,
): Delivery {
  const delivery = { messageId, message, publishedAt, handle, attempt, firstDeliveredAt, visibleAgainAt };
  return deadLetter === undefined ? delivery : { ...delivery, deadLetter };
}
