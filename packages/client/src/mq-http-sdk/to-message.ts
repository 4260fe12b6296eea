import { parseProperties, type WireMessage } from "@stagemq/wire";
import { KEYS, SHARDING_KEY, START_DELIVER_TIME, TRANS_CHECK_T } from "../messages/reserved-names.ts";
import type { Message } from "./results.ts";

/** A delivery as the official SDK gives it. */
export function toMessage(wire: WireMessage): Message {
  const {
    [KEYS]: key,
    [SHARDING_KEY]: shardingKey,
    [START_DELIVER_TIME]: startDeliverTime,
    [TRANS_CHECK_T]: checkImmunity,
    ...own
  } = Object.fromEntries(parseProperties(wire.properties).pairs);
  return {
    MessageId: wire.messageId,
    MessageBody: wire.body,
    MessageBodyMD5: wire.bodyMd5,
    MessageTag: wire.tag,
    ...(key === undefined ? {} : { MessageKey: key }),
    ...(shardingKey === undefined ? {} : { ShardingKey: shardingKey }),
    ...(startDeliverTime === undefined ? {} : { StartDeliverTime: Number(startDeliverTime) }),
    ...(checkImmunity === undefined ? {} : { TransCheckImmunityTime: Number(checkImmunity) }),
    Properties: own,
    PublishTime: String(wire.publishTime),
    FirstConsumeTime: String(wire.firstConsumeTime),
    NextConsumeTime: String(wire.nextConsumeTime),
    ConsumedTimes: String(wire.consumedTimes),
    ReceiptHandle: wire.receiptHandle,
  };
}
