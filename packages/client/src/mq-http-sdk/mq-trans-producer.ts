import type { Caller } from "./caller.ts";
import type { CustomProperties } from "./message-properties.ts";
import { needed } from "./needed.ts";
import type { ConsumeResult, HandlesResult, PublishResult } from "./results.ts";
import { TopicCalls } from "./topic-calls.ts";

/** Publishes half messages, ends their transactions, and is asked about those that are open. */
export class MQTransProducer {
  readonly client: Caller;
  readonly instanceId: string | null | undefined;
  readonly topic: string;
  readonly groupId: string;
  readonly #calls: TopicCalls;

  constructor(client: Caller, instanceId: string | null | undefined, topic: string, groupId: string) {
    needed(client, "client");
    needed(topic, "topic");
    needed(groupId, "groupId");
    this.client = client;
    this.instanceId = instanceId;
    this.topic = topic;
    this.groupId = groupId;
    this.#calls = new TopicCalls(client, instanceId, topic);
  }

  /**
   * Publishes a message: a half message, which no consumer sees until `commit`, if `msgProps` has a
   * `transCheckImmunityTime`. Its `ReceiptHandle` is in the result.
   *
   * @param body text or UTF-8 bytes, 1 byte to 64 KiB
   * @throws MQError
   */
  publishMessage(
    body: string | Uint8Array,
    tag?: string | null,
    msgProps?: CustomProperties | null,
  ): Promise<PublishResult> {
    return this.#calls.publish(body, tag, msgProps);
  }

  /**
   * Receives half messages that are due to be asked about. One that is neither committed nor rolled back comes again at its
   * `NextConsumeTime`.
   *
   * @param numOfMessages 1 to 16
   * @param waitSeconds how long to wait for the first, up to 30
   * @throws MQError with `Code` `MessageNotExist` when there is none
   */
  consumeHalfMessage(numOfMessages: number, waitSeconds?: number | null): Promise<ConsumeResult> {
    return this.#calls.consume({ group: this.groupId, kind: "half", tag: "", numOfMessages, waitSeconds });
  }

  /**
   * Ends a transaction: consumers get the message.
   *
   * @param receiptHandle of `publishMessage` or `consumeHalfMessage`
   * @returns with `code` 404 if the handle came too late or is none
   * @throws MQError
   */
  commit(receiptHandle: string): Promise<HandlesResult> {
    return this.#calls.endTransaction(this.groupId, receiptHandle, "commit");
  }

  /** Ends a transaction: the message is dropped. Otherwise as `commit`. */
  rollback(receiptHandle: string): Promise<HandlesResult> {
    return this.#calls.endTransaction(this.groupId, receiptHandle, "rollback");
  }
}
