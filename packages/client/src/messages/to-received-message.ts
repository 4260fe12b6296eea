import type { WireMessage } from "@stagemq/wire";
import { DLQ_ATTEMPTS, DLQ_ORIGIN_MESSAGE_ID, DLQ_ORIGIN_TOPIC, DLQ_REASON, parseProperties } from "@stagemq/wire";
import type { Codec } from "../codec.ts";
import type { DeadLetterOrigin, ReceivedMessage } from "./received-message.ts";
import { KEYS, SHARDING_KEY, START_DELIVER_TIME, TRANS_CHECK_T } from "./reserved-names.ts";

/** A delivery in the words of this client. */
export function toReceivedMessage<T>(wire: WireMessage, codec: Codec<T>): ReceivedMessage<T> {
  const named = new Map(parseProperties(wire.properties).pairs);
  const take = (name: string): string | undefined => {
    const value = named.get(name);
    named.delete(name);
    return value;
  };
  const keys = take(KEYS)?.split(" ").filter(Boolean) ?? [];
  const shardingKey = take(SHARDING_KEY);
  const deliverAt = take(START_DELIVER_TIME);
  const checkAfter = take(TRANS_CHECK_T);
  const deadLetter = takeOrigin(named, take);
  return withBody(codec, {
    text: wire.body,
    messageId: wire.messageId,
    tag: wire.tag,
    keys,
    properties: Object.fromEntries(named),
    ...(shardingKey === undefined ? {} : { shardingKey }),
    ...(deliverAt === undefined ? {} : { deliverAt: new Date(Number(deliverAt)) }),
    ...(checkAfter === undefined ? {} : { checkAfterSeconds: Number(checkAfter) }),
    publishedAt: new Date(wire.publishTime),
    firstDeliveredAt: new Date(wire.firstConsumeTime),
    nextConsumeAt: new Date(wire.nextConsumeTime),
    attempt: wire.consumedTimes,
    handle: wire.receiptHandle,
    bodyMd5: wire.bodyMd5,
    ...(deadLetter === undefined ? {} : { deadLetter }),
  });
}

function takeOrigin(
  named: ReadonlyMap<string, string>,
  take: (name: string) => string | undefined,
): DeadLetterOrigin | undefined {
  if (!named.has(DLQ_ORIGIN_TOPIC) || !named.has(DLQ_ORIGIN_MESSAGE_ID)) return undefined;
  return {
    topic: take(DLQ_ORIGIN_TOPIC) ?? "",
    messageId: take(DLQ_ORIGIN_MESSAGE_ID) ?? "",
    reason: take(DLQ_REASON) ?? "",
    attempts: Number(take(DLQ_ATTEMPTS) ?? 0),
  };
}

const decodingFailures = new WeakMap<object, unknown>();

/** Whether it is what the codec threw at the message's body. */
export function isDecodingFailure(error: unknown, message: ReceivedMessage<unknown>): boolean {
  return decodingFailures.has(message) && decodingFailures.get(message) === error;
}

/** One body that cannot be decoded must not cost the batch: only who reads it is told. */
function withBody<T>(codec: Codec<T>, rest: Omit<ReceivedMessage<T>, "body">): ReceivedMessage<T> {
  try {
    return { body: codec.decode(rest.text), ...rest };
  } catch (error) {
    const get = (): never => {
      throw error;
    };
    const message = Object.defineProperty({ ...rest }, "body", { enumerable: true, get }) as ReceivedMessage<T>;
    decodingFailures.set(message, error);
    return message;
  }
}
