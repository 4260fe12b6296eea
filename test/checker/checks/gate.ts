import type { Delivery, Evidence, Line } from "../evidence.ts";
import { type Violation, violation } from "../violation.ts";
import { groupBy } from "./group-by.ts";
import { queueOf } from "./queue-of.ts";
import { inBrokersOrder } from "./shard-order.ts";
import { isBeforeBroker, mayBeExhausted } from "./what-may-be.ts";

/** What one answer held of one message queue. */
type Batch = readonly Delivery[];

/**
 * ORD-2, ORD-3, ORD-5, replayed for each group and message queue in the order of the broker's own instants: while a delivered message has
 * no end nothing newer comes, and then exactly what has none, first, in its order.
 */
export function* gate(evidence: Evidence): Generator<Violation, void> {
  for (const line of evidence.lines) {
    if (line.isHalf || line.modes.has("plain")) continue;
    for (const [queue, batches] of batchesOf(evidence, line))
      yield* replay(evidence, `${line.name}, ${queue}`, batches);
  }
}

function batchesOf({ settings, messages }: Evidence, line: Line): Map<string, Batch[]> {
  const byQueue = new Map<string, Batch[]>();
  for (const { deliveries } of line.polls) {
    const byPoll = groupBy(deliveries, ({ got }) => {
      const publication = messages.get(got.uid)?.publications[0];
      return publication && queueOf(settings, publication);
    });
    for (const [queue, batch] of byPoll) {
      if (queue === undefined) continue;
      const batches = byQueue.get(queue);
      if (batches) batches.push(batch);
      else byQueue.set(queue, [batch]);
    }
  }
  for (const batches of byQueue.values()) batches.sort((a, b) => inBrokersOrder(a[0] as Delivery, b[0] as Delivery));
  return byQueue;
}

function* replay(evidence: Evidence, name: string, batches: readonly Batch[]): Generator<Violation, void> {
  const { skew, settings } = evidence;
  /** What was delivered and need not have ended. */
  const held = new Map<string, Delivery>();
  /** The place in its queue, by the first delivery: nothing comes before what stands in front of it, unless that has ended. */
  const places = new Map<string, number>();
  const placeOf = ({ got }: Delivery) => places.get(got.id) ?? -1;
  /** By id: when something behind it came for the first time, after it had come last. */
  let furthest: Delivery | undefined;
  const newestOfId = new Map<string, Delivery>();

  for (const batch of batches) {
    const [first] = batch;
    if (first === undefined) continue;
    const now = first.at;
    const says = (what: string, ...shown: (Delivery | undefined)[]) => violation("C7", `${name}: ${what}`, ...shown);
    for (const [id, delivery] of held) if (mayHaveEnded(evidence, delivery, now)) held.delete(id);
    const ids = new Set(batch.map(({ got }) => got.id));

    for (const delivery of batch) {
      const { got } = delivery;
      const before = newestOfId.get(got.id);
      if (before === undefined) places.set(got.id, places.size);
      // Something behind it came, so it had ended; and now it comes again.
      else if (
        furthest &&
        furthest.poll !== before.poll &&
        placeOf(furthest) > placeOf(delivery) &&
        furthest.at > before.at
      )
        yield says(`${furthest.got.uid} came while ${got.uid} had no end`, before, furthest, delivery);
    }
    const last = batch.reduce((a, b) => (placeOf(b) > placeOf(a) ? b : a));
    let previous: Delivery | undefined;
    for (const delivery of batch) {
      if (previous && placeOf(delivery) < placeOf(previous))
        yield says(
          `${delivery.got.uid} came behind ${previous.got.uid}`,
          newestOfId.get(delivery.got.id),
          previous,
          delivery,
        );
      previous = delivery;
    }
    for (const open of held.values()) {
      if (ids.has(open.got.id)) continue;
      const isInFlight = open.until > Math.max(...batch.map(({ at }) => at)) + skew;
      if (isInFlight) yield says(`${first.got.uid} came while ${open.got.uid} was in flight`, open, first);
      else if (placeOf(open) < placeOf(last))
        yield says(`${last.got.uid} came, and not ${open.got.uid}, which has no end`, open, last);
    }
    const fresh = batch.find(({ got }) => got.c === 1);
    const again = batch.find(({ got }) => got.c > 1);
    if (fresh && again && settings.retentionMs === undefined)
      yield says(`${fresh.got.uid} joined ${again.got.uid}, which came again`, again, fresh);

    if (furthest === undefined || placeOf(last) >= placeOf(furthest)) furthest = last;
    for (const delivery of batch) {
      held.set(delivery.got.id, delivery);
      newestOfId.set(delivery.got.id, delivery);
    }
  }
}

/** An acknowledgement sent by then that was not refused, its last retry, or its age. */
function mayHaveEnded(evidence: Evidence, delivery: Delivery, now: number): boolean {
  const { settings, skew } = evidence;
  for (const { outcome, operation } of delivery.endings)
    if (outcome !== "refused" && isBeforeBroker(evidence, operation.invokedAt, now)) return true;
  const track = delivery.line.tracks.get(delivery.got.id);
  if (track && delivery.until <= now + skew && mayBeExhausted(evidence, { ...track, deliveries: [delivery] }, now))
    return true;
  return (
    settings.retentionMs !== undefined &&
    delivery.at + settings.retentionMs <= now + skew + settings.invisibleForMs.ordered
  );
}
