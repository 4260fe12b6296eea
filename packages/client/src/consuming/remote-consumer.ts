import { pollUntilStopped } from "../background/poll-until-stopped.ts";
import { startService } from "../background/service.ts";
import { type Core, termsOf } from "../calls/core.ts";
import type { PollReply } from "../calls/remote-broker.ts";
import type { CallOptions } from "../client-options.ts";
import type { Codec } from "../codec.ts";
import { toMillisecondsWithin } from "../duration.ts";
import { InvalidArgumentError } from "../errors/invalid-argument-error.ts";
import { type AcknowledgeFailure, PartialAcknowledgeError } from "../errors/partial-acknowledge-error.ts";
import type { ReceivedMessage } from "../messages/received-message.ts";
import { toReceivedMessage } from "../messages/to-received-message.ts";
import { checkGroupName, checkTopicName } from "../names.ts";
import { readCount } from "../read-options.ts";
import type { Batch } from "./batch.ts";
import { checkFilter } from "./check-filter.ts";
import type { Acknowledgeable, Consumer, ConsumerOptions, Handler } from "./consumer.ts";
import { handleMessages } from "./handle-messages.ts";
import { Lease } from "./lease.ts";
import type { BatchesOptions, ReceiveOptions } from "./receive-options.ts";
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
    return this.#toBatch(await this.#poll(pollBounds(options), options));
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
    const poll = (): Promise<Batch<T>> => this.receive({ wait: LONGEST_WAIT, ...bounds, signal });
    for await (const batch of pollUntilStopped(this.#core, `Receiving ${this.#what}`, signal, poll)) {
      if (batch.messages.length > 0) yield batch;
    }
  }

  run(handler: Handler<T>): Run;
  run(options: RunOptions, handler: Handler<T>): Run;
  run(first: RunOptions | Handler<T>, second?: Handler<T>): Run {
    const [options, handler] = typeof first === "function" ? [{}, first] : [first, second];
    if (handler === undefined) throw new InvalidArgumentError("run() has no handler: run(options, handler).");
    const { concurrency = 1, maxMessages = MAX_BATCH, wait = LONGEST_WAIT, signal } = options;
    const { waitSeconds } = pollBounds({ maxMessages, wait });
    const task = {
      what: this.#what,
      ordered: this.#kind === "ordered",
      concurrency: readCount(concurrency, "concurrency", 1),
      maxMessages,
      receive: (count: number, stopping: AbortSignal) =>
        this.#receiveLeases({ maxMessages: count, waitSeconds }, stopping),
      acknowledge: (leases: readonly Lease[]) => this.acknowledge(leases.map(({ message }) => message)),
      handle: (message: ReceivedMessage<T>, context: { readonly signal: AbortSignal }) =>
        this.#core.tracing.process(this, message, () => handler(message, context)),
    };
    return startService(this.#core, signal, (stopping) => handleMessages(this.#core, task, stopping));
  }

  get #what(): string {
    return `${this.topic} for ${this.group}`;
  }

  async #receiveLeases(bounds: PollBounds, signal: AbortSignal): Promise<Lease<T>[]> {
    const { messages, answeredAt } = await this.#poll(bounds, { signal });
    const { world } = this.#core.settings;
    return messages.map((message) => new Lease(toReceivedMessage(message, this.#codec), answeredAt, world));
  }

  #poll(bounds: PollBounds, options: CallOptions): Promise<PollReply> {
    const { topic, group } = this;
    const poll = { topic, group, kind: this.#kind, tag: this.#tag, ...bounds };
    const { broker, tracing } = this.#core;
    const terms = termsOf(this.#core, options);
    return tracing.receive(this, () => broker.receive(poll, terms));
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

export interface PollBounds {
  readonly maxMessages: number;
  readonly waitSeconds: number;
}

/** How much one poll brings, and how long it waits. */
export function pollBounds({ maxMessages = MAX_BATCH, wait = 0 }: ReceiveOptions): PollBounds {
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
