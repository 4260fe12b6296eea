/** What the clients of a broker did, and what was confirmed to them. Instants are epoch milliseconds of one machine. */
export interface History {
  readonly settings: Settings;
  readonly publications: readonly Publication[];
  readonly polls: readonly Poll[];
  readonly endings: readonly Ending[];
  readonly starts: readonly Start[];
}

export interface Settings {
  /** How long a delivery hides its message, by the sort of the poll. */
  readonly invisibleFor: Readonly<Record<Sort, number>>;
  /** Between the publish of a half message and its first check, at least. */
  readonly immunity: number;
  /** What a start may take. */
  readonly startWithin: number;
}

export type Sort = "concurrent" | "ordered" | "half";

/** `unknown`: the request left, and no answer came. */
export type Outcome = "ok" | "refused" | "unknown";

interface Operation {
  readonly invokedAt: number;
  readonly endedAt: number;
  readonly outcome: Outcome;
}

export interface Publication extends Operation {
  readonly topic: string;
  /** No two are alike: this is what a message is known by when its publish was never answered. */
  readonly body: string;
  readonly shardingKey?: string;
  readonly isHalf?: boolean;
  /** Once confirmed. */
  readonly messageId?: string;
  /** Once confirmed, of a half message: ends the transaction until its first check is due. */
  readonly handle?: string;
}

/** An empty one is no refusal. */
export interface Poll extends Operation {
  readonly topic: string;
  readonly group: string;
  readonly sort: Sort;
  readonly deliveries: readonly Delivery[];
}

export interface Delivery {
  readonly messageId: string;
  readonly body: string;
  readonly receiptHandle: string;
  readonly consumedTimes: number;
  readonly firstConsumeTime: number;
  readonly nextConsumeTime: number;
}

/** What was asked for with one receipt handle. */
export interface Ending extends Operation {
  readonly as: "acknowledge" | "commit" | "rollback";
  readonly handle: string;
}

/** Of a broker that had been killed. */
export interface Start {
  readonly startedAt: number;
  readonly servesAt: number;
}
