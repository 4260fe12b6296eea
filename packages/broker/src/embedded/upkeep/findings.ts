import type { TopicRef } from "../../domain/names.ts";
import type { Identity } from "../journal/data-directory.ts";
import type { Position } from "../journal/fact.ts";
import type { FoundSegment } from "../journal/segment-survey.ts";
import type { SnapshotHeader } from "../journal/snapshot-file.ts";
import type { Ledger } from "../state/ledger.ts";
import type { Damage, Range } from "./damage.ts";

/** What stands in a data directory, and what is wrong with it. */
export interface Findings {
  readonly directory: string;
  readonly identity: Identity | undefined;
  /** Of snapshots and segments. */
  readonly bytes: number;
  /** In the segments, as far as they can be read. */
  readonly facts: number;
  readonly segments: readonly FoundSegment[];
  readonly snapshots: readonly FoundSnapshot[];
  /** What a start would have; where facts are damaged that it needs, what it would have without them and all later ones. */
  readonly topics: readonly FoundTopic[];
  readonly groups: number;
  /** The end of a write that was never confirmed: the next start cuts it. */
  readonly tear: (Range & { readonly segment: number }) | undefined;
  readonly damages: readonly Damage[];
  /** From where a start would go on; undefined: from the beginning. */
  readonly replaysFrom: SnapshotHeader | undefined;
  /** Whether there is anything to start from. */
  readonly canStart: boolean;
  readonly ledger: Ledger;
  /** Bytes below the snapshot in which no fact stands any more. */
  readonly gone: readonly Range[];
}

export interface FoundSnapshot {
  readonly position: Position;
  readonly bytes: number;
  readonly isSound: boolean;
}

export interface FoundTopic {
  readonly ref: TopicRef;
  readonly messages: number;
  readonly delayed: number;
  readonly half: number;
}
