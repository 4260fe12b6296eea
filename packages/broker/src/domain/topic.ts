import type { TopicRef } from "./names.ts";

/** What sort of messages a topic holds (PUB-2). */
export type TopicKind = "normal" | "ordered" | "delayed" | "transactional";

export const TOPIC_KINDS: readonly TopicKind[] = ["normal", "delayed", "ordered", "transactional"];

/** How many message queues a partitionally ordered topic has unless told otherwise (ORD-1). */
export const DEFAULT_ORDERED_QUEUES = 8;
export const MAX_QUEUES = 1_024;

/** Whether a mismatch between a topic's kind and a message's is refused, let through and said, or let through (PUB-2). */
export type TypeCheck = "enforce" | "warn" | "off";

/** A topic as it is declared: in a file, or by the operator. */
export interface TopicDeclaration {
  readonly ref: TopicRef;
  readonly kind: TopicKind;
  /** Only for an ordered topic; 1 is globally ordered. */
  readonly queues?: number;
}
