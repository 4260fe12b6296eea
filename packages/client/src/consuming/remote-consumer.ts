import { type Core, termsOf } from "../calls/core.ts";
import type { PollReply } from "../calls/remote-broker.ts";
import type { CallOptions } from "../client-options.ts";
import type { Codec } from "../codec.ts";
import { toMillisecondsWithin } from "../duration.ts";
import { type AcknowledgeFailure, PartialAcknowledgeError } from "../errors/partial-acknowledge-error.ts";
import type { ReceivedMessage } from "../messages/received-message.ts";
import { toReceivedMessage } from "../messages/to-received-message.ts";
import { checkGroupName, checkTopicName } from "../names.ts";
import { readCount } from "../read-options.ts";
import type { Batch } from "./batch.ts";
import { checkFilter } from "./check-filter.ts";
import type {
  Acknowledgeable,
  BatchesOptions,
  Consumer,
  ConsumerOptions,
  Handler,
  ReceiveOptions,
} from "./consumer.ts";
import type { Run, RunOptions } from "./run.ts";

export const MAX_BATCH = 16;
const LONGEST_WAIT = "30s";

export class RemoteConsumer<T> implements Consumer<T> {
  readonly topic: string;
  readonly group: string;
  readonly #core: Core;
  readonly #codec: Codec<T>;
  readonly #tag: string;
  readonly #kind: "concurrent" | "ordered";

  constructor(core: Core, topic: string, group: string, options: ConsumerOptions & { readonly codec: Codec<T> }) {
    checkTopicName(topic);
    checkGroupName(group);
    this.#core = core;
    this.topic = topic;
    this.group = group;
    this.#codec = options.codec;
    this.#tag = checkFilter(options.tag ?? "");
    this.#kind = options.ordered ? "ordered" : "concurrent";
  }

  async receive(options: ReceiveOptions & CallOptions = {}): Promise<Batch<T>> {
    const { topic, group } = this;
    const poll = { topic, group, kind: this.#kind, tag: this.#tag, ...pollBounds(options) };
    return this.#toBatch(await this.#core.broker.receive(poll, termsOf(this.#core, options)));
  }

  async acknowledge(what: Acknowledgeable | readonly Acknowledgeable[], options: CallOptions = {}): Promise<void> {
    const all = isList(what) ? what : [what];
    const failures: AcknowledgeFailure[] = [];
    let requestId: string | undefined;
    for (let start = 0; start < all.length; start += MAX_BATCH) {
      const some = all.slice(start, start + MAX_BATCH);
      const reply = await this.#core.broker.acknowledge(
        this.topic,
        this.group,
        some.map(handleOf),
        termsOf(this.#core, options),
      );
      if (reply.failures.length > 0) requestId ??= reply.requestId;
      for (const { code, message, receiptHandle: handle } of reply.failures) {
        failures.push({ handle, messageId: messageIdOf(some, handle), code, message });
      }
    }
    if (failures.length > 0) throw new PartialAcknowledgeError(failures, all.length, requestId);
  }

  async *batches({ signal, ...bounds }: BatchesOptions = {}): AsyncGenerator<Batch<T>, void> {
    while (!signal?.aborted) {
      const batch = await this.receive({ wait: LONGEST_WAIT, ...bounds, signal });
      if (batch.messages.length > 0) yield batch;
    }
  }

  run(_handler: Handler<T>): Run;
  run(_options: RunOptions, _handler: Handler<T>): Run;
  run(): Run {
    throw new Error("not yet");
  }

  #toBatch({ messages: received, requestId }: PollReply): Batch<T> {
    const messages = received.map((message) => toReceivedMessage(message, this.#codec));
    return {
      messages,
      requestId,
      [Symbol.iterator]: () => messages[Symbol.iterator](),
      acknowledge: (some: readonly ReceivedMessage<T>[] = messages, options) => this.acknowledge(some, options),
    };
  }
}

/** How much one poll brings, and how long it waits. */
export function pollBounds({ maxMessages = MAX_BATCH, wait = 0 }: ReceiveOptions): {
  maxMessages: number;
  waitSeconds: number;
} {
  return {
    maxMessages: readCount(maxMessages, "maxMessages", 1, MAX_BATCH),
    waitSeconds: Math.ceil(toMillisecondsWithin(wait, "wait", "0s", LONGEST_WAIT) / 1_000),
  };
}

function isList(what: Acknowledgeable | readonly Acknowledgeable[]): what is readonly Acknowledgeable[] {
  return Array.isArray(what);
}

function handleOf(what: Acknowledgeable): string {
  return typeof what === "string" ? what : what.handle;
}

function messageIdOf(some: readonly Acknowledgeable[], handle: string): string | undefined {
  const found = some.find((one) => handleOf(one) === handle);
  return typeof found === "object" ? found.messageId : undefined;
}
