import type { ReceivedMessage } from "@stagemq/client";
import { toMessageRecord } from "./message-record.ts";
import type { Column, Look } from "./printer.ts";

/** How received messages look. `attempt` is the head of their count: deliveries, or checks of half messages. */
export function messageLook({
  attempt,
  ordered = false,
}: {
  attempt: string;
  ordered?: boolean;
}): Look<ReceivedMessage> {
  const shardingKey: Column<ReceivedMessage> = { head: "SHARDING KEY", cell: (message) => message.shardingKey ?? "" };
  return {
    toRecord: toMessageRecord,
    columns: [
      { head: "MESSAGE ID", cell: ({ messageId }) => messageId },
      { head: attempt, cell: (message) => String(message.attempt) },
      { head: "TAG", cell: ({ tag }) => tag },
      { head: "KEY", cell: ({ keys }) => keys.join(" ") },
      ...(ordered ? [shardingKey] : []),
      { head: "BODY", cell: ({ text }) => text },
    ],
  };
}
