import type { Delivery, Evidence, Line, Message, Publication, Track } from "../evidence.ts";
import { DEAD_LETTERS } from "../history.ts";
import { type Violation, violation } from "../violation.ts";
import { groupBy } from "./group-by.ts";
import { firstCheckDue, matches, mayBeExhausted, mayHaveWorked, newestOf } from "./what-may-be.ts";

/** Sets of messages: what was confirmed came (C1), what came was published (C2), and only where its tag fits (C12). */

/** PUB-1.2, DEL-1.1, TX-2.1: confirmed, or seen by anybody, it comes to every group until it is acknowledged or a dead letter. */
export function* noLoss(evidence: Evidence): Generator<Violation, void> {
  const { drain, messages, lines } = evidence;
  if (drain === undefined) return;
  const linesOf = groupBy(
    lines.filter(({ isHalf }) => !isHalf),
    ({ topic }) => topic,
  );
  for (const message of messages.values()) {
    const [publication] = message.publications;
    if (publication === undefined || message.ids.size === 0) continue;
    const isSure = publication.immunityMs === undefined || isCommitted(evidence, message);
    if (isSure === undefined) {
      const half = `half message ${message.uid} has no outcome, and nobody was asked about it any more`;
      yield violation("C1", half, publication);
    }
    if (!isSure) continue;
    for (const line of linesOf.get(publication.topic) ?? []) {
      if (!mustCome(evidence, line, publication)) continue;
      // Of a message sent twice it is enough that each id that anybody knows came to its end.
      for (const id of message.ids) {
        const track = line.tracks.get(id) ?? { id, line, deliveries: [] };
        const fault = howLost(evidence, track);
        if (fault) yield violation("C1", `${line.name} ${fault} ${message.uid}`, publication, newestOf(track));
      }
    }
  }
}

function howLost(evidence: Evidence, track: Track): string | undefined {
  const { drain, endedAt } = evidence;
  const newest = newestOf(track);
  for (const { endings } of track.deliveries) if (endings.some(({ outcome }) => outcome === "ok")) return undefined;
  // Only of the newest handle can it be unknown: an older one did not work, or it would not have come again.
  if (newest?.endings.some((ending) => mayHaveWorked(evidence, ending, newest.until))) return undefined;
  const end = drain === undefined ? endedAt : Math.min(drain.endedAt, endedAt);
  // DLQ-1: a dead letter keeps its id. Whether it became one too early is C5's.
  const dead = evidence.lines.find(({ topic }) => topic === DEAD_LETTERS + track.line.group);
  if (dead ? dead.tracks.has(track.id) : mayBeExhausted(evidence, track, end)) return undefined;
  return newest === undefined ? "never got" : "never could acknowledge";
}

/** DEL-11, TAG-2, RET-1: whether this group can have no reason not to get it. */
function mustCome(evidence: Evidence, line: Line, { topic, tag, dueAt, invokedAt, closesAt }: Publication): boolean {
  const { settings, endedAt, toClient, drain } = evidence;
  for (const filter of line.filters) if (!matches(filter, tag)) return false;
  const visibleAt = Math.max(invokedAt, dueAt === undefined ? 0 : toClient(dueAt));
  if (settings.retentionMs !== undefined && visibleAt + settings.retentionMs <= endedAt) return false;
  if (visibleAt + settings.lateMs > (drain?.endedAt ?? endedAt)) return false;
  const isLate = settings.groups?.[line.group]?.from === "latest";
  const begins = line.polls.find(({ outcome }) => outcome === "ok");
  return (!isLate || (begins !== undefined && begins.endedAt < closesAt)) && !topic.startsWith(DEAD_LETTERS);
}

