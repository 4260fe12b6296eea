import type { Delivery, Ending, Evidence, Publication, Track } from "../evidence.ts";
import { type Violation, violation } from "../violation.ts";
import { canBeBy, firstCheckDue, isBeforeBroker, mayHaveWorked } from "./what-may-be.ts";

/** A half message with its checks and all that was asked for with its handles. */
export interface Half {
  readonly publication: Publication;
  readonly checks: readonly Delivery[];
  readonly endings: readonly Ending[];
  /** What groups got of it. */
  readonly tracks: readonly Track[];
}

export function* halvesOf({ publications, messages, lines, endingsOf }: Evidence): Generator<Half, void> {
  for (const publication of publications) {
    const message = messages.get(publication.uid);
    if (publication.immunityMs === undefined || message?.publications.length !== 1) continue;
    const ids = [...message.ids];
    const tracks = lines
      .filter(({ topic }) => topic === publication.topic)
      .flatMap((line) => ids.flatMap((id) => line.tracks.get(id) ?? []));
    const checks = tracks.filter(({ line }) => line.isHalf).flatMap(({ deliveries }) => deliveries);
    const endings = [
      ...(publication.handle === undefined ? [] : (endingsOf.get(publication.handle) ?? [])),
      ...checks.flatMap((check) => check.endings),
    ].filter(({ as }) => as !== "ack");
    yield { publication, checks, endings, tracks: tracks.filter(({ line }) => !line.isHalf) };
  }
}

/** TX-1.2, TX-5.3: nobody gets it before somebody asked for its commit, and nobody ever after a rollback. */
export function* invisibleHalf(evidence: Evidence): Generator<Violation, void> {
  for (const { publication, endings, tracks, checks } of halvesOf(evidence)) {
    if (tracks.length === 0) continue;
    const { uid } = publication;
    const rollback = endings.find(({ as, outcome }) => as === "rollback" && outcome === "ok");
    const untilOf = new Map(checks.map(({ got, until }) => [got.h, until]));
    const { latest } = firstCheckDue(evidence, publication);
    const commits = endings.filter(
      (one) => one.as === "commit" && mayHaveWorked(evidence, one, untilOf.get(one.handle) ?? latest),
    );
    const askedAt = Math.min(...commits.map(({ operation }) => operation.invokedAt));
    for (const { line, deliveries } of tracks) {
      const [first] = deliveries;
      if (first === undefined) continue;
      if (rollback) {
        yield violation("C8", `${line.name} got ${uid}, which was rolled back`, publication, rollback.operation, first);
      } else if (first.poll.endedAt < askedAt || !isBeforeBroker(evidence, askedAt, first.at)) {
        const what = commits.length === 0 ? "which nobody committed" : "before anybody committed it";
        yield violation("C8", `${line.name} got ${uid}, ${what}`, publication, first, commits[0]?.operation);
      }
    }
  }
}

/** TX-3: the first check not before the immunity has passed, rounded up; the next when the handle ends; none after a day. */
export function* checkTimes(evidence: Evidence): Generator<Violation, void> {
  const { skew, settings } = evidence;
  for (const { publication, checks } of halvesOf(evidence)) {
    const [first] = checks;
    if (first === undefined) continue;
    const { uid } = publication;
    const { earliest, latest } = firstCheckDue(evidence, publication);
    if (first.at < earliest - skew || !canBeBy(evidence, earliest, first.poll.endedAt)) {
      const early = Math.round(earliest - Math.min(first.at, first.poll.endedAt));
      yield violation("C10", `${uid} was asked about ${early} ms before its immunity had passed`, publication, first);
    }
    let before: Delivery | undefined;
    for (const check of checks) {
      if (before && check.at < before.at + settings.invisibleForMs.half - skew) {
        const gap = Math.round(check.at - before.at);
        yield violation("C10", `${uid} was asked about again after ${gap} ms`, before, check);
      }
      before = check;
    }
    const from = first.got.c === 1 ? Math.max(first.at, earliest) : latest;
    if (before && before.at > from + settings.checksForMs + skew)
      yield violation(
        "C10",
        `${uid} was asked about ${Math.round(before.at - from)} ms after its first check`,
        first,
        before,
      );
  }
}

/** DLY-1: never before its time, by the wall clock as it stands. */
export function* delayedInTime(evidence: Evidence): Generator<Violation, void> {
  const { lines, messages, toClient } = evidence;
  for (const line of lines) {
    if (line.isHalf) continue;
    for (const { deliveries } of line.tracks.values()) {
      const [first] = deliveries;
      const publication = first && messages.get(first.got.uid)?.publications[0];
      if (first === undefined || publication?.dueAt === undefined) continue;
      const dueAt = toClient(publication.dueAt);
      const isEarly = first.at < dueAt - evidence.skew && evidence.ahead(first.poll.endedAt).most === 0;
      if (!isEarly && canBeBy(evidence, dueAt, first.poll.endedAt)) continue;
      const early = Math.round(dueAt - Math.min(first.at, first.poll.endedAt));
      yield violation("C11", `${line.name} got ${publication.uid} ${early} ms before its time`, publication, first);
    }
  }
}
