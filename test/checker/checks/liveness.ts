import type { Evidence, Fault, Line, Operation, Poll, Publication } from "../evidence.ts";
import { countBelow } from "../evidence.ts";
import { type Violation, violation } from "../violation.ts";
import { groupBy } from "./group-by.ts";
import { queueOf } from "./queue-of.ts";
import { matches, mayBeExhausted, mayHaveWorked } from "./what-may-be.ts";

const LONGEST_WAIT_MS = 30_000;

/** C14: starts and the drain end in time, no message queue stands still, and a poll is woken by what could answer it. */
export function* liveness(evidence: Evidence): Generator<Violation, void> {
  yield* startsAndDrain(evidence);
  for (const line of evidence.lines) {
    if (evidence.drain?.outcome === "ok" && !line.isHalf) yield* stuckQueues(evidence, line);
    yield* emptyPolls(evidence, line);
  }
}

function* startsAndDrain({ settings, faults, drain, endedAt }: Evidence): Generator<Violation, void> {
  for (const { kind, from, to, operation } of faults) {
    if (kind !== "start" || operation.outcome === "info") continue;
    const took = Math.round(Math.min(to, endedAt) - from);
    if (took > settings.startWithinMs) yield violation("C14", `a start took ${took} ms`, operation);
  }
  if (drain === undefined) return;
  const took = Math.round(Math.min(drain.endedAt, endedAt) - drain.invokedAt);
  if (drain.outcome !== "ok") yield violation("C14", `the drain had no end within ${took} ms`, drain);
  else if (took > settings.drainWithinMs) yield violation("C14", `the drain took ${took} ms`, drain);
}

/** Of a message queue nothing more came to a group, though more than one message waited. */
function* stuckQueues(evidence: Evidence, line: Line): Generator<Violation, void> {
  const { publications, settings, drain } = evidence;
  if (line.filters.size > 1 || settings.retentionMs !== undefined || settings.groups?.[line.group]?.from === "latest")
    return;
  const waiting = groupBy(
    publications.filter((one) => one.topic === line.topic && one.id !== undefined && one.immunityMs === undefined),
    (one) => queueOf(settings, one),
  );
  for (const [queue, all] of waiting) {
    if (queue === undefined) continue;
    const left = all.filter(({ id = "", tag, dueAt }) => {
      if (!matches([...line.filters].join("||"), tag)) return false;
      if (dueAt !== undefined && evidence.toClient(dueAt) + settings.lateMs > (drain?.endedAt ?? 0)) return false;
      const track = line.tracks.get(id);
      if (track === undefined) return !mayBeExhausted(evidence, { id, line, deliveries: [] }, evidence.endedAt);
      const newest = track.deliveries.at(-1);
      const isEnded = track.deliveries.some(({ endings }) => endings.some(({ outcome }) => outcome === "ok"));
      const mayBeEnded = newest?.endings.some((one) => mayHaveWorked(evidence, one, newest.until));
      return !isEnded && !mayBeEnded && !mayBeExhausted(evidence, track, evidence.endedAt);
    });
    const [a, b] = left;
    if (a === undefined || b === undefined) continue;
    // What only got lost has something behind it that came.
    const uids = new Set(left.map(({ uid }) => uid));
    const from = Math.min(...left.map(({ invokedAt }) => invokedAt));
    const isBehind = ({ uid, id = "", invokedAt }: Publication) =>
      invokedAt > from && !uids.has(uid) && line.tracks.has(id);
    if (all.some(isBehind)) continue;
    yield violation("C14", `${line.name}, ${queue} stands still: ${left.length} messages never came to an end`, a, b);
  }
}

/** When something was there for a group, and nobody had it. */
interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly shown: Operation;
}

