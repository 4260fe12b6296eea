import { createRequire } from "node:module";
import {
  type Address,
  type Batch,
  NOTHING_THERE,
  type Outgoing,
  type Published,
  type Received,
  type RefusedHandle,
  type Sdk,
  type SdkClient,
  SdkRefusal,
  type Subscription,
} from "./sdk.ts";

/** `@aliyunmq/mq-http-sdk` as npm delivers it, in this process. */
export const nodeSdk: Sdk = {
  name: "Node",
  escapesText: false,
  tellsStatus: true,
  connect: (address) => new NodeClient(address),
};

/** The SDK brings no types; these are the parts that we call. */
interface MqPackage {
  readonly MQClient: new (endpoint: string, accessKeyId: string, accessKeySecret: string) => MqClient;
  readonly MessageProperties: new () => MqProperties;
}
interface MqClient {
  getProducer(instance: string | undefined, topic: string): MqProducer;
  getConsumer(instance: string | undefined, topic: string, group: string, filter?: string): MqConsumer;
  getTransProducer(instance: string | undefined, topic: string, group: string): MqTransProducer;
}
interface MqProducer {
  publishMessage(body: string, tag: string | undefined, properties: MqProperties): Promise<MqReply<MqPublished>>;
}
interface MqConsumer {
  consumeMessage(upTo: number, waitSeconds?: number): Promise<MqReply<MqMessage[]>>;
  consumeMessageOrderly(upTo: number, waitSeconds?: number): Promise<MqReply<MqMessage[]>>;
  ackMessage(receiptHandles: readonly string[]): Promise<MqReply<MqItem[] | undefined>>;
}
interface MqTransProducer extends MqProducer {
  consumeHalfMessage(upTo: number, waitSeconds?: number): Promise<MqReply<MqMessage[]>>;
  commit(receiptHandle: string): Promise<MqReply<MqItem[] | undefined>>;
  rollback(receiptHandle: string): Promise<MqReply<MqItem[] | undefined>>;
}
interface MqProperties {
  messageKey(key: string | undefined): void;
  startDeliverTime(at: number | undefined): void;
  transCheckImmunityTime(seconds: number | undefined): void;
  shardingKey(key: string | undefined): void;
  putProperty(name: string, value: string): void;
}
interface MqReply<Body> {
  readonly code: number;
  readonly body: Body;
}
interface MqPublished {
  readonly MessageId: string;
  readonly MessageBodyMD5: string;
  readonly ReceiptHandle?: string;
}
interface MqMessage {
  readonly MessageId: string;
  readonly MessageBodyMD5: string;
  readonly MessageBody: string;
  readonly MessageTag?: string;
  readonly MessageKey?: string;
  readonly ShardingKey?: string;
  readonly StartDeliverTime?: number;
  readonly Properties: Readonly<Record<string, string>>;
  readonly ConsumedTimes: string;
  readonly PublishTime: string;
  readonly FirstConsumeTime: string;
  readonly NextConsumeTime: string;
  readonly ReceiptHandle: string;
}
interface MqItem {
  readonly ErrorCode: string;
  readonly ErrorMessage: string;
  readonly ReceiptHandle: string;
}

const mq = createRequire(import.meta.url)("@aliyunmq/mq-http-sdk") as MqPackage;

class NodeClient implements SdkClient {
  readonly #client: MqClient;
  readonly #instance: string | undefined;

  constructor({ endpoint, accessKeyId, accessKeySecret, instance }: Address) {
    this.#client = new mq.MQClient(endpoint, accessKeyId, accessKeySecret);
    this.#instance = instance;
  }

