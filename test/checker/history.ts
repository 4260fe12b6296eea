/**
 * What clients of a broker did and what they were told, one event a line (JSON). A process has one request under way: its `invoke` is
 * followed by the `ok`, `fail` or `info` of the same process. Faults and the phases of a run are events too.
 */
export type HistoryEvent<F extends Verb = Verb> = { [One in F]: EventOf<One> }[F];

interface EventOf<F extends Verb> {
  /** Process: who did it. */
  readonly p: string;
  readonly f: F;
  /** `fail`: refused, and nothing was done. `info`: nobody knows what became of it (no answer, a 5xx, hung up). */
  readonly type: "invoke" | "ok" | "fail" | "info";
  /** Monotonic nanoseconds, comparable between all processes of one machine. */
  readonly t: number;
  /** Epoch milliseconds. */
  readonly wall: number;
  /** With `invoke`. */
  readonly req?: Requests[F];
  /** With `ok`; with `fail` and `info` it may say why, for the reader. */
  readonly res?: Results[F] | Why;
}

export interface Requests {
  readonly publish: PublishRequest;
  readonly consume: ConsumeRequest;
  readonly consumeHalf: HalfRequest;
  readonly ack: EndRequest;
  readonly commit: EndRequest;
  readonly rollback: EndRequest;
  readonly admin: AdminRequest;
  readonly fault: FaultRequest;
}

export interface Results {
  readonly publish: PublishResult;
  readonly consume: ConsumeResult;
  readonly consumeHalf: ConsumeResult;
  readonly ack: EndResult;
  readonly commit: EndResult;
  readonly rollback: EndResult;
  readonly admin: Readonly<Record<string, unknown>>;
  readonly fault: Readonly<Record<string, unknown>>;
}

export type Verb = keyof Requests;
export type Why = { readonly why: string };

export interface PublishRequest {
  readonly topic: string;
  /** What a message is known by, whatever became of the answer. A sender that tries again does so under the same. */
  readonly uid: string;
  /** `digestOf` the body, and of the properties that the sender chose (see `propertiesDigest`). */
  readonly sum: number;
  readonly props: number;
  readonly tag: string;
  readonly key?: string;
  /** Epoch milliseconds. */
  readonly dueAt?: number;
  /** Of a half message: its check immunity. */
  readonly immunityMs?: number;
}

export interface PublishResult {
  readonly id: string;
  /** Of a half message. */
  readonly h?: string;
}

export interface ConsumeRequest {
  readonly topic: string;
  readonly group: string;
  readonly mode: "plain" | "ordered";
  readonly max: number;
  readonly waitMs: number;
  /** Absent, empty or `*`: everything. */
  readonly tag?: string;
}

export interface HalfRequest {
  readonly topic: string;
  readonly group: string;
  readonly max: number;
  readonly waitMs: number;
}

export interface ConsumeResult {
  readonly got: readonly Got[];
}

/** A message as it was received. */
export interface Got {
  /** As the body says; empty if it cannot be read. */
  readonly uid: string;
  readonly id: string;
  readonly h: string;
  /** ConsumedTimes. */
  readonly c: number;
  /** FirstConsumeTime and NextConsumeTime. */
  readonly first: number;
  readonly next: number;
  readonly sum: number;
  readonly props: number;
  readonly tag: string;
}

export interface EndRequest {
  readonly topic: string;
  /** Whose deliveries they are; empty with a commit or a rollback. */
  readonly group: string;
  readonly h: readonly string[];
}

export interface EndResult {
  /** Those of the handles that were refused. */
  readonly refused: readonly string[];
}

/** `settings` is the first event of a history. A `drain` ends it: nothing more is published, everything that comes is ended. */
export type AdminRequest =
  | { readonly kind: "settings"; readonly settings: Settings }
  | { readonly kind: "drain" }
  | { readonly kind: string; readonly [more: string]: unknown };

/**
 * A fault lasts from its `invoke` to its `ok`. Known kinds: `kill`, `stop`, `power-cut` (with `ok` the broker is gone: what has no answer
 * by then never takes effect later), `start` (with `ok` it serves), `clock` (`offsetMs`: how far the broker's wall clock is now ahead of
 * ours). Any other name is a disturbance, such as `pause` or `disk-full`: nobody is blamed for being slow while it lasts.
 */
export type FaultRequest = { readonly kind: string; readonly offsetMs?: number; readonly [more: string]: unknown };

export interface Settings {
  readonly topics: Readonly<Record<string, TopicSettings>>;
  /** By name; absent: as `maxRetries` says, from the earliest. */
  readonly groups?: Readonly<Record<string, { readonly maxRetries?: number; readonly from?: "earliest" | "latest" }>>;
  /** How long a delivery hides its message, by the sort of the poll. */
  readonly invisibleForMs: Readonly<Record<Sort, number>>;
  readonly maxRetries: number;
  /** What the instant of a first check is rounded up to (TX-3). */
  readonly checkRoundedToMs: number;
  /** How long after its first check a half message is offered. */
  readonly checksForMs: number;
  /** Absent: longer than the history. */
  readonly retentionMs?: number;
  /** How far broker and clients may disagree about an instant: whole milliseconds, and not read at the same one. */
  readonly skewMs: number;
  /** How late a waiting poll may be woken, and an empty one end. */
  readonly lateMs: number;
  readonly startWithinMs: number;
  readonly drainWithinMs: number;
}

export type Sort = "plain" | "ordered" | "half";

export interface TopicSettings {
  readonly kind: "normal" | "delayed" | "ordered" | "transactional";
  readonly queues: number;
}

export const DEAD_LETTERS = "%DLQ%";
