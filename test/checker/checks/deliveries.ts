import type { Delivery, Evidence, Line, Track } from "../evidence.ts";
import { DEAD_LETTERS } from "../history.ts";
import { type Violation, violation } from "../violation.ts";
import { canBeBy, firstCheckDue, isBeforeBroker, mayBeExhausted, mayHaveBeenTaken, newestOf } from "./what-may-be.ts";

/** The deliveries of one message to one group: C3, C4, C5. */

function* tracksOf({ lines }: Evidence): Generator<readonly [Line, Track], void> {
  for (const line of lines) for (const track of line.tracks.values()) yield [line, track];
}

/** DEL-10.1, ORD-3.4, TX-5.2: what was ended, and confirmed so, never comes again. */
export function* endedStaysEnded(evidence: Evidence): Generator<Violation, void> {
  const { skew, ahead, publications, endingsOf, lines } = evidence;
  for (const [line, { deliveries }] of tracksOf(evidence)) {
    for (const [index, delivery] of deliveries.entries()) {
      const ending = delivery.endings.find(({ outcome }) => outcome === "ok");
      if (ending === undefined) continue;
      // DEL-5: it was the newest, so a higher count came later.
      const later = deliveries.slice(index + 1).find(({ got }) => got.c > delivery.got.c);
      const endedAt = ending.operation.endedAt;
      const again =
        later ?? deliveries.find((one) => one !== delivery && one.at > endedAt + ahead(endedAt).most + skew);
      if (again === undefined) continue;
      const what = `${line.name} got ${delivery.got.uid} again after it was ended`;
      yield violation("C3", what, delivery, ending.operation, again);
      break;
    }
  }
  for (const { handle, topic, uid, id = "" } of publications) {
    if (handle === undefined) continue;
    const ending = endingsOf.get(handle)?.find(({ outcome }) => outcome === "ok");
    const checks = ending && lines.find((line) => line.isHalf && line.topic === topic);
    const check = checks?.tracks.get(id)?.deliveries[0];
    // The handle of the publish ends before the first check.
    if (ending && check) yield violation("C3", `${uid} was asked about after its end`, ending.operation, check);
  }
}

/** DEL-3, DEL-5, DEL-10.2, DEL-14: NextConsumeTime is a delivery's own and holds; a handle is good until then, and not after. */
export function* timesAndHandles(evidence: Evidence): Generator<Violation, void> {
  const { skew, ahead, deliveryOf, halfOf, endingsOf, publications } = evidence;
  for (const [line, { deliveries }] of tracksOf(evidence)) {
    let before: Delivery | undefined;
    for (const delivery of deliveries) {
      const { poll, got, at, until } = delivery;
      const isOwn = isBeforeBroker(evidence, poll.invokedAt, at) && canBeBy(evidence, at, poll.endedAt);
      if (!isOwn) yield violation("C4", `${line.name} got ${got.uid} with a NextConsumeTime not its own`, delivery);
      if (before !== undefined && (at < before.until - skew || !canBeBy(evidence, before.until, poll.endedAt))) {
        const early = Math.round(before.until - Math.min(at, poll.endedAt));
        yield violation("C4", `${line.name} got ${got.uid} ${early} ms too early`, before, delivery);
      }
      if (deliveryOf.get(got.h) !== delivery) {
        const what = `${line.name} got a handle of ${got.uid} that was given before`;
        yield violation("C4", what, deliveryOf.get(got.h), delivery);
      }
      for (const { outcome, operation, topic, group, as } of delivery.endings) {
        const isFitting = topic === line.topic && (line.isHalf ? as !== "ack" : as === "ack" && group === line.group);
        if (outcome === "ok" && !isFitting)
          yield violation(
            "C4",
            `a handle of ${line.name} was good for ${as} by ${group} on ${topic}`,
            delivery,
            operation,
          );
        if (outcome === "ok" && !isBeforeBroker(evidence, operation.invokedAt, until))
          yield violation("C4", `${line.name}: a handle of ${got.uid} was good after its time`, delivery, operation);
        // Whether a transaction had ended otherwise is C9's.
        if (
          outcome === "refused" &&
          isFitting &&
          !line.isHalf &&
          operation.endedAt + ahead(operation.endedAt).most < until - skew
        )
          yield violation("C4", `${line.name}: a handle of ${got.uid} was refused in time`, delivery, operation);
      }
      before = delivery;
    }
  }
  for (const publication of publications) {
    const endings = publication.handle === undefined ? [] : (endingsOf.get(publication.handle) ?? []);
    for (const { outcome, operation, topic, as } of endings) {
      if (outcome !== "ok") continue;
      const { latest } = firstCheckDue(evidence, publication);
      const isFitting = topic === publication.topic && as !== "ack";
      if (!isFitting || !isBeforeBroker(evidence, operation.invokedAt, latest))
        yield violation(
          "C4",
          `the handle of half message ${publication.uid} was good for ${as} on ${topic} after its time`,
          publication,
          operation,
        );
    }
  }
  for (const [handle, endings] of endingsOf) {
    if (deliveryOf.has(handle) || halfOf.has(handle)) continue;
    const forged = endings.find(({ outcome }) => outcome === "ok");
    if (forged) yield violation("C4", `a handle was good that nobody was given: ${handle}`, forged.operation);
  }
}

