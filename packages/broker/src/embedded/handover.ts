import type { Delivery } from "../engine/engine.ts";
import type { Pick } from "./decisions/batch.ts";
import type { HalfOffer } from "./decisions/decide-receive-half.ts";
import type { HalfMessageStored, Id, Position } from "./journal/fact.ts";
import type { Journal } from "./journal/journal.ts";
import type { MessageReader } from "./message-reader.ts";
import type { Receipts } from "./receipt.ts";
import type { TopicState } from "./state/ledger.ts";

/** What a poll was given. It is committed; the disk may not have it yet. */
export interface Taken {
  /** Waits for the disk and reads the messages back. To be called once. */
  readonly handOver: () => Promise<Delivery[]>;
}

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
  ofDeliveries(position: Position, topic: TopicState, group: Id, picks: readonly Pick[]): Taken {
    const places = picks.flatMap((pick) => topic.queues[pick.queue]?.placesOf(pick.offset) ?? []);
    return this.#taken(position, places, () => picks.map((pick) => this.#deliver(topic.id, group, pick)));
  }

  /** `position` is that of the facts by which these half messages were offered. */
  ofHalf(position: Position, offers: readonly HalfOffer[]): Taken {
    const places = offers.map(({ half }) => half.position);
    return this.#taken(position, places, () => offers.map((offer) => this.#offer(offer)));
  }

  /** What commits a half message or rolls it back, from its publish on. */
  transactionHandle({ topic, id, number, at, firstCheckAt }: HalfMessageStored): Delivery["handle"] {
    return this.#receipts.seal({ sort: "transaction", topic, half: id, check: 0, number, at, until: firstCheckAt });
  }

  /** Decision 8: messages are read once the disk has the delivery; nobody may delete them before. */
  #taken(position: Position, places: readonly Position[], read: () => Promise<Delivery>[]): Taken {
    const pins = places.map((place) => this.#journal.pin(place));
    const handOver = async (): Promise<Delivery[]> => {
      try {
        await this.#journal.synced(position);
        return await Promise.all(read());
      } finally {
        for (const unpin of pins) unpin();
      }
    };
    return { handOver };
  }

  async #deliver(topic: Id, group: Id, pick: Pick): Promise<Delivery> {
    const { queue, offset, attempt, number, at, until, firstDeliveredAt } = pick;
    const stored = await this.#messages.read(pick.position);
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
    return { ...stored, handle, attempt, firstDeliveredAt, visibleAgainAt: until };
  }

  async #offer({ half, firstCheckedAt, fact }: HalfOffer): Promise<Delivery> {
    const { topic, check, number, at, until } = fact;
    const stored = await this.#messages.read(half.position);
    const handle = this.#receipts.seal({ sort: "transaction", topic, half: fact.id, check, number, at, until });
    return { ...stored, handle, attempt: check, firstDeliveredAt: firstCheckedAt, visibleAgainAt: until };
  }
}
