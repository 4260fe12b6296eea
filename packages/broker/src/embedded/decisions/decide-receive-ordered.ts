import type { GroupState } from "../state/ledger.ts";
import type { Outstanding } from "../state/subscription.ts";
import { Batch, type ReceiveDecision } from "./batch.ts";
import { MAX_SWEEP } from "./decide-sweep.ts";
import { Draft } from "./draft.ts";
import { finishScans, invisibilityOf, type Poll, queuesInTurn, scanFilterOf, scanOf } from "./poll.ts";
import type { QueueScan } from "./queue-scan.ts";

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
    const due = endExhausted(poll, queue, group, draft);
    // The rest is left to the sweep, and the queue closed until then.
    if (draft.facts.length >= MAX_SWEEP) break;
    if (due.length > 0) {
      // ORD-3: these alone, and nothing newer joins them.
      for (const outstanding of due) if (!batch.addAgain(outstanding)) break;
      continue;
    }
    const scan = scanOf(poll, queue, filter);
    if (scan === undefined) continue;
    scans.push(scan);
    if (!addInOrder(batch, scan, room)) isFull = true;
  }

  const passed = finishScans(poll, scans, batch);
  return {
    facts: [...draft.facts, ...batch.facts(subscription, true), ...passed.facts],
    picks: batch.picks,
    scans: passed.scans,
    owedToNews: memory.owedToNews,
    isFull,
    isAll: !batch.isFull,
  };
}

/**
 * What of this queue was delivered, has no end yet and is due again, in order. What has no delivery left goes to the dead
 * letters here, so that it is never offered and the queue moves on (DEL-9, ORD-6).
 */
function endExhausted(
  { ledger, subscription }: Poll,
  queue: number,
  group: GroupState | undefined,
  draft: Draft,
): Outstanding[] {
  const delivered = [...subscription.queue(queue).outstanding.values()].filter(({ attempt }) => attempt > 0);
  const due: Outstanding[] = [];
  // ORD-3: the same messages, in the same order. Sorted because a map remembers insertion, not offsets.
  for (const outstanding of delivered.sort((one, other) => one.offset - other.offset)) {
    if (group === undefined || !ledger.isExhausted(outstanding)) due.push(outstanding);
    else if (draft.facts.length < MAX_SWEEP) draft.deadLetter(group, outstanding);
  }
  return due;
}

/** Adds what is new, by offset. False when DEL-15 held some back. */
function addInOrder(batch: Batch, scan: QueueScan, room: number): boolean {
  while (scan.next !== undefined) {
    if (batch.newCount >= room && !batch.isFull) return false;
    if (!batch.addNew(scan.queue, scan.next)) return true;
    scan.take();
  }
  return true;
}
