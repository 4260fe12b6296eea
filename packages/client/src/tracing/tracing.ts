import type { Attributes, Span, SpanOptions, Tracer } from "@opentelemetry/api";
import { type PropertyPair, parseProperties } from "@stagemq/wire";
import type { ReceivedMessage } from "../messages/received-message.ts";
import { loadOpenTelemetry, type OpenTelemetry } from "./open-telemetry.ts";
import { readTraceContext, toTracePairs } from "./trace-context.ts";

/** What a message to be published is, for its span. */
export interface Sent {
  readonly topic: string;
  readonly kind: "normal" | "fifo" | "delay" | "transaction";
  readonly tag: string | undefined;
  readonly shardingKey: string | undefined;
  readonly bodyBytes: number;
}

/** Whose messages are received or handled. */
export interface Subscription {
  readonly topic: string;
  readonly group: string;
}

/**
 * Spans by OpenTelemetry's conventions for messaging, and the trace's way through messages. Without `@opentelemetry/api` it
 * does the work, and nothing else.
 */
export class Tracing {
  readonly #common: Attributes;
  readonly #loading = loadOpenTelemetry();
  #api: OpenTelemetry | undefined;
  #isLoaded = false;

  constructor(endpoint: URL, instance: string | undefined) {
    this.#common = {
      "messaging.system": "rocketmq",
      "server.address": endpoint.hostname,
      "server.port": Number(endpoint.port) || (endpoint.protocol === "https:" ? 443 : 80),
      ...(instance === undefined ? {} : { "messaging.rocketmq.namespace": instance }),
    };
  }

  /** Publishes in a span; `publish` is given the properties that carry the trace on. */
  async publish<T extends { readonly messageId: string }>(
    { topic, kind, tag, shardingKey, bodyBytes }: Sent,
    publish: (context: readonly PropertyPair[]) => Promise<T>,
  ): Promise<T> {
    const present = await this.#present();
    if (present === undefined) return publish([]);
    const { api, tracer } = present;
    const attributes = {
      ...this.#operation("publish", "send", topic),
      "messaging.message.body.size": bodyBytes,
      "messaging.rocketmq.message.type": kind,
      ...(tag ? { "messaging.rocketmq.message.tag": tag } : {}),
      ...(shardingKey ? { "messaging.rocketmq.message.group": shardingKey } : {}),
    };
    const span = tracer.startSpan(`publish ${topic}`, { kind: api.SpanKind.PRODUCER, attributes });
    return inSpan(api, span, async () => {
      const context = span.spanContext();
      const published = await publish(api.isSpanContextValid(context) ? toTracePairs(context) : []);
      span.setAttribute("messaging.message.id", published.messageId);
      return published;
    });
  }

  /** Receives, in a span if something came of it: that nothing was there is not worth one. */
  async receive<T extends { readonly messages: readonly { readonly properties: string }[] }>(
    { topic, group }: Subscription,
    receive: () => Promise<T>,
  ): Promise<T> {
    const present = await this.#present();
    if (present === undefined) return receive();
    const { api, tracer } = present;
    const startTime = Date.now();
    const start = (links: NonNullable<SpanOptions["links"]>, more: Attributes): Span =>
      tracer.startSpan(`receive ${topic}`, {
        kind: api.SpanKind.CLIENT,
        startTime,
        links,
        attributes: {
          ...this.#operation("receive", "receive", topic),
          "messaging.consumer.group.name": group,
          ...more,
        },
      });
    try {
      const received = await receive();
      if (received.messages.length > 0) {
        const contexts = received.messages.map(({ properties }) => readTraceContext(api, namedProperties(properties)));
        const links = contexts.flatMap((context) => (context === undefined ? [] : [{ context }]));
        start(links, { "messaging.batch.message_count": received.messages.length }).end();
      }
      return received;
    } catch (error) {
      const span = start([], {});
      fail(api, span, error);
      span.end();
      throw error;
    }
  }

  /** Handles one message in a span, in the trace of its publish. */
  async process(
    { topic, group }: Subscription,
    message: ReceivedMessage<unknown>,
    handle: () => unknown,
  ): Promise<unknown> {
    const present = await this.#present();
    if (present === undefined) return await handle();
    const { api, tracer } = present;
    const sent = readTraceContext(api, message.properties);
    const outer = api.context.active();
    const parent = sent === undefined ? outer : api.trace.setSpanContext(outer, sent);
    const attributes = {
      ...this.#operation("process", "process", topic),
      "messaging.consumer.group.name": group,
      "messaging.message.id": message.messageId,
      ...(message.tag ? { "messaging.rocketmq.message.tag": message.tag } : {}),
      "messaging.rocketmq.message.keys": [...message.keys],
    };
    const options = { kind: api.SpanKind.CONSUMER, attributes, ...(sent ? { links: [{ context: sent }] } : {}) };
    const span = tracer.startSpan(`process ${topic}`, options, parent);
    return inSpan(api, span, async () => await handle(), parent);
  }

  /** Undefined: nobody traces, and nothing need be described. */
  async #present(): Promise<{ readonly api: OpenTelemetry; readonly tracer: Tracer } | undefined> {
    if (!this.#isLoaded) {
      this.#api = await this.#loading;
      this.#isLoaded = true;
    }
    const api = this.#api;
    if (api === undefined) return undefined;
    const provider = api.trace.getTracerProvider();
    const isProxy = provider instanceof api.ProxyTracerProvider;
    const tracer = isProxy ? provider.getDelegateTracer(TRACER) : provider.getTracer(TRACER);
    return tracer && { api, tracer };
  }

  #operation(name: string, type: string, topic: string): Attributes {
    return {
      ...this.#common,
      "messaging.operation.name": name,
      "messaging.operation.type": type,
      "messaging.destination.name": topic,
    };
  }
}

const TRACER = "@stagemq/client";

async function inSpan<T>(
  api: OpenTelemetry,
  span: Span,
  work: () => Promise<T>,
  parent = api.context.active(),
): Promise<T> {
  try {
    return await api.context.with(api.trace.setSpan(parent, span), work);
  } catch (error) {
    fail(api, span, error);
    throw error;
  } finally {
    span.end();
  }
}

function fail({ SpanStatusCode }: OpenTelemetry, span: Span, error: unknown): void {
  const { code, name, message } = (error ?? {}) as Partial<{ code: unknown; name: string; message: string }>;
  span.setAttribute("error.type", typeof code === "string" ? code : (name ?? "_OTHER"));
  span.setStatus({ code: SpanStatusCode.ERROR, message: message ?? String(error) });
}

function namedProperties(text: string): Record<string, string> {
  return Object.fromEntries(parseProperties(text).pairs);
}
