import type { Core } from "./calls/core.ts";
import type { Exchange } from "./calls/exchange.ts";
import { KeyedTurns } from "./calls/keyed-turns.ts";
import { openExchange } from "./calls/open-exchange.ts";
import { RemoteBroker } from "./calls/remote-broker.ts";
import type { ClientOptions } from "./client-options.ts";
import { type Codec, text } from "./codec.ts";
import type { Consumer, ConsumerOptions } from "./consuming/consumer.ts";
import { RemoteConsumer } from "./consuming/remote-consumer.ts";
import type { Producer } from "./producing/producer.ts";
import { RemoteProducer } from "./producing/remote-producer.ts";
import { RemoteTransactionalProducer } from "./producing/remote-transactional-producer.ts";
import type { TransactionalProducer } from "./producing/transactional-producer.ts";
import { readOptions } from "./read-options.ts";
import { Tracing } from "./tracing/tracing.ts";

/**
 * The way to one broker: stagemq, or ApsaraMQ for RocketMQ over HTTP. One client serves a whole process; it opens connections
 * when they are needed.
 */
export class Client implements AsyncDisposable {
  readonly #core: Core;
  readonly #exchange: Exchange;
  #closed: Promise<void> | undefined;

  /** @throws InvalidArgumentError if an option is wrong or missing */
  constructor(options: ClientOptions = {}) {
    const settings = readOptions(options);
    this.#exchange = openExchange(settings);
    const broker = new RemoteBroker(this.#exchange, settings.instance);
    const tracing = new Tracing(settings.endpoint, settings.instance);
    this.#core = { settings, broker, tracing, turns: new KeyedTurns(), services: new Set() };
  }

  /** For messages that consumers see at once, or at their time. Bodies are text or UTF-8 bytes. @throws InvalidArgumentError */
  producer(topic: string): Producer;
  /** For values that the codec encodes, such as `json<Order>()`. @throws InvalidArgumentError */
  producer<T>(topic: string, options: { readonly codec: Codec<T> }): Producer<T>;
  producer<T>(topic: string, options: { readonly codec?: Codec<T> } = {}): Producer<T> {
    return new RemoteProducer(this.#core, topic, options.codec);
  }

  /** For messages that a transaction of yours decides about. @throws InvalidArgumentError */
  transactionalProducer(topic: string, group: string): TransactionalProducer;
  transactionalProducer<T>(
    topic: string,
    group: string,
    options: { readonly codec: Codec<T> },
  ): TransactionalProducer<T, T>;
  transactionalProducer<T>(
    topic: string,
    group: string,
    options: { readonly codec?: Codec<T> } = {},
  ): TransactionalProducer<T, T> {
    return new RemoteTransactionalProducer(this.#core, topic, group, options.codec);
  }

  /** For receiving. @throws InvalidArgumentError */
  consumer(topic: string, group: string, options?: ConsumerOptions): Consumer;
  consumer<T>(topic: string, group: string, options: ConsumerOptions & { readonly codec: Codec<T> }): Consumer<T>;
  consumer<T>(
    topic: string,
    group: string,
    options: ConsumerOptions & { readonly codec?: Codec<T> } = {},
  ): Consumer<T> | Consumer {
    const { codec, ...rest } = options;
    if (codec === undefined) return new RemoteConsumer(this.#core, topic, group, { ...rest, codec: text });
    return new RemoteConsumer(this.#core, topic, group, { ...rest, codec });
  }

  /**
   * Stops runs and checkers, lets the handlers in hand end (their calls still go through), and closes the connections.
   * Receives that wait, and all later calls, reject with a ClosedError; `batches()` ends. Safe to call twice. A handler may
   * call it, but not await it: each would wait for the other.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** As `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#exchange.endPolls();
    // Those who wait for them are told how they ended.
    await Promise.allSettled([...this.#core.services].map((service) => service.stop()));
    await this.#exchange.close();
  }
}
