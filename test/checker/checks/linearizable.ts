import type { Delivery, Ending, Evidence, Operation, Publication, Track } from "../evidence.ts";
import { type Property, type Violation, violation } from "../violation.ts";
import { type Half, halvesOf } from "./transactions.ts";
import { firstCheckDue, mayHaveBeenTaken } from "./what-may-be.ts";

/**
 * C13 and C9: each message in each group, and each half message, is an object of its own with states ready, in flight (under a handle) and
 * ended. Wing and Gong's search looks for one order of the operations that respects who was finished before whom, in which each is given
 * an instant between its begin and its end and the broker's answers are those of a right broker.
 */

interface Step {
  readonly operation: Operation;
  /** It has no answer, so it may as well never have taken effect. */
  readonly isOptional: boolean;
  /** A delivery, or what was asked for with the handle of one; -1: with the handle of the publish. */
  readonly delivery: number;
  readonly as: "deliver" | "ack" | "commit" | "rollback";
  readonly isRefused: boolean;
}

interface State {
  /** The instant of the last step, of the clients' clock. */
  readonly now: number;
  /** Whose handle is the newest. -2: nobody's. */
  readonly holder: number;
  readonly ended: "no" | "ack" | "commit" | "rollback";
  readonly endedBy: number;
}

interface Subject {
  readonly evidence: Evidence;
  readonly steps: readonly Step[];
  readonly deliveries: readonly Delivery[];
  readonly initial: State;
  /** Of what was given with the publish. */
  readonly publishUntil: { readonly earliest: number; readonly latest: number };
  readonly track: Track | undefined;
}

/** A search that takes longer is given up, and blames nobody. */
const MOST_STATES = 20_000;

export function* linearizable(evidence: Evidence): Generator<Violation, void> {
  for (const line of evidence.lines) {
    if (line.isHalf) continue;
    for (const track of line.tracks.values()) {
      const { deliveries } = track;
      const subject: Subject = {
        evidence,
        steps: stepsOf(deliveries, (one) => one.as === "ack" && one.group === line.group && one.topic === line.topic),
        deliveries,
        initial: { now: Number.NEGATIVE_INFINITY, holder: -2, ended: "no", endedBy: -2 },
        publishUntil: { earliest: 0, latest: 0 },
        track,
      };
      yield* judged(subject, "C13", `${line.name}, ${deliveries[0]?.got.uid}`);
    }
  }
}

export function* singleOutcome(evidence: Evidence): Generator<Violation, void> {
  for (const half of halvesOf(evidence)) {
    const { publication, endings } = half;
    const ended = (as: Ending["as"]) => endings.find((one) => one.as === as && one.outcome === "ok");
    const [commit, rollback] = [ended("commit"), ended("rollback")];
    if (commit && rollback) {
      const what = `${publication.uid} was committed and rolled back`;
      yield violation("C9", what, publication, commit.operation, rollback.operation);
    } else yield* judged(halfSubject(evidence, half), "C9", publication.uid, publication);
  }
}

function halfSubject(evidence: Evidence, { publication, checks, endings }: Half): Subject {
  const fromChecks = stepsOf(checks, ({ as, topic }) => as !== "ack" && topic === publication.topic);
  const fromPublish = endings.filter(({ handle }) => handle === publication.handle).map((one) => endingStep(one, -1));
  const [first] = checks;
  return {
    evidence,
    steps: [...fromPublish, ...fromChecks].sort((a, b) => a.operation.invokedAt - b.operation.invokedAt),
    deliveries: checks,
    initial: { now: Number.NEGATIVE_INFINITY, holder: -1, ended: "no", endedBy: -2 },
    publishUntil: firstCheckDue(evidence, publication),
    track: first?.line.tracks.get(first.got.id),
  };
}

function stepsOf(deliveries: readonly Delivery[], isOurs: (ending: Ending) => boolean): Step[] {
  const steps: Step[] = [];
  for (const [delivery, { poll, endings }] of deliveries.entries()) {
    steps.push({ operation: poll, isOptional: false, delivery, as: "deliver", isRefused: false });
    for (const ending of endings) if (isOurs(ending)) steps.push(endingStep(ending, delivery));
  }
  return steps.sort((a, b) => a.operation.invokedAt - b.operation.invokedAt);
}

function endingStep({ operation, outcome, as }: Ending, delivery: number): Step {
  return { operation, isOptional: outcome === "info", delivery, as, isRefused: outcome === "refused" };
}

