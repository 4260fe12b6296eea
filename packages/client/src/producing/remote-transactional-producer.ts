import { Buffer } from "node:buffer";
import { startService } from "../background/service.ts";
import { type Core, termsOf } from "../calls/core.ts";
import type { CallOptions } from "../client-options.ts";
import { type Codec, text } from "../codec.ts";
import type { ReceiveOptions } from "../consuming/receive-options.ts";
import { pollBounds } from "../consuming/remote-consumer.ts";
import { toMillisecondsWithin } from "../duration.ts";
import { OpenTransactionError } from "../errors/open-transaction-error.ts";
import { RefusedError } from "../errors/refused-error.ts";
import { UnreadableReplyError } from "../errors/unreadable-reply-error.ts";
import { addProperties } from "../messages/add-properties.ts";
import { checkMessage, encodeMessage } from "../messages/encode-message.ts";
import { toReceivedMessage } from "../messages/to-received-message.ts";
import { checkGroupName, checkTopicName } from "../names.ts";
import { readCount } from "../read-options.ts";
import { answerChecks } from "./answer-checks.ts";
import type { HalfMessage } from "./half-message.ts";
import { OpenHalfMessage } from "./open-half-message.ts";
import type {
  CheckedMessage,
  Checker,
  CheckOptions,
  Decide,
  Endable,
  HalfOutgoingMessage,
  TransactionalProducer,
} from "./transactional-producer.ts";

const DEFAULT_CHECK_AFTER = "10s";

export class RemoteTransactionalProducer<T, R> implements TransactionalProducer<T, R> {
  readonly topic: string;
  readonly group: string;
  readonly #core: Core;
  readonly #codec: Codec<T> | undefined;

  constructor(core: Core, topic: string, group: string, codec: Codec<T> | undefined) {
    checkTopicName(topic);
    checkGroupName(group);
    this.#core = core;
    this.topic = topic;
    this.group = group;
    this.#codec = codec;
  }

  async transaction<Result>(
    message: HalfOutgoingMessage<T>,
    local: (half: HalfMessage) => Promise<Result> | Result,
    options: CallOptions = {},
  ): Promise<Result> {
    const half = await this.#publishHalf(message, options);
    let result: Result;
    try {
      result = await local(half);
    } catch (error) {
      if (!half.isLeft) await this.#rollbackAfter(error, half);
      throw error;
    }
    if (!half.isLeft) await this.#commitAfter(half);
    return result;
  }

  async publishHalf(message: HalfOutgoingMessage<T>, options: CallOptions = {}): Promise<HalfMessage> {
    return this.#publishHalf(message, options);
  }

  onCheck(decide: Decide<R>, { signal, concurrency = 1 }: CheckOptions = {}): Checker {
    const task = {
      topic: this.topic,
      concurrency: readCount(concurrency, "concurrency", 1),
      receive: (maxMessages: number, stopping: AbortSignal) =>
        this.receiveHalf({ maxMessages, wait: "30s", signal: stopping }),
      commit: (handle: Endable) => this.commit(handle),
      rollback: (handle: Endable) => this.rollback(handle),
      decide,
    };
    return startService(this.#core, signal, (stopping) => answerChecks(this.#core, task, stopping));
  }

  async receiveHalf(options: ReceiveOptions & CallOptions = {}): Promise<readonly CheckedMessage<R>[]> {
    const { topic, group } = this;
    const poll = { topic, group, kind: "half", tag: "", ...pollBounds(options) } as const;
    const { messages } = await this.#core.broker.receive(poll, termsOf(this.#core, options));
    // Without a codec, what is received is text.
    const codec = (this.#codec ?? text) as Codec<unknown> as Codec<R>;
    return messages.map((message) => toReceivedMessage(message, codec));
  }

  commit(handle: Endable, options: CallOptions = {}): Promise<void> {
    return this.#end(handle, "commit", options);
  }

  rollback(handle: Endable, options: CallOptions = {}): Promise<void> {
    return this.#end(handle, "rollback", options);
  }

  async #publishHalf(message: HalfOutgoingMessage<T>, options: CallOptions): Promise<OpenHalfMessage> {
    checkMessage(message);
    const { checkAfter = DEFAULT_CHECK_AFTER, ...rest } = message;
    const checkAfterSeconds = Math.ceil(toMillisecondsWithin(checkAfter, "checkAfter", "10s", "300s") / 1_000);
    const { topic } = this;
    const { broker, settings, tracing } = this.#core;
    const terms = termsOf(this.#core, options);
    const document = encodeMessage<T>(rest, { codec: this.#codec, checkAfterSeconds, now: settings.world.wall() });
    const bodyBytes = Buffer.byteLength(document.body);
    const sent = { topic, kind: "transaction", tag: rest.tag, shardingKey: undefined, bodyBytes } as const;
    const { receiptHandle, ...published } = await tracing.publish(sent, (context) =>
      broker.publish(topic, addProperties(document, context), terms),
    );
    if (receiptHandle === undefined) {
      throw new UnreadableReplyError("The message was stored, but its reply has no transaction handle.", {
        requestId: published.requestId,
        outcomeUnknown: true,
      });
    }
    return new OpenHalfMessage(published, receiptHandle, this);
  }

  /** What a commit failed with alone would look as if the local transaction could be tried again. */
  async #commitAfter(half: OpenHalfMessage): Promise<void> {
    try {
      await half.commit();
    } catch (cause) {
      throw new OpenTransactionError(this.topic, half.messageId, cause);
    }
  }

  /** A rollback that fails must not hide why it was tried; the back-check asks again. */
  async #rollbackAfter(error: unknown, half: OpenHalfMessage): Promise<void> {
    try {
      await half.rollback();
    } catch (failure) {
      const sentence = `The half message ${half.messageId} was not rolled back; the back-check will ask about it.`;
      this.#core.settings.logger.warn(sentence, { topic: this.topic, error, failure });
    }
  }

  async #end(ended: Endable, resolution: "commit" | "rollback", options: CallOptions): Promise<void> {
    const { topic, group } = this;
    const handle = typeof ended === "string" ? ended : ended.handle;
    const { broker } = this.#core;
    const reply = await broker.endTransaction({ topic, group, handle }, resolution, termsOf(this.#core, options));
    const [failure] = reply.failures;
    if (failure === undefined) return;
    const { code, message } = failure;
    throw new RefusedError(code, message, { requestId: reply.requestId, status: 404, hint: HINTS[code] });
  }
}

const HINTS: Readonly<Record<string, string>> = {
  MessageNotExist:
    "The handle came too late, or the transaction has the other end already. Back-checks bring a new handle.",
};
