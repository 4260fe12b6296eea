import type { Offset } from "../journal/fact.ts";
import type { OffsetRange } from "../poll-memory.ts";
import type { GroupState } from "../state/ledger.ts";
import type { Outstanding } from "../state/subscription.ts";
import { Batch, type ReceiveDecision } from "./batch.ts";
import { Draft } from "./draft.ts";
import { finishScans, invisibilityOf, matchesTag, type Poll, queuesInTurn, scanFilterOf, scanOf } from "./poll.ts";
import type { QueueScan, ScanFilter } from "./queue-scan.ts";

/** An ordered poll: from each open message queue in turn what comes next there (ORD-2, ORD-3, ORD-4, ORD-8). */
export function decideReceiveOrdered(poll: Poll): ReceiveDecision {
  const { ledger, subscription, topic, request, memory, context } = poll;
  const { now } = context.moment;
  const group = ledger.groupById(subscription.group);
  const filter = scanFilterOf(poll);
  const batch = new Batch(topic, request.maxMessages, invisibilityOf(poll), context);
  const draft = new Draft(ledger, context.moment);
  const scans: QueueScan[] = [];
  const room = context.settings.maxOutstanding - subscription.outstandingCount;
  let isFull = false;

  for (const queue of queuesInTurn(poll)) {
    if (batch.isFull) break;
    // ORD-2, ORD-8: a queue with anything in flight is closed, whoever took it.
    if (subscription.hasInFlight(queue, now)) continue;
    const { due, returned } = endExhausted(poll, queue, group, draft);
    if (due.length > 0) {
      // ORD-3: these alone, and nothing newer joins them.
      for (const outstanding of due) if (!batch.addAgain(outstanding)) break;
      continue;
    }
    const scan = scanOf(poll, queue, filter);
    if (scan === undefined) continue;
    scans.push(scan);
    if (!addInOrder(batch, keepMatching(poll, returned, filter, draft), scan, room)) isFull = true;
  }

  const passed = finishScans(poll, scans, new Set(batch.picks.map(({ queue }) => queue)));
  return {
    facts: [...draft.facts, ...batch.facts(subscription, true), ...passed.facts],
    picks: batch.picks,
    scans: passed.scans,
    retriesInARow: memory.retriesInARow,
    isFull,
  };
}

/**
 * What of this queue has no end yet, in order: due again, or given back before it counted. What has no delivery left goes to
 * the dead letters here, so that it is never offered and the queue moves on (DEL-9, ORD-6).
 */
function endExhausted(
  { ledger, subscription }: Poll,
  queue: number,
  group: GroupState | undefined,
  draft: Draft,
): { due: Outstanding[]; returned: Outstanding[] } {
  // ORD-3: the same messages, in the same order. Sorted because a map remembers insertion, not offsets.
  const all = [...subscription.queue(queue).outstanding.values()].sort((one, other) => one.offset - other.offset);
  const due: Outstanding[] = [];
  const returned: Outstanding[] = [];
  for (const outstanding of all) {
    if (group !== undefined && ledger.isExhausted(outstanding)) draft.deadLetter(group, outstanding);
    else (outstanding.attempt === 0 ? returned : due).push(outstanding);
  }
  return { due, returned };
}

/** ORD-7: a message that does not match never blocks; one given back was never delivered, so it is passed over as a new one. */
function keepMatching(poll: Poll, returned: Outstanding[], filter: ScanFilter, draft: Draft): Outstanding[] {
  const kept: Outstanding[] = [];
  const passedOver = new Map<number, OffsetRange[]>();
  for (const outstanding of returned) {
    const { queue, offset } = outstanding;
    if (matchesTag(poll, queue, offset, filter.wanted)) kept.push(outstanding);
    else passedOver.set(queue, [...(passedOver.get(queue) ?? []), [offset, offset + 1]]);
  }
  const { topic, group } = poll.subscription;
  for (const [queue, ranges] of passedOver) draft.add({ kind: "messages-passed-over", topic, group, queue, ranges });
  return kept;
}

/** Adds what was given back and what is new, by offset. False when DEL-15 held new ones back. */
function addInOrder(batch: Batch, returned: Outstanding[], scan: QueueScan, room: number): boolean {
  const offsetOf = (next: Offset | undefined): Offset => next ?? Number.POSITIVE_INFINITY;
  for (;;) {
    const again = returned[0];
    if (again === undefined && scan.next === undefined) return true;
    if (again !== undefined && again.offset < offsetOf(scan.next)) {
      if (!batch.addAgain(again)) return true;
      returned.shift();
    } else if (scan.next !== undefined) {
      if (batch.picks.length >= room && !batch.isFull) return false;
      if (!batch.addNew(scan.queue, scan.next)) return true;
      scan.take();
    }
  }
}