/** DEL-7: empty only when there was nothing, not before its wait has passed, and not long after. */
function* emptyPolls(evidence: Evidence, line: Line): Generator<Violation, void> {
  const { settings, skew, faults } = evidence;
  const isDisturbed = disturbances(faults);
  const stretches = line.modes.has("ordered") || line.isHalf ? [] : availability(evidence, line);
  const longestBefore = longestOf(stretches);
  const wakesWithin = settings.lateMs + skew;
  const longestToWakeBefore = longestOf(stretches.filter(({ from, to }) => to > from + wakesWithin));
  for (const poll of line.polls) {
    if (poll.outcome !== "ok" || poll.deliveries.length > 0 || isDisturbed(poll)) continue;
    const took = poll.endedAt - poll.invokedAt;
    const wait = Math.min(poll.waitMs, LONGEST_WAIT_MS);
    if (took < wait - skew)
      yield violation("C14", `${line.name} came back empty after ${Math.round(took)} of ${wait} ms`, poll);
    if (took > wait + settings.lateMs + skew)
      yield violation("C14", `${line.name} waited ${Math.round(took)} ms instead of ${wait}`, poll);
    // From begin to end.
    const there = longestBefore(poll.invokedAt);
    if (there && there.to > poll.endedAt + skew && !mayHide(line, there, poll))
      yield violation("C14", `${line.name} came back empty, though something was there`, there.shown, poll);
    // While it certainly waited: since it took longer than its wait, nobody knows when that began.
    const [from, to] = [poll.endedAt - wait, poll.invokedAt + wait];
    const woken = longestToWakeBefore(to - wakesWithin);
    if (to - from > wakesWithin && woken && woken.to > from + wakesWithin && !mayHide(line, woken, poll))
      yield violation("C14", `${line.name} was not woken, though something was there`, woken.shown, poll);
  }
}

/** Of those that begin before an instant, the one that lasts longest. */
function longestOf(stretches: readonly Stretch[]): (before: number) => Stretch | undefined {
  const begins = stretches.map(({ from }) => from);
  const longest: Stretch[] = [];
  for (const [index, stretch] of stretches.entries()) {
    const before = longest[index - 1];
    longest.push(before && before.to > stretch.to ? before : stretch);
  }
  return (before) => longest[countBelow(begins, before) - 1];
}

/** A poll that somebody hung up on may have held it for a while. */
function mayHide(line: Line, { from }: Stretch, { endedAt }: Poll): boolean {
  return line.mayHaveTaken(from, endedAt) > 0;
}

/** For plain polls: a new message from its confirmation on, one that comes again from its NextConsumeTime on, until it is delivered. */
function availability(evidence: Evidence, line: Line): Stretch[] {
  const { publications, toClient, skew, settings, messages, faults } = evidence;
  const stretches: Stretch[] = [];
  if (line.filters.size > 1 || faults.some(({ kind }) => kind === "clock")) return stretches;
  const [filter = "*"] = line.filters;
  for (const { topic, id, uid, tag, dueAt, immunityMs, endedAt } of publications) {
    if (topic !== line.topic || id === undefined || immunityMs !== undefined || !matches(filter, tag)) continue;
    if ((messages.get(uid)?.publications.length ?? 0) > 1) continue;
    const track = line.tracks.get(id);
    if (track === undefined) continue;
    const [first] = track.deliveries;
    // A delayed one is released by a sweep.
    const from = dueAt === undefined ? endedAt : Math.max(endedAt, toClient(dueAt) + settings.lateMs) + skew;
    if (first?.got.c === 1 && first.at > from) stretches.push({ from, to: first.at, shown: first.poll });
    for (const [index, delivery] of track.deliveries.entries()) {
      const next = track.deliveries[index + 1];
      if (next === undefined || next.got.c !== delivery.got.c + 1) continue;
      const free = delivery.until + skew;
      if (next.at > free) stretches.push({ from: free, to: next.at, shown: next.poll });
    }
  }
  const isLate = settings.groups?.[line.group]?.from === "latest" || settings.retentionMs !== undefined;
  return isLate ? [] : stretches.sort((a, b) => a.from - b.from);
}

/** While a fault lasts, and what is near it, nobody is blamed for being slow. */
function disturbances(faults: readonly Fault[]): (poll: Poll) => boolean {
  const spans = faults.filter(({ kind }) => kind !== "clock").toSorted((a, b) => a.from - b.from);
  const begins = spans.map(({ from }) => from);
  const ends: number[] = [];
  for (const { to } of spans) ends.push(Math.max(to, ends.at(-1) ?? 0));
  return (poll) => (ends[countBelow(begins, poll.endedAt) - 1] ?? Number.NEGATIVE_INFINITY) >= poll.invokedAt;
}
