import { KEYS, readIntent, SHARDING_KEY, START_DELIVER_TIME, TRANS_CHECK_T } from "@stagemq/wire";
import type { ListedMessage, MessageState } from "../engine/engine.ts";
import type { PastState } from "./history.ts";

/**
 * `published`, `delivered` and `acknowledged` say what was done since the start or the last reset: a half message counts as
 * published once it is committed, a message as delivered each time it is. The others say how things stand: `ready`,
 * `in-flight` and `dead` for a consumer group, `delayed` and `half` for the topic.
 */
export type TestState = PastState | MessageState;

export const TEST_STATES: readonly TestState[] = [
  "published",
  "delivered",
  "acknowledged",
  "ready",
  "in-flight",
  "delayed",
  "half",
  "dead",
];

/** A message, as a test looks at it. */
export interface TestMessage {
  readonly messageId: string;
  readonly topic: string;
  readonly state: TestState;
  readonly body: string;
  /** Empty where there is none. */
  readonly tag: string;
  /** The property KEYS; the broker's request id where the sender gave none. */
  readonly key: string;
  /** The sender's, without those that the protocol keeps for itself. */
  readonly properties: Readonly<Record<string, string>>;
  readonly shardingKey?: string;
  readonly publishedAt: Date;
  /** To which group it was delivered, or is ready, in flight or dead. Absent where it is ready and no group has polled. */
  readonly group?: string;
  /** Which delivery that was; otherwise how many there were so far. Of a half message: how often it was asked about. */
  readonly attempt: number;
  /** When it comes again (in flight), is delivered (delayed) or is asked about next (half). */
  readonly dueAt?: Date;
  /** A half message whose producer did not say in time how its transaction ended, and is not asked any more. */
  readonly isAbandoned?: true;
}

const RESERVED: ReadonlySet<string> = new Set([KEYS, SHARDING_KEY, START_DELIVER_TIME, TRANS_CHECK_T]);

export function toTestMessage(listed: ListedMessage, topic: string, state: TestState): TestMessage {
  const { messageId, message, publishedAt, group, attempt, dueAt, isAbandoned } = listed;
  const read = readIntent(message.properties);
  const shardingKey = "intent" in read ? read.intent.shardingKey : undefined;
  return {
    messageId,
    topic,
    state,
    body: message.body,
    tag: message.tag,
    key: message.key,
    properties: Object.fromEntries(message.properties.filter(([name]) => !RESERVED.has(name))),
    ...(shardingKey === undefined ? {} : { shardingKey }),
    publishedAt: new Date(publishedAt),
    ...(group === undefined ? {} : { group: group.group }),
    attempt,
    ...(dueAt === undefined ? {} : { dueAt: new Date(dueAt) }),
    ...(isAbandoned ? { isAbandoned } : {}),
  };
}