function* judged(
  subject: Subject,
  property: Property,
  name: string,
  publication?: Publication,
): Generator<Violation, void> {
  const { steps, deliveries } = subject;
  if (steps.length === 0 || hasOrder(subject)) return;
  // The shortest beginning that is wrong by itself: what came later explains nothing.
  let wrong = steps.length;
  for (let length = 1; length < steps.length; length++) {
    if (hasOrder({ ...subject, steps: steps.slice(0, length) })) continue;
    wrong = length;
    break;
  }
  const shown = steps
    .slice(0, wrong)
    .map(({ as, delivery, operation }) => (as === "deliver" ? deliveries[delivery] : operation));
  const last = steps[wrong - 1];
  const what = last?.as === "deliver" ? "a delivery" : `${last?.isRefused ? "a refused" : "a"} ${last?.as}`;
  yield violation(property, `${name}: no order of ${wrong} steps explains ${what}`, publication, ...shown);
}

function hasOrder(subject: Subject): boolean {
  const { steps } = subject;
  const isDone = new Uint8Array(steps.length);
  const seen = new Set<string>();
  const search = (state: State, left: number): boolean => {
    if (left === 0) return true;
    let mustEndAt = Number.POSITIVE_INFINITY;
    let candidates = 0;
    for (const [index, { operation, isOptional }] of steps.entries()) {
      if (isDone[index] || isOptional) continue;
      mustEndAt = Math.min(mustEndAt, operation.closesAt);
    }
    for (const [index, { operation }] of steps.entries()) {
      if (operation.invokedAt > mustEndAt) break;
      if (!isDone[index]) candidates += 1;
    }
    if (candidates > 1) {
      const key = `${isDone.join("")} ${state.holder} ${state.ended} ${state.endedBy} ${state.now}`;
      if (seen.has(key)) return false;
      seen.add(key);
      if (seen.size > MOST_STATES) return true;
    }
    for (const [index, step] of steps.entries()) {
      if (step.operation.invokedAt > mustEndAt) break;
      if (isDone[index]) continue;
      const next = take(subject, state, step);
      if (next === undefined) continue;
      isDone[index] = 1;
      if (search(next, left - (step.isOptional ? 0 : 1))) return true;
      isDone[index] = 0;
    }
    return false;
  };
  return search(subject.initial, steps.filter(({ isOptional }) => !isOptional).length);
}

/** The state after a step taken as early as can be: what comes later can wait, never go back. Undefined: it cannot be now. */
function take(subject: Subject, state: State, step: Step): State | undefined {
  const { skew, ahead } = subject.evidence;
  const { operation, as, delivery, isRefused } = step;
  const { least, most } = ahead(Math.min(operation.closesAt, subject.evidence.endedAt));
  /** As the broker's clock may read, at the earliest and the latest. */
  const from = Math.max(state.now, operation.invokedAt + least - skew);
  const to = operation.closesAt + most + skew;
  if (from > to) return undefined;
  if (as === "deliver") return deliver(subject, state, delivery, from, to);

  const until = endOf(subject, delivery);
  const isInTime = state.holder === delivery && from < until.latest + skew;
  const isRepeated = state.ended === as && state.endedBy === delivery && from < until.latest + skew;
  if (!isRefused) {
    if (state.ended === "no" && isInTime) return { ...state, now: from, ended: as, endedBy: delivery };
    return isRepeated ? { ...state, now: from } : undefined;
  }
  const isOver = state.holder !== delivery || (state.ended !== "no" && state.ended !== as);
  if (isOver) return { ...state, now: from };
  const late = Math.max(from, until.earliest - skew);
  return late <= to ? { ...state, now: late } : undefined;
}

function deliver(subject: Subject, state: State, index: number, from: number, to: number): State | undefined {
  const { deliveries, evidence, track } = subject;
  const delivery = deliveries[index];
  if (delivery === undefined || track === undefined || state.ended !== "no") return undefined;
  const before = deliveries[state.holder];
  const lost = delivery.got.c - (before?.got.c ?? 0) - 1;
  const isFirst = state.holder < 0;
  if (lost < 0 || delivery.at > to) return undefined;
  const free = isFirst
    ? state.holder === -1
      ? subject.publishUntil.earliest
      : Number.NEGATIVE_INFINITY
    : endOf(subject, state.holder).earliest;
  const now = Math.max(from, delivery.at - evidence.skew);
  if (now > delivery.at + evidence.skew || free > delivery.at + evidence.skew) return undefined;
  if (
    lost > 0 &&
    !isFirst &&
    lost > mayHaveBeenTaken(evidence, track, free, Math.max(delivery.at, delivery.poll.endedAt))
  )
    return undefined;
  return { ...state, now, holder: index };
}

function endOf(
  { publishUntil, deliveries }: Subject,
  delivery: number,
): { readonly earliest: number; readonly latest: number } {
  if (delivery < 0) return publishUntil;
  const until = deliveries[delivery]?.until ?? 0;
  return { earliest: until, latest: until };
}
