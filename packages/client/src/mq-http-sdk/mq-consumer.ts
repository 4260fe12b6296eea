import type { Caller } from "./caller.ts";
import { needed } from "./needed.ts";
import type { ConsumeResult, HandlesResult } from "./results.ts";
import { TopicCalls } from "./topic-calls.ts";

/** Receives from one topic for one consumer group. */
export class MQConsumer {
  readonly client: Caller;
  readonly instanceId: string | null | undefined;
  readonly topic: string;
  /** The consumer group. */
  readonly consumer: string;
  readonly messageTag: string | null | undefined;
  readonly #calls: TopicCalls;

  constructor(
    client: Caller,
    instanceId: string | null | undefined,
    topic: string,
    consumer: string,
    messageTag?: string | null,
  ) {
    needed(client, "client");
    needed(topic, "topic");
    needed(consumer, "consumer");
    this.client = client;
    this.instanceId = instanceId;
    this.topic = topic;
    this.consumer = consumer;
    this.messageTag = messageTag;
    this.#calls = new TopicCalls(client, instanceId, topic);
  }

  /**
   * Receives messages. One that is not acknowledged comes again at its `NextConsumeTime`.
   *
   * @param numOfMessages 1 to 16
   * @param waitSeconds how long to wait for the first, up to 30
   * @throws MQError with `Code` `MessageNotExist` when there is none
   */
  consumeMessage(numOfMessages: number, waitSeconds?: number | null): Promise<ConsumeResult> {
    return this.#consume("concurrent", numOfMessages, waitSeconds);
  }

  /** Receives messages in order: none of a message queue before the earlier ones are acknowledged. Otherwise as `consumeMessage`. */
  consumeMessageOrderly(numOfMessages: number, waitSeconds?: number | null): Promise<ConsumeResult> {
    return this.#consume("ordered", numOfMessages, waitSeconds);
  }

  /**
   * Tells the broker that these are done.
   *
   * @returns with `code` 404, and those that were refused in `body`, if not all were taken
   * @throws MQError
   */
  ackMessage(receiptHandles: readonly string[]): Promise<HandlesResult> {
    return this.#calls.acknowledge(this.consumer, receiptHandles);
  }

  #consume(kind: "concurrent" | "ordered", numOfMessages: number, waitSeconds: number | null | undefined) {
    return this.#calls.consume({ group: this.consumer, kind, tag: this.messageTag ?? "", numOfMessages, waitSeconds });
  }
}
