import type { Outstanding } from "../state/subscription.ts";
import { Batch, type ReceiveDecision } from "./batch.ts";
import { finishScans, invisibilityOf, matchesTag, type Poll, queuesInTurn, scanFilterOf, scanOf } from "./poll.ts";
import type { QueueScan } from "./queue-scan.ts";

const PLACES = 4;

/** A plain poll: what is due again first, then what is new, and some of each when there is much of both (DEL-12). */
export function decideReceiveConcurrent(poll: Poll): ReceiveDecision {
  const { subscription, topic, request, memory, context } = poll;
  const { settings, moment } = context;
  const filter = scanFilterOf(poll);
  const batch = new Batch(topic, request.maxMessages, invisibilityOf(poll), context);
  // ORD-8: a queue held by an ordered batch is passed by.
  const open = queuesInTurn(poll).filter((queue) => !subscription.isHeld(queue, moment.now));
  const retries = retriesOf(poll, new Set(open))[Symbol.iterator]();
  const scans: QueueScan[] = [];
  const room = settings.maxOutstanding - subscription.outstandingCount;
  let owedToNews = memory.owedToNews;

  const nextRetry = (): Outstanding | undefined => retries.next().value ?? undefined;
  const nextScan = (): QueueScan | undefined => {
    for (let last = scans.at(-1); last?.next === undefined; last = scans.at(-1)) {
      const queue = open[scans.length];
      const scan = queue === undefined ? undefined : scanOf(poll, queue, filter);
      if (scan === undefined) return undefined;
      scans.push(scan);
    }
    return scans.at(-1);
  };

  let retry = nextRetry();
  const nothingDueBy =
    retry === undefined && open.length === topic.queues.length ? subscription.waiting.arrivals : undefined;
  while (!batch.isFull) {
    const scan = batch.newCount < room ? nextScan() : undefined;
    // DEL-12: each place for a retry earns the new ones their share of four; a place of theirs costs what is left of four.
    const isNewsTurn = scan !== undefined && owedToNews >= PLACES - settings.newShare;
    if (retry !== undefined && !isNewsTurn) {
      if (!batch.addAgain(retry)) break;
      owedToNews = scan === undefined ? 0 : owedToNews + settings.newShare;
      retry = nextRetry();
    } else if (scan?.next !== undefined) {
      if (!batch.addNew(scan.queue, scan.next)) break;
      scan.take();
      owedToNews = retry === undefined ? 0 : owedToNews - (PLACES - settings.newShare);
    } else {
      break;
    }
  }

  // DEL-15: only where there is something that it holds back.
  const isFull = batch.newCount >= room && !batch.isFull && nextScan() !== undefined;
  const { facts, scans: seen } = finishScans(poll, scans, batch);
  return {
    facts: [...batch.facts(subscription, false), ...facts],
    picks: batch.picks,
    scans: seen,
    owedToNews,
    ...(nothingDueBy === undefined ? {} : { nothingDueBy }),
    isFull,
    isAll: !batch.isFull,
  };
}

/** What is due again and matches, oldest due first. What was delivered once waits for a poll that matches (TAG-2). */
function* retriesOf(poll: Poll, open: ReadonlySet<number>): Generator<Outstanding> {
  if (open.size === 0) return;
  // However much is due that others want: it is looked through once, not at every look.
  if (poll.memory.nothingDueBy(poll.filter) === poll.subscription.waiting.arrivals) return;
  const wanted = poll.tagSetOf(poll.filter);
  for (const outstanding of poll.subscription.waiting.due()) {
    if (open.has(outstanding.queue) && matchesTag(poll, outstanding.queue, outstanding.offset, wanted))
      yield outstanding;
  }
}
