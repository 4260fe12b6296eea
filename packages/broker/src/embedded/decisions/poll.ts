import type { TagFilter } from "../../domain/tag-filter.ts";
import type { ReceiveRequest } from "../../engine/engine.ts";
import type { MessagesPassedOver } from "../journal/fact.ts";
import type { PollMemory, Scan } from "../poll-memory.ts";
import type { Ledger, TopicState } from "../state/ledger.ts";
import type { Subscription } from "../state/subscription.ts";
import type { TagSet } from "../state/tag-set.ts";
import type { Batch, Invisibility } from "./batch.ts";
import type { Context } from "./context.ts";
import { QueueScan, type ScanFilter } from "./queue-scan.ts";
import { holdsTooOld, newestTooOld } from "./too-old.ts";

/** One poll, as both sorts of receive decision look at it. */
export interface Poll {
  readonly ledger: Ledger;
  readonly topic: TopicState;
  readonly subscription: Subscription;
  readonly request: ReceiveRequest;
  readonly filter: TagFilter;
  readonly memory: PollMemory;
  /** What any of these filters wants; undefined for everything. */
  readonly tagSetOf: (...filters: readonly TagFilter[]) => TagSet | undefined;
  readonly context: Context;
}

/** The topic's message queues, beginning with the one whose turn it is (ORD-4); but for those where something too old is left (RET-1). */
export function queuesInTurn({ ledger, topic, memory, context }: Poll): number[] {
  const tooOld = newestTooOld(ledger, context);
  const count = topic.queues.length;
  const inTurn = Array.from({ length: count }, (_, index) => (memory.turn + index) % count);
  return inTurn.filter((queue) => {
    const messages = topic.queues[queue];
    return messages !== undefined && !holdsTooOld(messages, tooOld);
  });
}

export function invisibilityOf(poll: Poll): Invisibility {
  const { ledger, topic, subscription, request, context } = poll;
  const { settings } = context;
  const own = ledger.groupById(subscription.group)?.settings;
  const usualFor =
    request.mode === "ordered"
      ? (own?.orderedInvisibleFor ?? settings.orderedInvisibleFor)
      : (own?.invisibleFor ?? settings.invisibleFor);
  return {
    usualFor: request.invisibleFor ?? usualFor,
    blockedFor: settings.blockedInvisibleFor,
    maxAttempts: ledger.maxAttempts(topic.id, subscription.group),
  };
}

/** Whom a message must suit. An ordered poll passes over whatever it does not want itself (ORD-7). */
export function scanFilterOf(poll: Poll): ScanFilter {
  const { filter, memory, request, tagSetOf, context } = poll;
  const others = request.mode === "ordered" ? [] : memory.otherFilters(filter, context.moment.now);
  return { filter, wanted: tagSetOf(filter), wantedByOthers: tagSetOf(...others) };
}

export function scanOf(poll: Poll, queue: number, filter: ScanFilter): QueueScan | undefined {
  const messages = poll.topic.queues[queue];
  if (messages === undefined) return undefined;
  return new QueueScan(queue, messages, poll.subscription.queue(queue).ready, filter, poll.memory);
}

/** What the scans of one poll found to pass over, as facts where it is time to write them down (TAG-2). */
export function finishScans(
  poll: Poll,
  scans: readonly QueueScan[],
  { picks, isFull }: Batch,
): { facts: MessagesPassedOver[]; scans: Scan[] } {
  const { topic, group } = poll.subscription;
  const delivered = new Set(picks.map(({ queue }) => queue));
  const facts: MessagesPassedOver[] = [];
  const seen: Scan[] = [];
  for (const each of scans) {
    const { scan, ranges } = each.finish(delivered.has(each.queue), !isFull, poll.memory);
    seen.push(scan);
    if (ranges.length > 0) facts.push({ kind: "messages-passed-over", topic, group, queue: each.queue, ranges });
  }
  return { facts, scans: seen };
}

export function matchesTag({ topic }: Poll, queue: number, offset: number, wanted: TagSet | undefined): boolean {
  return wanted === undefined || (topic.queues[queue]?.hasOneOf(wanted, offset) ?? false);
}
