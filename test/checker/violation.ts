import type { Delivery, Evidence, Operation } from "./evidence.ts";
import type { ConsumeResult, HistoryEvent } from "./history.ts";

export type Property = keyof typeof PROPERTIES;

export const PROPERTIES = {
  C1: "no loss",
  C2: "no ghost",
  C3: "acknowledged stays acknowledged",
  C4: "no early redelivery",
  C5: "attempts and dead letters",
  C6: "shard order",
  C7: "batch gate",
  C8: "a half message is invisible",
  C9: "a single outcome",
  C10: "the times of checks",
  C11: "delayed is never early",
  C12: "filters",
  C13: "each message in each group is linearizable",
  C14: "liveness",
} as const;

export interface Violation {
  readonly property: Property;
  readonly message: string;
  /** The fewest events that show it. */
  readonly evidence: readonly HistoryEvent[];
}

export type Check = (evidence: Evidence) => Generator<Violation, void>;

/** What shows it: a delivery stands for its poll and for itself in the answer. */
export function violation(
  property: Property,
  message: string,
  ...shown: readonly (Operation | Delivery | undefined)[]
): Violation {
  const evidence = [...new Set(shown)].flatMap((one) =>
    one === undefined ? [] : "got" in one ? eventsOfDelivery(one) : eventsOf(one),
  );
  return { property, message, evidence: evidence.sort((a, b) => a.t - b.t) };
}

function eventsOf({ invoke, end }: Operation): HistoryEvent[] {
  return end ? [invoke, end] : [invoke];
}

function eventsOfDelivery({ poll, got }: Delivery): HistoryEvent[] {
  const [invoke, end] = eventsOf(poll);
  if (invoke === undefined || end === undefined) return [];
  const res: ConsumeResult = { got: [got] };
  return [invoke, { ...end, res } as HistoryEvent];
}
