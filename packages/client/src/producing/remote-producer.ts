import { Buffer } from "node:buffer";
import { type Core, termsOf } from "../calls/core.ts";
import type { CallOptions } from "../client-options.ts";
import type { Codec } from "../codec.ts";
import { addProperties } from "../messages/add-properties.ts";
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
    const { settings, broker, tracing, turns } = this.#core;
    const terms = termsOf(this.#core, options);
    const document = encodeMessage(message, { codec: this.#codec, now: settings.world.wall() });
    const { tag, shardingKey, delay, deliverAt } = message;
    // Before anything is awaited: the order of the calls is the order in line.
    const turn = shardingKey === undefined ? undefined : turns.enter(`${this.topic}\n${shardingKey}`);
    const isDelayed = delay !== undefined || deliverAt !== undefined;
    const kind = isDelayed ? "delay" : shardingKey === undefined ? "normal" : "fifo";
    const sent = { topic: this.topic, kind, tag, shardingKey, bodyBytes: Buffer.byteLength(document.body) } as const;
    try {
      return await tracing.publish(sent, (context) =>
        broker.publish(this.topic, addProperties(document, context), { ...terms, turn: turn?.come }),
      );
    } finally {
      turn?.leave();
    }
  }
}
