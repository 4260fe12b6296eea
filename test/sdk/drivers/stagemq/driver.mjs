/** Runs this project's own client for the tests; ../README.md says how it is spoken to. */
import { createInterface } from "node:readline";
import { Client, InvalidArgumentError, PartialAcknowledgeError, RefusedError, TimeoutError } from "@stagemq/client";

/** What the client says when a transaction's handle is refused, not the request. */
const HANDLE_CODES = new Set(["MessageNotExist", "ReceiptHandleError"]);
const clients = new Map();

say({ ready: "@stagemq/client" });
for await (const line of createInterface({ input: process.stdin })) {
  const call = JSON.parse(line);
  if (!clients.has(call.client)) clients.set(call.client, connect(call.address));
  run(clients.get(call.client), call).then(say).catch(stop);
}

function connect({ instance, ...rest }) {
  return new Client({ ...rest, instanceId: instance });
}

function say(what) {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

function stop(reason) {
  console.error(reason);
  process.exit(1);
}

async function run(client, call) {
  try {
    return { call: call.call, gives: await give(client, call) };
  } catch (error) {
    if (error instanceof RefusedError) {
      const { code, message, status } = error;
      return { call: call.call, refused: { code, message, status } };
    }
    const code = error instanceof InvalidArgumentError ? error.code : undefined;
    return { call: call.call, failed: String(error), code, gaveUp: error instanceof TimeoutError };
  }
}

async function give(client, call) {
  const { topic, group, filter, message, upTo, waitSeconds = 0, receiptHandles } = call;
  const poll = { maxMessages: upTo, wait: `${waitSeconds}s` };
  const transactions = () => client.transactionalProducer(topic, group);
  switch (call.verb) {
    case "publish":
      return toPublished(await client.producer(topic).publish(toOutgoing(message)));
    case "consume":
      return toReceived(await client.consumer(topic, group, { tag: filter }).receive(poll));
    case "consumeOrderly":
      return toReceived(await client.consumer(topic, group, { tag: filter, ordered: true }).receive(poll));
    case "acknowledge":
      return acknowledge(client.consumer(topic, group), receiptHandles);
    case "publishHalf":
      return toPublished(await transactions().publishHalf(toOutgoing(message)));
    case "consumeHalf":
      return toReceived(await transactions().receiveHalf(poll));
    case "commit":
      return end(receiptHandles[0], (handle) => transactions().commit(handle));
    case "rollback":
      return end(receiptHandles[0], (handle) => transactions().rollback(handle));
    default:
      throw new Error(`unknown verb ${call.verb}`);
  }
}

async function acknowledge(consumer, receiptHandles) {
  try {
    await consumer.acknowledge(receiptHandles);
    return [];
  } catch (error) {
    if (!(error instanceof PartialAcknowledgeError)) throw error;
    return error.failures.map(({ handle, code }) => ({ receiptHandle: handle, code }));
  }
}

async function end(receiptHandle, ending) {
  try {
    await ending(receiptHandle);
    return [];
  } catch (error) {
    if (!HANDLE_CODES.has(error.code)) throw error;
    return [{ receiptHandle, code: error.code }];
  }
}

function toOutgoing({ checkAfterSeconds, ...message }) {
  return { ...message, ...(checkAfterSeconds === undefined ? {} : { checkAfter: `${checkAfterSeconds}s` }) };
}

function toPublished({ messageId, bodyMd5, handle = "" }) {
  return { messageId, bodyMd5, receiptHandle: handle };
}

function toReceived(messages) {
  return Array.from(messages, (message) => ({
    messageId: message.messageId,
    bodyMd5: message.bodyMd5,
    body: message.body,
    tag: message.tag,
    key: message.keys.join(" "),
    shardingKey: message.shardingKey ?? "",
    deliverAt: message.deliverAt?.getTime() ?? 0,
    properties: { ...message.properties, ...originOf(message) },
    attempt: message.attempt,
    publishedAt: message.publishedAt.getTime(),
    firstDeliveredAt: message.firstDeliveredAt.getTime(),
    visibleAgainAt: message.nextConsumeAt.getTime(),
    receiptHandle: message.handle,
  }));
}

/** The client takes these out of the properties. */
function originOf({ deadLetter }) {
  if (deadLetter === undefined) return {};
  return { DLQ_ORIGIN_TOPIC: deadLetter.topic, DLQ_ORIGIN_MESSAGE_ID: deadLetter.messageId };
}
