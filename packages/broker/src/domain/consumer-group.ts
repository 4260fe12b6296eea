import type { GroupRef } from "./names.ts";
import type { DurationMs } from "./time.ts";

/** What a group may set for itself; what it leaves out is the broker's default. */
export interface GroupSettings {
  /** How long a plain delivery hides its message (DEL-3). */
  readonly invisibleFor?: DurationMs;
  /** How long an ordered delivery hides its message (DEL-3). */
  readonly orderedInvisibleFor?: DurationMs;
  /** Deliveries after the first before a message is dead-lettered (DEL-9). */
  readonly maxRetries?: number;
  /** Where the group starts on a topic (DEL-11). */
  readonly from?: "earliest" | "latest";
  /** What happens to a message without retries left (ORD-6). */
  readonly onExhausted?: "dead-letter" | "block";
}

/** A consumer group as it is declared: in a file, or by the operator. */
export interface GroupDeclaration {
  readonly ref: GroupRef;
  readonly settings: GroupSettings;
}
