/**
 * What the official Node SDK `@aliyunmq/mq-http-sdk` 1.0.4 exports, typed, on this client: to migrate is to change one import.
 * docs/clients/migrating.md lists the bugs of it that are mended here.
 */
export type { Caller } from "./caller.ts";
export { type CustomProperties, MessageProperties } from "./message-properties.ts";
export { MQClient } from "./mq-client.ts";
export { MQConsumer } from "./mq-consumer.ts";
export { MQError } from "./mq-error.ts";
export { MQProducer } from "./mq-producer.ts";
export { MQTransProducer } from "./mq-trans-producer.ts";
export type { ConsumeResult, HandlesResult, Message, PublishResult, RefusedHandle, StoredMessage } from "./results.ts";
