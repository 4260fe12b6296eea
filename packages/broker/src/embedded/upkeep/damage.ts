import { describeBytes } from "../journal/damaged-journal.ts";
import { IDENTITY } from "../journal/data-directory.ts";
import type { Position } from "../journal/fact.ts";
import type { ChainLink } from "../journal/group-reader.ts";
import { SEGMENT_HEADER_BYTES, type SegmentHeader, segmentName } from "../journal/segment.ts";
import { snapshotName } from "../journal/snapshot-file.ts";
import type { UnreadableRun } from "./mend-segment.ts";

/** From the first byte up to, not including, the last; positions in the journal or offsets in a file. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** `needed`: a start needs these facts. Else a snapshot stands for them, and only messages may be gone. */
export type Damage = { readonly lost?: Lost | undefined } & (
  | { readonly sort: "identity" }
  | { readonly sort: "snapshot"; readonly position: Position; readonly why: string }
  | {
      readonly sort: "head";
      readonly segment: number;
      readonly needed: boolean;
      /** What it must have been, where that can be told. */
      readonly recovered: SegmentHeader | undefined;
    }
  | { readonly sort: "missing"; readonly segment: number; readonly needed: boolean }
  | { readonly sort: "unreadable"; readonly run: UnreadableRun }
  | (Range & {
      readonly sort: "bytes";
      readonly segment: number;
      readonly needed: boolean;
      readonly header: SegmentHeader;
      readonly link: ChainLink;
      /** Of the first group behind it; undefined where the journal ends. */
      readonly next: ChainLink | undefined;
    })
  /** Forgotten too early, or filled by a repair that was cut short: there are messages that believe to stand there. */
  | (Range & { readonly sort: "filled"; readonly segment: number; readonly needed: boolean })
);

/** What is lost by a damage, as far as that can be known. */
export interface Lost {
  readonly messages: number;
  readonly topics: readonly string[];
  /** There may be more: what cannot be read cannot be counted. */
  readonly atLeast: boolean;
}

export function describeDamage(damage: Damage): string {
  switch (damage.sort) {
    case "identity":
      return `${IDENTITY}, which holds the key to all handles`;
    case "snapshot":
      return `snapshot ${snapshotName(damage.position)}: ${damage.why}`;
    case "head":
      return describeBytes(damage.segment, 0, SEGMENT_HEADER_BYTES);
    case "missing":
      return `segment ${damage.segment} is missing`;
    case "unreadable": {
      const { first, last } = damage.run;
      return first === last ? `segment ${first}, all of it` : `segments ${first} to ${last}, all of them`;
    }
    case "bytes":
      return describeBytes(damage.segment, damage.from, damage.to);
    case "filled":
      return `${describeBytes(damage.segment, damage.from, damage.to)}, where no fact stands any more`;
  }
}

/** The file in which it is. */
export function fileOf(damage: Damage): string {
  if (damage.sort === "identity") return IDENTITY;
  if (damage.sort === "snapshot") return snapshotName(damage.position);
  return segmentName(damage.sort === "unreadable" ? damage.run.first : damage.segment);
}
