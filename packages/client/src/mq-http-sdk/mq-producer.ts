import type { Caller } from "./caller.ts";
import type { CustomProperties } from "./message-properties.ts";
import { needed } from "./needed.ts";
import type { PublishResult } from "./results.ts";
import { TopicCalls } from "./topic-calls.ts";

/** Publishes to one topic. */
export class MQProducer {
  readonly client: Caller;
  readonly instanceId: string | null | undefined;
  readonly topic: string;
  readonly #calls: TopicCalls;

  constructor(client: Caller, instanceId: string | null | undefined, topic: string) {
    needed(client, "client");
    needed(topic, "topic");
    this.client = client;
    this.instanceId = instanceId;
    this.topic = topic;
    this.#calls = new TopicCalls(client, instanceId, topic);
  }

  /**
   * Publishes a message; resolves when it is stored.
   *
   * @param body text or UTF-8 bytes, 1 byte to 4 MiB
   * @throws MQError
   */
  publishMessage(
    body: string | Uint8Array,
    tag?: string | null,
    msgProps?: CustomProperties | null,
  ): Promise<PublishResult> {
    return this.#calls.publish(body, tag, msgProps);
  }
}
