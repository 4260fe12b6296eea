import type { Delivery, Ending, Evidence, Track } from "../evidence.ts";

/** Questions that several checks ask. Where the history leaves a doubt, the answer is the one that blames nobody. */

/** The delivery of a track that the broker made last, of those that were received. */
export function newestOf({ deliveries }: Track): Delivery | undefined {
  return deliveries.at(-1);
}

/** It was confirmed, or it was sent in time and nobody knows. */
export function mayHaveWorked(evidence: Evidence, ending: Ending, until: number): boolean {
  if (ending.outcome !== "info") return ending.outcome === "ok";
  return isBeforeBroker(evidence, ending.operation.invokedAt, until);
}

/** Whether something of ours, begun then, can have reached the broker before this instant of its clock. */
export function isBeforeBroker({ ahead, skew }: Evidence, ours: number, theirs: number): boolean {
  return ours + ahead(ours).least <= theirs + skew;
}

/** Whether the broker's clock can have reached this instant by that moment of ours. */
export function canBeBy({ ahead, skew }: Evidence, theirs: number, ours: number): boolean {
  return theirs - skew <= ours + ahead(ours).most;
}

/** Deliveries that nobody received, between two instants: no more than polls without an answer, and each hides for its time. */
export function mayHaveBeenTaken(evidence: Evidence, { line }: Track, from: number, to: number): number {
  const { settings, skew, ahead } = evidence;
  const polls = line.mayHaveTaken(from - skew - ahead(to).most, to + skew);
  return Math.min(polls, Math.floor((to + ahead(to).most - from + skew) / shortestHiding(line, settings)));
}

function shortestHiding(line: Track["line"], { invisibleForMs }: Evidence["settings"]): number {
  return Math.min(...[...line.modes].map((mode) => invisibleForMs[mode]));
}

/** Whether a message can be out of retries at that moment of ours: its last received delivery, then only lost ones. */
export function mayBeExhausted(evidence: Evidence, track: Track, at: number): boolean {
  const newest = newestOf(track);
  const from = newest?.until ?? Number.NEGATIVE_INFINITY;
  if (!canBeBy(evidence, from, at)) return false;
  const left = 1 + track.line.maxRetries - (newest?.got.c ?? 0);
  if (left <= 0) return true;
  return left <= (newest ? mayHaveBeenTaken(evidence, track, from, at) : track.line.mayHaveTaken(from, at));
}

/** The earliest and latest instant of the broker's clock at which the first check of a half message falls due (TX-3). */
export function firstCheckDue(
  { settings, skew, ahead, toClient }: Evidence,
  { invokedAt, closesAt, immunityMs = 0 }: { invokedAt: number; closesAt: number; immunityMs?: number },
): { readonly earliest: number; readonly latest: number } {
  const base = toClient(0);
  const round = (at: number) =>
    Math.ceil((at + immunityMs - base) / settings.checkRoundedToMs) * settings.checkRoundedToMs + base;
  const from = round(invokedAt + ahead(invokedAt).least - skew);
  return {
    earliest: from,
    latest: Number.isFinite(closesAt) ? round(closesAt + ahead(closesAt).most + skew) : closesAt,
  };
}

export function matches(filter: string, tag: string): boolean {
  if (filter === "*" || filter === "") return true;
  const tags = filter.split("||").map((one) => one.trim());
  return tags.includes("*") || (tag !== "" && tags.includes(tag));
}
