import type { GroupSettings } from "../domain/consumer-group.ts";
import type { DurationMs } from "../domain/time.ts";
import type { TypeCheck } from "../domain/topic.ts";
import type { LogLevel } from "../runtime/log.ts";
import type { HousekeepingSettings } from "./housekeeper.ts";

/** What the embedded engine may be told. The defaults stand in the table of options. */
export interface EngineSettings {
  /** Whether instances, topics and groups are made by their first use (PUB-8). */
  readonly makeByUse: boolean;
  /** PUB-2. */
  readonly typeCheck: TypeCheck;
  /** DEL-3. */
  readonly invisibleFor: DurationMs;
  readonly orderedInvisibleFor: DurationMs;
  readonly halfInvisibleFor: DurationMs;
  /** ORD-6: after how long a blocked message comes again. */
  readonly blockedInvisibleFor: DurationMs;
  /** DEL-7: bodies in one answer. */
  readonly maxBatchBytes: number;
  /** DEL-8: the how-manieth give-back in a row stands as a delivery. */
  readonly giveBacksBeforeDelivery: number;
  /** DEL-9. */
  readonly maxRetries: number;
  /** DEL-11. Undefined: `earliest` for a group made by its first poll, `latest` for a declared one. */
  readonly from: GroupSettings["from"];
  /** ORD-6. */
  readonly onExhausted: NonNullable<GroupSettings["onExhausted"]>;
  /** DEL-12: of four places in a row, so many go to new messages. */
  readonly newShare: number;
  /** DEL-15. */
  readonly maxOutstanding: number;
  /** TAG-2: how long a filter is remembered. */
  readonly filterMemory: DurationMs;
  /** ORD-1. */
  readonly orderedQueues: number;
  /** DLY-3. */
  readonly maxDelay: DurationMs;
  /** RET-1. */
  readonly retentionAge: DurationMs;
  /** RET-1. Undefined: by age alone. */
  readonly retentionBytes: number | undefined;
  /** TIM-2: how long dropping by age rests after a step of the wall clock. */
  readonly ageRestsFor: DurationMs;
  /** TX-3: how long after its first check a half message is asked about. */
  readonly checkFor: DurationMs;
  /** TX-3: first checks fall due at whole multiples of this. */
  readonly checkRounding: DurationMs;
  /** Where a line is logged for each message published, delivered, acknowledged … */
  readonly messageLogLevel: LogLevel;
  /** When snapshots are taken and old segments looked at; what is left out is as the housekeeper thinks best. */
  readonly housekeeping?: Partial<HousekeepingSettings>;
}
