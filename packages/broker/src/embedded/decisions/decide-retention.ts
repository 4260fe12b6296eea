import { BrokerError } from "../../domain/broker-error.ts";
import { grouped } from "../../domain/grouped.ts";
import type { Fact, MessagesDropped, Missed, Position } from "../journal/fact.ts";
import type { SegmentSpan } from "../journal/journal.ts";
import type { LastUses } from "../last-uses.ts";
import type { Ageing } from "../state/ages.ts";
import type { Ledger, TopicState } from "../state/ledger.ts";
import { waitingBefore } from "../state/living.ts";
import type { Context } from "./context.ts";
import { MAX_SWEEP } from "./decide-sweep.ts";
import { DropSlice } from "./drop-slice.ts";
import { newestTooOld } from "./too-old.ts";

/** The steps in which the journal is looked through for what may go. */
const SIZE_STEPS = 1_024;
/** What a message takes in the journal besides its body, in most cases. */
const BESIDE_BODY = 256;

/** A slice of what must go: at most `MAX_SWEEP` facts, and what a `DropSlice` takes. */
export interface Slice {
  readonly facts: readonly Fact[];
  /** Whether nothing is left for the next one. */
  readonly isLast: boolean;
}

/** What a poll of this topic must not be offered (RET-1): it is dropped before, so that gates open with that fact. */
export function decideDropping(ledger: Ledger, topic: TopicState, uses: LastUses, context: Context): Slice {
  const tooOld = newestTooOld(ledger, context);
  const slice = new DropSlice();
  const facts = topic.queues.flatMap((messages, queue) => {
    const upTo = slice.take(topic, queue, messages.firstVisibleAfter(tooOld));
    return upTo > messages.head ? [dropping(topic, { queue, upTo, reason: "age" }, uses, context)] : [];
  });
  return { facts, isLast: !slice.isFull };
}

/** What has grown too old, oldest first. */
export function decideAgeSweep(ledger: Ledger, uses: LastUses, context: Context): Slice {
  const tooOld = newestTooOld(ledger, context);
  const slice = new DropSlice();
  const facts: Fact[] = [];
  for (const ageing of ledger.ages.upTo(tooOld)) {
    if (facts.length === MAX_SWEEP || slice.isFull) return { facts, isLast: false };
    if (ageing.sort === "half") {
      facts.push(...endOf(ageing, context));
      continue;
    }
    const topic = ledger.topicById(ageing.topic);
    const messages = topic?.queues[ageing.queue];
    if (topic === undefined || messages === undefined) continue;
    const { queue } = ageing;
    const upTo = slice.take(topic, queue, messages.firstVisibleAfter(tooOld));
    if (upTo > messages.head) facts.push(dropping(topic, { queue, upTo, reason: "age" }, uses, context));
  }
  return { facts, isLast: !slice.isFull };
}

/** What must go so that the rest fits (RET-1): what came into its message queue before this place, from which the journal is kept. */
export function decideSizeSweep(ledger: Ledger, keptFrom: Position, uses: LastUses, context: Context): Slice {
  const slice = new DropSlice();
  const facts: Fact[] = [];
  for (const topic of ledger.topics()) {
    for (const [queue, messages] of topic.queues.entries()) {
      if (facts.length === MAX_SWEEP || slice.isFull) return { facts, isLast: false };
      const upTo = slice.take(topic, queue, messages.firstJoinedFrom(keptFrom));
      if (upTo > messages.head) facts.push(dropping(topic, { queue, upTo, reason: "size" }, uses, context));
    }
  }
  return { facts, isLast: !slice.isFull };
}

/**
 * From where on the journal fits its size; undefined where all of it does. What may not be dropped is copied forward, and so
 * counts in the size wherever it stands: freeing never counts on it.
 */
export function sizeKeepsFrom(
  ledger: Ledger,
  segments: readonly SegmentSpan[],
  retentionBytes: number | undefined,
): Position | undefined {
  const from = segments[0]?.from ?? 0;
  const to = segments.at(-1)?.to ?? 0;
  if (retentionBytes === undefined || to - from <= retentionBytes) return undefined;
  const step = Math.ceil((to - from) / SIZE_STEPS);
  const heldIn: number[] = [];
  for (const { position, bodyBytes } of waitingBefore(ledger, to)) {
    const index = Math.floor((position - from) / step);
    heldIn[index] = (heldIn[index] ?? 0) + bodyBytes + BESIDE_BODY;
  }
  let heldBefore = 0;
  for (let index = 0; index < SIZE_STEPS; index++) {
    const position = from + index * step;
    if (position >= to || to - position + heldBefore <= retentionBytes) return position;
    heldBefore += heldIn[index] ?? 0;
  }
  return to;
}

/** Refuses a publish where what may not be dropped leaves no room. */
export function checkRoomBySize(heldBytes: number, retentionBytes: number | undefined): void {
  if (retentionBytes === undefined || heldBytes <= retentionBytes) return;
  throw new BrokerError(
    "storage-full",
    `Half messages and messages that are not due yet take ${grouped(heldBytes)} bytes; all messages may take ${grouped(retentionBytes)} (retentionBytes). Nothing was stored.`,
  );
}

/** What the messages take that are not dropped for their size: not due yet, without an outcome, or abandoned. */
export function heldBytes(ledger: Ledger): number {
  let sum = ledger.delayed.bodyBytes + ledger.delayed.count * BESIDE_BODY;
  for (const { half } of ledger.topics()) {
    sum += half.bodyBytes + (half.open.size + half.abandonedCount) * BESIDE_BODY;
  }
  return sum;
}

/** TX-6: what nobody has ever asked about is abandoned; RET-1: what was abandoned is dropped. */
function endOf({ half }: Extract<Ageing, { sort: "half" }>, { moment }: Context): Fact[] {
  const { id, topic, state, until } = half;
  const { now: at, wall } = moment;
  if (state === "abandoned") return [{ kind: "half-message-dropped", id, topic, at }];
  return until <= at ? [{ kind: "transaction-abandoned", id, topic, at, wall }] : [];
}

function dropping(
  topic: TopicState,
  { queue, upTo, reason }: Pick<MessagesDropped, "queue" | "upTo" | "reason">,
  uses: LastUses,
  { moment, settings }: Context,
): MessagesDropped {
  const from = topic.queues[queue]?.head ?? 0;
  const missed: Missed[] = [];
  for (const subscription of topic.subscriptions.values()) {
    // RET-1: a group that has not polled for so long misses nothing.
    if (moment.now - uses.latestAt(subscription, moment.now) > settings.retentionAge) continue;
    const unread = subscription.queue(queue).ready.countBelow(upTo);
    const unacknowledged = countDelivered(subscription.outstandingIn(queue, from, upTo));
    if (unread + unacknowledged > 0) missed.push({ group: subscription.group, unread, unacknowledged });
  }
  return { kind: "messages-dropped", topic: topic.id, queue, from, upTo, reason, missed, at: moment.now };
}

/** What was given back before it counted is unread. */
function countDelivered(outstanding: Iterable<{ readonly attempt: number }>): number {
  let count = 0;
  for (const { attempt } of outstanding) if (attempt > 0) count += 1;
  return count;
}
