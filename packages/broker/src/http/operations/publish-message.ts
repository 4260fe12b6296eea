import {
  bodyMd5,
  decodePublishRequest,
  encodePublishReply,
  firstLeftOut,
  KEYS,
  parseProperties,
  type ReservedIntent,
  readIntent,
} from "@stagemq/wire";
import { checkPropertiesBytes } from "../../domain/limits.ts";
import type { Message, PublishIntent } from "../../domain/message.ts";
import { SECOND } from "../../domain/time.ts";
import { type Answer, succeed } from "../answer.ts";
import { Refusal } from "../refusal.ts";
import type { Desk, Errand } from "./desk.ts";
import { readDocument } from "./read-document.ts";

/** `POST /topics/{topic}/messages` */
export async function publishMessage(desk: Desk, { visit, call, topic }: Errand, document: Buffer): Promise<Answer> {
  const { body, tag, properties } = readDocument(decodePublishRequest(document));
  checkPropertiesBytes(Buffer.byteLength(properties)); // as sent: also what is ignored or stands twice
  const { pairs } = parseProperties(properties);
  const reserved = readReserved(pairs);
  const message: Message = {
    body,
    tag,
    key: reserved.key ?? call.requestId, // PUB-7
    properties: pairs.filter(([name]) => name !== KEYS),
  };
  const { messageId, transactionHandle } = await desk.engine.publish(call, {
    topic,
    message,
    intent: toIntent(reserved),
  });
  const leftOut = firstLeftOut(pairs);
  if (leftOut !== undefined) desk.leftOut.say(topic, leftOut);
  const reply = encodePublishReply({
    messageId,
    bodyMd5: bodyMd5(body),
    ...(transactionHandle === undefined ? {} : { receiptHandle: transactionHandle }),
  });
  return succeed(visit, "published", reply);
}

function readReserved(pairs: Message["properties"]): ReservedIntent {
  const read = readIntent(pairs);
  if ("intent" in read) return read.intent;
  throw new Refusal("property-unreadable", { hint: `${read.reason}.` });
}

/** PUB-2: what a message is, in the order in which its properties decide it. */
function toIntent({ checkAfterSeconds, deliverAt, shardingKey }: ReservedIntent): PublishIntent {
  if (checkAfterSeconds !== undefined) {
    const firstCheckAfter = checkAfterSeconds * SECOND;
    return { kind: "transactional", firstCheckAfter, ...(deliverAt === undefined ? {} : { deliverAt }) };
  }
  const key = shardingKey === undefined ? {} : { shardingKey };
  if (deliverAt !== undefined) return { kind: "delayed", deliverAt, ...key };
  if (shardingKey !== undefined) return { kind: "ordered", shardingKey };
  return { kind: "normal" };
}