/** DEL-4, DEL-9, DLQ-1: each delivery counts one more, those included that nobody received; after the last, one dead letter. */
export function* attempts(evidence: Evidence): Generator<Violation, void> {
  const { skew, publications, messages } = evidence;
  const half = new Map(publications.map((one) => [one.uid, one]));
  for (const [line, track] of tracksOf(evidence)) {
    const { deliveries } = track;
    let before: Delivery | undefined;
    for (const delivery of deliveries) {
      const { got, at, poll } = delivery;
      const step = got.c - (before?.got.c ?? 0);
      const says = `${line.name} got ${got.uid} with ConsumedTimes ${got.c} after ${before?.got.c ?? "none"}`;
      const sent = half.get(got.uid);
      const from =
        before?.until ?? (line.isHalf && sent ? firstCheckDue(evidence, sent).earliest : (sent?.invokedAt ?? at));
      if (step < 1) yield violation("C5", says, before, delivery);
      else if (step > 1 && step - 1 > mayHaveBeenTaken(evidence, track, from, Math.max(at, poll.endedAt)))
        yield violation("C5", `${says}, and no more answers were lost`, before, delivery);
      if (before !== undefined && before.got.first !== got.first)
        yield violation("C5", `${line.name} got ${got.uid} with another FirstConsumeTime`, before, delivery);
      const firstAt = evidence.toClient(got.first);
      if (!line.isHalf && (got.c === 1 ? Math.abs(firstAt - at) > skew : firstAt > at + skew))
        yield violation("C5", `${line.name} got ${got.uid} with a FirstConsumeTime that was not its first`, delivery);
      before = delivery;
    }
    const last = newestOf(track);
    // DLQ-4: the dead letters come again and again.
    const isDead = line.topic.startsWith(DEAD_LETTERS);
    if (last && !line.isHalf && !isDead && last.got.c > 1 + line.maxRetries)
      yield violation(
        "C5",
        `${line.name} got ${last.got.uid} ${last.got.c} times, with ${line.maxRetries} retries`,
        last,
      );
    if (isDead && deliveries[0]) yield* deadLetter(evidence, deliveries[0]);
  }
  for (const line of evidence.lines.filter(({ topic }) => topic.startsWith(DEAD_LETTERS))) {
    const idOf = new Map<string, Delivery>();
    for (const { deliveries } of line.tracks.values()) {
      const [first] = deliveries;
      if (first === undefined || !messages.has(first.got.uid)) continue;
      const other = idOf.get(first.got.uid);
      if (other && (messages.get(first.got.uid)?.publications.length ?? 0) < 2)
        yield violation("C5", `${first.got.uid} is twice among the dead letters`, other, first);
      idOf.set(first.got.uid, first);
    }
  }
}

/** DLQ-1, DEL-9: only what its group could not acknowledge in all its attempts. */
function* deadLetter(evidence: Evidence, dead: Delivery): Generator<Violation, void> {
  const group = dead.line.topic.slice(DEAD_LETTERS.length);
  const lines = evidence.lines.filter((line) => line.group === group && !line.topic.startsWith(DEAD_LETTERS));
  const tracks = lines.flatMap((line) => line.tracks.get(dead.got.id) ?? []);
  const acknowledged = tracks
    .flatMap(({ deliveries }) => deliveries)
    .find(({ endings }) => endings.some(({ outcome }) => outcome === "ok"));
  const { uid } = dead.got;
  if (acknowledged) {
    const ending = acknowledged.endings.find(({ outcome }) => outcome === "ok");
    yield violation(
      "C5",
      `${uid} was acknowledged by ${group}, and is a dead letter`,
      acknowledged,
      ending?.operation,
      dead,
    );
  }
  const [only] = tracks;
  if (only && !mayBeExhausted(evidence, only, dead.poll.endedAt))
    yield violation(
      "C5",
      `${uid} is a dead letter after ${newestOf(only)?.got.c} deliveries to ${group}`,
      newestOf(only),
      dead,
    );
}