  publish(topic: string, message: Outgoing): Promise<Published> {
    return publishWith(this.#client.getProducer(this.#instance, topic), message);
  }

  consume(subscription: Subscription, { upTo, waitSeconds }: Batch): Promise<readonly Received[]> {
    return receive(() => this.#consumer(subscription).consumeMessage(upTo, waitSeconds));
  }

  consumeOrderly(subscription: Subscription, { upTo, waitSeconds }: Batch): Promise<readonly Received[]> {
    return receive(() => this.#consumer(subscription).consumeMessageOrderly(upTo, waitSeconds));
  }

  acknowledge(subscription: Subscription, receiptHandles: readonly string[]): Promise<readonly RefusedHandle[]> {
    return end(() => this.#consumer(subscription).ackMessage(receiptHandles));
  }

  publishHalf(producer: Subscription, message: Outgoing): Promise<Published> {
    return publishWith(this.#transProducer(producer), message);
  }

  consumeHalf(producer: Subscription, { upTo, waitSeconds }: Batch): Promise<readonly Received[]> {
    return receive(() => this.#transProducer(producer).consumeHalfMessage(upTo, waitSeconds));
  }

  commit(producer: Subscription, receiptHandle: string): Promise<readonly RefusedHandle[]> {
    return end(() => this.#transProducer(producer).commit(receiptHandle));
  }

  rollback(producer: Subscription, receiptHandle: string): Promise<readonly RefusedHandle[]> {
    return end(() => this.#transProducer(producer).rollback(receiptHandle));
  }

  #consumer({ topic, group, filter }: Subscription): MqConsumer {
    return this.#client.getConsumer(this.#instance, topic, group, filter);
  }

  #transProducer({ topic, group }: Subscription): MqTransProducer {
    return this.#client.getTransProducer(this.#instance, topic, group);
  }
}

async function publishWith(producer: MqProducer, message: Outgoing): Promise<Published> {
  const properties = new mq.MessageProperties();
  properties.messageKey(message.key);
  properties.shardingKey(message.shardingKey);
  properties.startDeliverTime(message.deliverAt);
  properties.transCheckImmunityTime(message.checkAfterSeconds);
  for (const [name, value] of Object.entries(message.properties ?? {})) properties.putProperty(name, value);
  const { body } = await asRefusal(() => producer.publishMessage(message.body, message.tag, properties));
  return { messageId: body.MessageId, bodyMd5: body.MessageBodyMD5, receiptHandle: body.ReceiptHandle ?? "" };
}

async function receive(poll: () => Promise<MqReply<MqMessage[]>>): Promise<readonly Received[]> {
  try {
    const { body } = await asRefusal(poll);
    return body.map(toReceived);
  } catch (error) {
    if (error instanceof SdkRefusal && error.code === NOTHING_THERE) return [];
    throw error;
  }
}

/** The SDK does not throw when single handles are refused: it returns them. */
async function end(call: () => Promise<MqReply<MqItem[] | undefined>>): Promise<readonly RefusedHandle[]> {
  const { code, body = [] } = await asRefusal(call);
  if (code !== (body.length === 0 ? 204 : 404)) throw new Error(`${code} with ${body.length} refused handles`);
  return body.map(({ ReceiptHandle, ErrorCode }) => ({ receiptHandle: ReceiptHandle, code: ErrorCode }));
}

async function asRefusal<Reply>(call: () => Promise<Reply>): Promise<Reply> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof Error && "Code" in error)) throw error;
    const [, status] = / failed with (\d{3})\./.exec(error.message) ?? [];
    throw new SdkRefusal(String(error.Code), error.message, Number(status));
  }
}

function toReceived(message: MqMessage): Received {
  return {
    messageId: message.MessageId,
    bodyMd5: message.MessageBodyMD5,
    body: message.MessageBody,
    tag: message.MessageTag ?? "",
    key: message.MessageKey ?? "",
    shardingKey: message.ShardingKey ?? "",
    deliverAt: message.StartDeliverTime ?? 0,
    properties: message.Properties,
    attempt: Number(message.ConsumedTimes),
    publishedAt: Number(message.PublishTime),
    firstDeliveredAt: Number(message.FirstConsumeTime),
    visibleAgainAt: Number(message.NextConsumeTime),
    receiptHandle: message.ReceiptHandle,
  };
}
