/** The client: producers, transactional producers and consumers of stagemq and of ApsaraMQ for RocketMQ over HTTP. */
export { Client } from "./client.ts";
export type { CallOptions, ClientOptions, RetryOptions } from "./client-options.ts";
export { type Codec, json, text } from "./codec.ts";
export type { Batch } from "./consuming/batch.ts";
export type { Acknowledgeable, Consumer, ConsumerOptions, Handler } from "./consuming/consumer.ts";
export type { BatchesOptions, ReceiveOptions } from "./consuming/receive-options.ts";
export type { Run, RunOptions } from "./consuming/run.ts";
export type { Credentials } from "./credentials.ts";
export type { Duration } from "./duration.ts";
export { ClosedError } from "./errors/closed-error.ts";
export { ConnectionError } from "./errors/connection-error.ts";
export { InvalidArgumentError } from "./errors/invalid-argument-error.ts";
export { InvalidMessageError } from "./errors/invalid-message-error.ts";
export { OpenTransactionError } from "./errors/open-transaction-error.ts";
export { type AcknowledgeFailure, PartialAcknowledgeError } from "./errors/partial-acknowledge-error.ts";
export { RefusedError } from "./errors/refused-error.ts";
export { StagemqError } from "./errors/stagemq-error.ts";
export { TimeoutError } from "./errors/timeout-error.ts";
export { UnreadableReplyError } from "./errors/unreadable-reply-error.ts";
export type { Logger } from "./logger.ts";
export type {
  After,
  AtInstant,
  AtOnce,
  InOrder,
  MessageContent,
  OutgoingMessage,
  Placement,
} from "./messages/outgoing-message.ts";
export type { DeadLetterOrigin, ReceivedMessage } from "./messages/received-message.ts";
export type { HalfMessage } from "./producing/half-message.ts";
export type { Producer, Published } from "./producing/producer.ts";
export type {
  CheckedMessage,
  Checker,
  CheckOptions,
  Decide,
  Decision,
  Endable,
  HalfOutgoingMessage,
  TransactionalProducer,
} from "./producing/transactional-producer.ts";
