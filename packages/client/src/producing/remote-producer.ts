import { type Core, termsOf } from "../calls/core.ts";
import type { CallOptions } from "../client-options.ts";
import type { Codec } from "../codec.ts";
import { encodeMessage } from "../messages/encode-message.ts";
import type { OutgoingMessage } from "../messages/outgoing-message.ts";
import { checkTopicName } from "../names.ts";
import type { Producer, Published } from "./producer.ts";

export class RemoteProducer<T> implements Producer<T> {
  readonly topic: string;
  readonly #core: Core;
  readonly #codec: Codec<T> | undefined;

  constructor(core: Core, topic: string, codec: Codec<T> | undefined) {
    checkTopicName(topic);
    this.#core = core;
    this.topic = topic;
    this.#codec = codec;
  }

  async publish(message: OutgoingMessage<T>, options: CallOptions = {}): Promise<Published> {
    const { broker, turns, settings } = this.#core;
    const document = encodeMessage(message, { codec: this.#codec, now: settings.world.wall() });
    const terms = termsOf(this.#core, options);
    if (message.shardingKey === undefined) return broker.publish(this.topic, document, terms);
    const turn = turns.enter(`${this.topic}\n${message.shardingKey}`);
    try {
      return await broker.publish(this.topic, document, { ...terms, turn: turn.come });
    } finally {
      turn.leave();
    }
  }
}
