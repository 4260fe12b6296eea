import { context, propagation, SpanKind, SpanStatusCode, TraceFlags, trace } from "@opentelemetry/api";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { startTestBroker, type TestBroker } from "@stagemq/broker/testing";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Client, RefusedError } from "../src/index.ts";
import { clientOf } from "./broker.ts";
import { eventually } from "./manual-world.ts";

const spans = new InMemorySpanExporter();
let broker: TestBroker;
let client: Client;

beforeAll(async () => {
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }));
  broker = await startTestBroker();
  client = clientOf(broker, { instanceId: "MQ_INST_a", logger: { warn: () => undefined } });
});

afterAll(async () => {
  await client.close();
  await broker.stop();
  trace.disable();
  context.disable();
  propagation.disable();
});

afterEach(() => spans.reset());

function theSpan(name: string): ReadableSpan {
  const found = spans.getFinishedSpans().filter((span) => span.name === name);
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} spans ${name}`);
  return found[0];
}

describe("a span", () => {
  it("is made of a publish, and the message carries its context on", async () => {
    const { messageId } = await client.producer("orders").publish({ body: "ä", tag: "eu" });
    const span = theSpan("publish orders");
    expect(span.kind).toBe(SpanKind.PRODUCER);
    expect(span.attributes).toEqual({
      "messaging.system": "rocketmq",
      "messaging.operation.name": "publish",
      "messaging.operation.type": "send",
      "messaging.destination.name": "orders",
      "messaging.message.id": messageId,
      "messaging.message.body.size": 2,
      "messaging.rocketmq.namespace": "MQ_INST_a",
      "messaging.rocketmq.message.type": "normal",
      "messaging.rocketmq.message.tag": "eu",
      "server.address": "127.0.0.1",
      "server.port": Number(new URL(broker.endpoint).port),
    });
    const { traceId, spanId } = span.spanContext();
    const [message] = (await client.consumer("orders", "GID_a").receive()).messages;
    expect(message?.properties).toEqual({ traceparent: `00-${traceId}-${spanId}-01` });
  });

  it("of a publish that failed has the error's code", async () => {
    const failed = client.transactionalProducer("orders", "GID_p").publishHalf({ body: "b" });
    await expect(failed).resolves.toBeDefined();
    await expect(client.producer("orders").publish({ body: "b", shardingKey: "s" })).resolves.toBeDefined();
    const ordered = client.producer("ordered");
    await ordered.publish({ body: "b", shardingKey: "s" });
    await expect(ordered.publish({ body: "b", delay: "1h" })).rejects.toThrow(RefusedError);
    const [, span] = spans.getFinishedSpans().filter(({ name }) => name === "publish ordered");
    expect(span?.status.code).toBe(SpanStatusCode.ERROR);
    expect(span?.attributes["error.type"]).toBe("InvalidArgument");
    const kinds = spans.getFinishedSpans().map(({ attributes }) => attributes["messaging.rocketmq.message.type"]);
    expect(kinds).toEqual(["transaction", "fifo", "fifo", "delay"]);
  });

  it("is made of a receive that brought something, with a link to each message", async () => {
    const producer = client.producer("linked");
    await producer.publish({ body: "a" });
    await producer.publish({ body: "b" });
    const consumer = client.consumer("linked", "GID_a");
    const batch = await consumer.receive();
    await batch.acknowledge();
    expect((await consumer.receive()).messages).toEqual([]);
    const span = theSpan("receive linked");
    const published = spans.getFinishedSpans().filter(({ name }) => name === "publish linked");
    expect(span.kind).toBe(SpanKind.CLIENT);
    expect(span.attributes).toMatchObject({
      "messaging.operation.name": "receive",
      "messaging.operation.type": "receive",
      "messaging.consumer.group.name": "GID_a",
      "messaging.batch.message_count": 2,
    });
    expect(span.links.map((link) => link.context.spanId)).toEqual(published.map((one) => one.spanContext().spanId));
  });

  it("is made of a handler's work, in the trace of the publish; its failure is the handler's", async () => {
    await client.producer("handled").publish({ body: "a" });
    const run = client.consumer("handled", "GID_a").run(() => {
      throw new RangeError("no");
    });
    await eventually(() => spans.getFinishedSpans().some(({ name }) => name === "process handled"));
    await run.stop();
    const span = theSpan("process handled");
    const published = theSpan("publish handled").spanContext();
    expect(span.kind).toBe(SpanKind.CONSUMER);
    expect(span.spanContext().traceId).toBe(published.traceId);
    expect(span.parentSpanContext?.spanId).toBe(published.spanId);
    expect(span.attributes).toMatchObject({ "messaging.operation.type": "process", "error.type": "RangeError" });
  });

  it.each([undefined, null, "no"])("tells of a handler that throws %j, and of nothing of its own", async (thrown) => {
    const topic = `thrown-${thrown}`;
    await client.producer(topic).publish({ body: "a" });
    const warned: object[] = [];
    const own = clientOf(broker, {
      instanceId: "MQ_INST_a",
      logger: { warn: (_, details = {}) => warned.push(details) },
    });
    const run = own.consumer(topic, "GID_a").run(() => Promise.reject(thrown));
    await eventually(() => warned.length === 1);
    await own.close();
    await run.stopped;
    expect(warned).toMatchObject([{ error: thrown }]);
    expect(theSpan(`process ${topic}`).status).toEqual({ code: SpanStatusCode.ERROR, message: String(thrown) });
    expect(theSpan(`process ${topic}`).attributes["error.type"]).toBe("_OTHER");
  });

  it("passes a trace state on, whatever is in it", async () => {
    const { createTraceState } = await import("@opentelemetry/api");
    const state = "a=b:c|d%3A,e=f";
    const parent = trace.setSpanContext(context.active(), {
      traceId: "0af7651916cd43dd8448eb211c80319c",
      spanId: "b7ad6b7169203331",
      traceFlags: TraceFlags.SAMPLED,
      traceState: createTraceState(state),
    });
    // No context manager is registered, so what is active is set by hand.
    const active = context.active.bind(context);
    context.active = () => parent;
    await client.producer("state").publish({ body: "a" });
    context.active = active;
    const consumer = client.consumer("state", "GID_a");
    const [message] = (await consumer.receive()).messages;
    expect(message?.properties.tracestate).toBe("a=b%3Ac%7Cd%253A,e=f");
    expect(theSpan("receive state").links[0]?.context.traceState?.serialize()).toBe(state);
  });

  it("leaves the sender's own traceparent alone, and properties that are full already", async () => {
    const producer = client.producer("own");
    await producer.publish({ body: "a", properties: { traceparent: "mine" } });
    const full = "x".repeat(16 * 1024 - 2);
    await producer.publish({ body: "b", properties: { a: full } });
    const { messages } = await client.consumer("own", "GID_a").receive();
    expect(messages.map(({ properties }) => properties)).toEqual([{ traceparent: "mine" }, { a: full }]);
  });
});
