import {
  bodyMd5,
  DLQ_ATTEMPTS,
  DLQ_ORIGIN_MESSAGE_ID,
  DLQ_ORIGIN_TOPIC,
  DLQ_REASON,
  encodeMessages,
  formatProperties,
  KEYS,
  type PropertyPair,
  type WireMessage,
} from "@stagemq/wire";
import type { DeadLetterOrigin } from "../../domain/message.ts";
import type { Delivery } from "../../engine/engine.ts";
import { type Answer, nothingToDeliver, succeed, type Visit } from "../answer.ts";

/** The answer to a poll, of whatever sort. */
export function answerDeliveries(visit: Visit, deliveries: readonly Delivery[]): Answer {
  if (deliveries.length === 0) return nothingToDeliver(visit);
  const answer = succeed(visit, "delivered", encodeMessages(deliveries.map(toWireMessage)));
  return { ...answer, deliveries: deliveries.map(({ handle }) => handle) };
}

function toWireMessage(delivery: Delivery): WireMessage {
  const { message } = delivery;
  return {
    messageId: delivery.messageId,
    bodyMd5: bodyMd5(message.body),
    body: message.body,
    receiptHandle: delivery.handle,
    publishTime: delivery.publishedAt,
    firstConsumeTime: delivery.firstDeliveredAt,
    nextConsumeTime: delivery.visibleAgainAt,
    consumedTimes: delivery.attempt,
    tag: message.tag,
    properties: formatProperties(propertiesOf(delivery)).text,
  };
}

function propertiesOf({ message, deadLetter }: Delivery): PropertyPair[] {
  const pairs: PropertyPair[] = [[KEYS, message.key], ...message.properties];
  if (deadLetter === undefined) return pairs;
  const sent = new Set(message.properties.map(([name]) => name));
  return [...pairs, ...originPairs(deadLetter).filter(([name]) => !sent.has(name))]; // PUB-7
}

/** DLQ-1: where a dead letter came from. */
function originPairs({ topic, messageId, reason, attempts }: DeadLetterOrigin): PropertyPair[] {
  return [
    [DLQ_ORIGIN_TOPIC, topic],
    [DLQ_ORIGIN_MESSAGE_ID, messageId],
    [DLQ_REASON, reason],
    [DLQ_ATTEMPTS, String(attempts)],
  ];
}
