import type { PublishIntent } from "../../../src/domain/message.ts";
import type { Conversation } from "./conversation.ts";
import { KEYS, TAGS, topicRef } from "./topics.ts";

/** Publish all four kinds of message. */
export class Producers {
  readonly #talk: Conversation;
  readonly #usesTags: boolean;
  readonly #heldBy: { hold(transactionHandle: string): void };
  #published = 0;

  constructor(talk: Conversation, usesTags: boolean, heldBy: { hold(transactionHandle: string): void }) {
    this.#talk = talk;
    this.#usesTags = usesTags;
    this.#heldBy = heldBy;
  }

  publishPlain(): void {
    this.#publish("plain", { kind: "normal" });
  }

  publishOrdered(topics: readonly string[] = ["shards", "shards", "global"]): void {
    const { dice } = this.#talk;
    this.#publish(dice.pick(topics), { kind: "ordered", shardingKey: dice.pick(KEYS) });
  }

  publishDelayed(): void {
    const { dice, wall } = this.#talk;
    this.#publish("timed", { kind: "delayed", deliverAt: wall + dice.below(60_000) - 5_000 });
  }

  publishHalf(): void {
    const { dice, wall } = this.#talk;
    const firstCheckAfter = dice.pick([10_000, 10_000, 33_333]);
    const deliverAt = dice.oneIn(4) ? { deliverAt: wall + dice.below(40_000) } : {};
    this.#publish("half", { kind: "transactional", firstCheckAfter, ...deliverAt });
  }

  #publish(topic: string, intent: PublishIntent): void {
    const { dice, model, engine } = this.#talk;
    const body = `${topic}-${this.#published++}${dice.oneIn(12) ? "x".repeat(2_000) : ""}`;
    const tag = this.#usesTags ? dice.pick(TAGS) : "";
    const message = { body, tag, key: `key-${body.length}`, properties: [["n", body.slice(0, 9)]] as const };
    const made = model.publishing(topic, message, intent);
    const published = engine.publish(this.#talk.call(), { topic: topicRef(topic), message, intent });
    this.#talk.ask(`publish ${body.slice(0, 20)} ${JSON.stringify(intent)}`, published, {
      answered: (receipt) => {
        model.published(made, receipt);
        if (receipt.transactionHandle !== undefined) this.#heldBy.hold(receipt.transactionHandle);
      },
      lost: () => model.publishLost(made),
      refused: () => model.publishRefused(made),
    });
  }
}
