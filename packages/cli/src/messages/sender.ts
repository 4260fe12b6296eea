import type { Client } from "@stagemq/client";
import { UsageMistake } from "../usage-mistake.ts";
import type { MessageToSend } from "./message-record.ts";
import { OpenTransactionError } from "./open-transaction-error.ts";

export const TRANSACTION_ENDS = ["commit", "rollback", "leave"] as const;
export type TransactionEnd = (typeof TRANSACTION_ENDS)[number];

/** What the broker said of a message, and what became of its transaction. */
export interface Sent {
  readonly messageId: string;
  readonly bodyMd5: string;
  readonly transaction?: "committed" | "rolled back" | "left open";
}

export type Send = (message: MessageToSend) => Promise<Sent>;

/** Sends to one topic. */
export function openSender(client: Client, topic: string): Send {
  const producer = client.producer(topic);
  return async ({ keys, shardingKey, deliverAt, ...message }) => {
    const key = keys === undefined ? {} : { key: keys };
    // The client says what is wrong with both.
    const placed = { ...message, ...key, shardingKey, deliverAt } as Parameters<typeof producer.publish>[0];
    const { messageId, bodyMd5 } = await producer.publish(placed);
    return { messageId, bodyMd5 };
  };
}

/** Sends half messages to one topic, and ends their transactions alike. */
export function openTransactionalSender(
  client: Client,
  { topic, group, end }: { readonly topic: string; readonly group: string; readonly end: TransactionEnd },
): Send {
  const producer = client.transactionalProducer(topic, group);
  return async ({ keys, shardingKey, ...message }) => {
    if (shardingKey !== undefined) throw new UsageMistake("A transactional message cannot have a sharding key.");
    const half = await producer.publishHalf({ ...message, ...(keys === undefined ? {} : { key: keys }) });
    const { messageId, bodyMd5 } = half;
    try {
      if (end === "commit") await half.commit();
      if (end === "rollback") await half.rollback();
    } catch (cause) {
      throw new OpenTransactionError(messageId, { topic, group }, cause);
    }
    return { messageId, bodyMd5, transaction: OUTCOMES[end] };
  };
}

const OUTCOMES = { commit: "committed", rollback: "rolled back", leave: "left open" } as const;