/** Undefined: it is still open, though whoever asks was there. False: rolled back, or nobody can know. */
function isCommitted(evidence: Evidence, { publications, ids }: Message): boolean | undefined {
  const { drain, lines, endingsOf, settings, endedAt } = evidence;
  const [publication] = publications;
  if (publication === undefined || publications.length > 1) return false;
  if (isSeen(evidence, ids)) return true;
  const checks = lines.find(({ isHalf, topic }) => isHalf && topic === publication.topic);
  const deliveries = [...ids].flatMap((id) => checks?.tracks.get(id)?.deliveries ?? []);
  const atPublish = endingsOf.get(publication.handle ?? "") ?? [];
  const sure = [...atPublish, ...deliveries.flatMap(({ endings }) => endings)].find(({ outcome }) => outcome === "ok");
  if (sure) return sure.as === "commit";
  if (checks === undefined || drain?.outcome !== "ok") return false;
  // From here on somebody asked until nothing was open any more: an ending without an answer worked, if only one can have.
  const newest = deliveries.at(-1);
  const [endings, until] = newest
    ? [newest.endings, newest.until]
    : [atPublish, firstCheckDue(evidence, publication).latest];
  const possible = endings.filter((ending) => mayHaveWorked(evidence, ending, until));
  if (possible.length > 0) return possible.every(({ as }) => as === "commit");
  return publication.invokedAt + settings.checksForMs < endedAt ? false : undefined;
}

function isSeen({ lines }: Evidence, ids: ReadonlySet<string>): boolean {
  return lines.some(({ isHalf, tracks }) => !isHalf && [...ids].some((id) => tracks.has(id)));
}

/** PUB-3, PUB-5: what comes was published, byte for byte, under one id. */
export function* noGhost(evidence: Evidence): Generator<Violation, void> {
  const { lines, messages } = evidence;
  for (const line of lines) {
    for (const { deliveries } of line.tracks.values()) {
      for (const delivery of deliveries) {
        const fault = howForeign(evidence, delivery);
        if (!fault) continue;
        const sent = messages.get(delivery.got.uid)?.publications[0];
        yield violation("C2", `${line.name} got ${delivery.got.id}, "${delivery.got.uid}", ${fault}`, sent, delivery);
        break;
      }
    }
  }
  for (const { uid, ids, publications } of messages.values()) {
    if (ids.size <= publications.filter(({ outcome }) => outcome !== "fail").length) continue;
    const came = lines.flatMap(({ tracks }) => [...ids].flatMap((id) => tracks.get(id)?.deliveries[0] ?? []));
    yield violation("C2", `${uid} has ${ids.size} ids: ${[...ids].join(", ")}`, ...publications, ...came.slice(0, 2));
  }
}

/** What stands in the way of its being what was published. */
export function howForeign({ messages, uidOf }: Evidence, { got, line }: Delivery): string | undefined {
  const message = messages.get(got.uid);
  if (message === undefined)
    return messages.has(uidOf.get(got.id) ?? "") ? "whose body was another" : "which nobody published";
  const sent = message.publications.find(({ outcome }) => outcome !== "fail");
  if (sent === undefined) return "whose publish was refused";
  if (sent.topic !== line.topic && !line.topic.startsWith(DEAD_LETTERS)) return `which was published to ${sent.topic}`;
  if (sent.sum !== got.sum) return "whose bytes are others";
  if (sent.tag !== got.tag) return `with the tag "${got.tag}" for "${sent.tag}"`;
  if (sent.props !== got.props) return "whose properties are others";
  if (uidOf.get(got.id) !== got.uid) return `whose id was that of ${uidOf.get(got.id)}`;
  return undefined;
}

/** TAG-1, ORD-7: a filter is respected; in an ordered poll, what was delivered once comes again whatever the filter. */
export function* filters({ lines }: Evidence): Generator<Violation, void> {
  for (const line of lines) {
    if (line.filters.size === 1 && line.filters.has("*")) continue;
    for (const { deliveries } of line.tracks.values()) {
      for (const delivery of deliveries) {
        const { poll, got } = delivery;
        if (matches(poll.tag, got.tag) || (poll.sort === "ordered" && got.c > 1)) continue;
        yield violation("C12", `${line.name} asked for "${poll.tag}" and got "${got.tag}", ${got.uid}`, delivery);
        break;
      }
    }
  }
}
