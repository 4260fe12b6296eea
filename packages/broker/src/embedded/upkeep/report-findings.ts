import type { Position } from "../journal/fact.ts";
import { type Damage, describeDamage, fileOf } from "./damage.ts";
import type { Findings } from "./findings.ts";
import { planRepair } from "./plan-repair.ts";

/** What was found in a data directory, as plain values for people and programs. */
export interface DataReport {
  readonly directory: string;
  readonly sound: boolean;
  readonly format: number | undefined;
  /** Of the stagemq that made the directory. */
  readonly version: string | undefined;
  readonly clock: "system" | "simulated" | undefined;
  readonly bytes: number;
  readonly facts: number;
  readonly segments: readonly { readonly number: number; readonly bytes: number }[];
  readonly snapshots: readonly { readonly position: Position; readonly bytes: number; readonly sound: boolean }[];
  readonly groups: number;
  readonly topics: readonly ReportedTopic[];
  /** The end of a write that was never confirmed: no damage, the next start cuts it. */
  readonly tornBytes: number;
  readonly damages: readonly ReportedDamage[];
  /** Why they cannot be repaired, and what to do; absent where they can, or nothing is damaged. */
  readonly obstacle?: string;
}

export interface ReportedTopic {
  readonly instance: string;
  readonly topic: string;
  readonly messages: number;
  readonly delayed: number;
  readonly half: number;
}

export interface ReportedDamage {
  readonly file: string;
  /** Offsets in the file, the last byte included; absent where it is the whole file. */
  readonly from?: number;
  readonly to?: number;
  readonly what: string;
  /** Whether a start needs it. */
  readonly stopsStart: boolean;
  /** What cannot be read any more, where that can be known. */
  readonly lost?: { readonly messages: number; readonly topics: readonly string[]; readonly atLeast: boolean };
}

export function reportFindings(findings: Findings): DataReport {
  const { directory, identity, bytes, facts, segments, snapshots, groups, topics, tear, damages } = findings;
  return {
    directory,
    sound: damages.length === 0,
    format: identity?.format,
    version: identity?.version,
    clock: identity?.clock,
    bytes,
    facts,
    segments: segments.map((segment) => ({ number: segment.header.number, bytes: segment.bytes })),
    snapshots: snapshots.map((snapshot) => ({
      position: snapshot.position,
      bytes: snapshot.bytes,
      sound: snapshot.isSound,
    })),
    groups,
    topics: topics.map(({ ref, ...counts }) => ({ ...ref, ...counts })),
    tornBytes: tear === undefined ? 0 : tear.to - tear.from,
    damages: damages.map(reportDamage),
    ...describeObstacle(findings),
  };
}

function describeObstacle(findings: Findings): Pick<DataReport, "obstacle"> {
  const obstacle = findings.damages.length === 0 ? undefined : planRepair(findings).obstacle;
  return obstacle === undefined ? {} : { obstacle };
}

function reportDamage(damage: Damage): ReportedDamage {
  const range = "from" in damage ? { from: damage.from, to: damage.to - 1 } : {};
  return {
    file: fileOf(damage),
    ...range,
    what: describeDamage(damage),
    stopsStart: damage.sort === "identity" || ("needed" in damage && damage.needed),
    ...(damage.lost === undefined ? {} : { lost: damage.lost }),
  };
}
