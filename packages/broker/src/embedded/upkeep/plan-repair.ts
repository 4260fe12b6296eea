import { grouped } from "../../domain/grouped.ts";
import { IDENTITY } from "../journal/data-directory.ts";
import type { Position } from "../journal/fact.ts";
import type { SegmentHeader } from "../journal/segment.ts";
import { snapshotName } from "../journal/snapshot-file.ts";
import { type Damage, describeDamage, type Lost } from "./damage.ts";
import type { Findings } from "./findings.ts";
import { canBeFilled, type Gap, segmentsFor, type UnreadableRun } from "./mend-segment.ts";

/** What a repair will do, each step in a sentence that says what is lost by it. */
export interface RepairPlan {
  readonly steps: readonly RepairStep[];
  /** Why there is no way to repair it; then there are no steps. */
  readonly obstacle: string | undefined;
}

export type RepairStep = { readonly sentence: string } & (
  | { readonly sort: "remove-snapshot"; readonly position: Position }
  | { readonly sort: "write-head"; readonly header: SegmentHeader }
  | { readonly sort: "fill"; readonly gap: Gap }
  | { readonly sort: "rebuild"; readonly run: UnreadableRun }
  | { readonly sort: "give-up" }
  | { readonly sort: "forget"; readonly run: UnreadableRun }
  /** Segments behind it go too; with offset 0 the segment itself. */
  | { readonly sort: "cut"; readonly segment: number; readonly offset: number }
);

const RESTORE = "Restore a backup, or use another directory.";

export function planRepair(findings: Findings): RepairPlan {
  const obstacle = obstacleIn(findings);
  if (obstacle !== undefined) return { steps: [], obstacle };
  const steps = findings.damages.flatMap((damage) => stepsFor(damage));
  // The journal ends at the first place that a start cannot do without.
  const firstCut = steps.findIndex(({ sort }) => sort === "cut");
  const only = steps.filter(({ sort }, index) => sort !== "cut" || index === firstCut);
  const cut = steps[firstCut];
  return { steps: cut?.sort === "cut" ? [...only, ...snapshotsBeyond(findings, cut)] : only, obstacle: undefined };
}

function obstacleIn({ damages, canStart, segments }: Findings): string | undefined {
  if (damages.some(({ sort }) => sort === "identity")) {
    return `${IDENTITY} cannot be made anew: it holds the key to all handles. ${RESTORE}`;
  }
  const hopeless = damages.find((damage) => isHopeless(damage));
  if (hopeless !== undefined) return `There is no way around this: ${describeDamage(hopeless)}. ${RESTORE}`;
  if (!canStart || segments.length === 0) return `Nothing is left that a start could go on from. ${RESTORE}`;
  return undefined;
}

/** Old segments of which not even the frame is left, and a first one without a head. */
function isHopeless(damage: Damage): boolean {
  switch (damage.sort) {
    case "bytes":
      return !damage.needed && (damage.next === undefined || !canBeFilled({ ...damage, next: damage.next }));
    case "head":
      return damage.recovered === undefined && (!damage.needed || damage.segment === 1);
    case "missing":
      return !damage.needed || damage.segment === 1;
    case "unreadable":
      return damage.run.base !== undefined && segmentsFor(damage.run, () => 0) === undefined;
    default:
      return false;
  }
}

function stepsFor(damage: Damage): RepairStep[] {
  switch (damage.sort) {
    case "identity":
      return [];
    case "snapshot": {
      const sentence = `Remove snapshot ${snapshotName(damage.position)}: ${damage.why}. A longer replay takes its place.`;
      return [{ sort: "remove-snapshot", position: damage.position, sentence }];
    }
    case "head": {
      if (damage.recovered === undefined) return [cutAt(damage, damage.segment, 0)];
      const sentence = `Write the head of segment ${damage.segment} anew, as what is behind it tells. Nothing is lost.`;
      return [{ sort: "write-head", header: damage.recovered, sentence }];
    }
    case "missing":
      return [cutAt(damage, damage.segment, 0)];
    case "unreadable": {
      if (damage.run.base === undefined) {
        return [{ sort: "forget", run: damage.run, sentence: `Remove ${describeDamage(damage)}.` }];
      }
      const sentence = `Put segments without facts in the place of ${describeDamage(damage)}: ${describeLost(damage.lost)}`;
      return [{ sort: "rebuild", run: damage.run, sentence }];
    }
    case "bytes": {
      if (damage.needed || damage.next === undefined) return [cutAt(damage, damage.segment, damage.from)];
      const sentence = `Give up ${describeDamage(damage)}: ${describeLost(damage.lost)}`;
      return [{ sort: "fill", gap: { ...damage, next: damage.next }, sentence }];
    }
    case "filled":
      if (damage.needed) return [cutAt(damage, damage.segment, damage.from)];
      return [{ sort: "give-up", sentence: `Give up ${describeDamage(damage)}: ${describeLost(damage.lost)}` }];
  }
}

function cutAt({ lost }: Damage, segment: number, offset: number): RepairStep {
  const place = offset === 0 ? `before segment ${segment}` : `in segment ${segment}, at byte ${grouped(offset)}`;
  const behind =
    lost === undefined || lost.messages === 0
      ? "what came after, of which nothing can be told"
      : `what came after, at least ${countOf(lost)}`;
  const sentence = `Cut the journal ${place}, and remove all later segments. Lost is ${behind}.`;
  return { sort: "cut", segment, offset, sentence };
}

/** Decision 8: a snapshot of what the journal does not have any more would bring back facts that others take the place of. */
function snapshotsBeyond({ snapshots, segments, damages }: Findings, cut: RepairStep & { sort: "cut" }): RepairStep[] {
  const base = segments.find(({ header }) => header.number === cut.segment)?.header.base;
  const before = segments.findLast(({ header }) => header.number < cut.segment);
  const end = base === undefined ? (before?.header.base ?? 0) + (before?.bytes ?? 0) : base + cut.offset;
  const known = new Set(damages.map((damage) => (damage.sort === "snapshot" ? damage.position : undefined)));
  return snapshots
    .filter(({ position }) => position > end && !known.has(position))
    .map(({ position }) => {
      const sentence = `Remove snapshot ${snapshotName(position)}, which contains what is cut. A longer replay takes its place.`;
      return { sort: "remove-snapshot", position, sentence };
    });
}

function describeLost(lost: Lost | undefined): string {
  if (lost === undefined || lost.messages === 0) return "no message that is still kept stands there. Nothing is lost.";
  return `lost is ${countOf(lost)}. They are never delivered, and count as passed over.`;
}

/** "3 messages of orders and payments". */
export function countOf({ messages, topics }: Lost): string {
  const what = `${grouped(messages)} ${messages === 1 ? "message" : "messages"}`;
  return topics.length === 0 ? what : `${what} of ${topics.join(", ")}`;
}
