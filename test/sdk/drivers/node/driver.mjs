/** Runs the official Node SDK for the tests; ../README.md says how it is spoken to. */
import { createInterface } from "node:readline";
import mq from "@aliyunmq/mq-http-sdk";

const NOTHING_THERE = "MessageNotExist";
const clients = new Map();

say({ ready: "@aliyunmq/mq-http-sdk" });
for await (const line of createInterface({ input: process.stdin })) {
  const call = JSON.parse(line);
  if (!clients.has(call.client)) clients.set(call.client, connect(call.address));
  run(clients.get(call.client), call).then(say).catch(stop);
}

function connect({ endpoint, accessKeyId, accessKeySecret }) {
  return new mq.MQClient(endpoint, accessKeyId, accessKeySecret);
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
    if (error.Code === undefined) {
      const gaveUp = error.name === "RequestTimeoutError";
      return { call: call.call, failed: String(error), gaveUp };
    }
    const [, status] = / failed with (\d{3})\./.exec(error.message) ?? [];
    return { call: call.call, refused: { code: error.Code, message: error.message, status: Number(status) } };
  }
}

async function give(client, call) {
  const { address, topic, group, filter, message, upTo, waitSeconds, receiptHandles } = call;
  const consumer = () => client.getConsumer(address.instance, topic, group, filter);
  const transactions = () => client.getTransProducer(address.instance, topic, group);
  switch (call.verb) {
    case "publish":
      return publish(client.getProducer(address.instance, topic), message);
    case "consume":
      return receive(consumer().consumeMessage(upTo, waitSeconds));
    case "consumeOrderly":
      return receive(consumer().consumeMessageOrderly(upTo, waitSeconds));
    case "acknowledge":
      return end(consumer().ackMessage(receiptHandles));
    case "publishHalf":
      return publish(transactions(), message);
    case "consumeHalf":
      return receive(transactions().consumeHalfMessage(upTo, waitSeconds));
    case "commit":
      return end(transactions().commit(receiptHandles[0]));
    case "rollback":
      return end(transactions().rollback(receiptHandles[0]));
    default:
      throw new Error(`unknown verb ${call.verb}`);
  }
}

async function publish(producer, message) {
  const properties = new mq.MessageProperties();
  properties.messageKey(message.key);
  properties.shardingKey(message.shardingKey);
  properties.startDeliverTime(message.deliverAt);
  properties.transCheckImmunityTime(message.checkAfterSeconds);
  for (const [name, value] of Object.entries(message.properties ?? {})) properties.putProperty(name, value);
  const { body } = await producer.publishMessage(message.body, message.tag, properties);
  return { messageId: body.MessageId, bodyMd5: body.MessageBodyMD5, receiptHandle: body.ReceiptHandle ?? "" };
}

async function receive(poll) {
  try {
    const { body } = await poll;
    return body.map(toReceived);
  } catch (error) {
    if (error.Code === NOTHING_THERE) return [];
    throw error;
  }
}

/** The SDK does not throw when single handles are refused: it returns them. */
async function end(call) {
  const { code, body = [] } = await call;
  if (code !== (body.length === 0 ? 204 : 404)) throw new Error(`${code} with ${body.length} refused handles`);
  return body.map(({ ReceiptHandle, ErrorCode }) => ({ receiptHandle: ReceiptHandle, code: ErrorCode }));
}

function toReceived(message) {
  return {
    messageId: message.MessageId,
    bodyMd5: message.MessageBodyMD5,
    body: message.MessageBody,
    tag: message.MessageTag ?? "",
    key: message.MessageKey ?? "",
    shardingKey: message.ShardingKey ?? "",
    deliverAt: Number(message.StartDeliverTime ?? 0),
    properties: message.Properties,
    attempt: Number(message.ConsumedTimes),
    publishedAt: Number(message.PublishTime),
    firstDeliveredAt: Number(message.FirstConsumeTime),
    visibleAgainAt: Number(message.NextConsumeTime),
    receiptHandle: message.ReceiptHandle,
  };
}
