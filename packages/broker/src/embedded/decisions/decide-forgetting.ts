import { deadLetterTopicOf } from "../../domain/names.ts";
import type { EpochMs } from "../../domain/time.ts";
import type { Fact } from "../journal/fact.ts";
import type { LastUses } from "../last-uses.ts";
import type { GroupState, Ledger, TopicState } from "../state/ledger.ts";
import type { Subscription } from "../state/subscription.ts";
import type { Context } from "./context.ts";
import { MAX_SWEEP } from "./decide-sweep.ts";

export interface ForgettingDecision {
  readonly facts: readonly Fact[];
  /** When to look again: before then nothing more can be forgotten, or it can wait. */
  readonly lookAgainAt: EpochMs;
}

/** How much of the retention what is idle, but still holds something, waits to be looked at again. */
const PATIENCE = 1 / 72;
const SECOND = 1_000;

/** GRP-1: topics and groups that were made by use, are idle for the retention, and would be made again as they are. */
export function decideForgetting(ledger: Ledger, uses: LastUses, context: Context): ForgettingDecision {
  const { moment, settings } = context;
  const { now } = moment;
  const facts: Fact[] = [];
  let lookAgainAt = now + settings.retentionAge;
  const isIdle = (owner: TopicState | GroupState): boolean => {
    if (owner.origin !== "use") return false;
    const idleAt = uses.latestAt(owner, now) + settings.retentionAge;
    const lookAt = idleAt > now ? idleAt : now + Math.ceil(settings.retentionAge * PATIENCE);
    lookAgainAt = Math.min(lookAgainAt, Math.max(lookAt, now + SECOND));
    return idleAt <= now;
  };
  const add = (fact: Fact): void => {
    if (facts.length < MAX_SWEEP) facts.push(fact);
    else lookAgainAt = now;
  };

  for (const topic of ledger.topics()) {
    if (isIdle(topic) && isForgettableTopic(ledger, topic, now)) {
      add({ kind: "topic-forgotten", topic: topic.id, ref: topic.ref, at: now });
    }
  }
  for (const group of ledger.groups()) {
    if (isIdle(group) && isForgettableGroup(ledger, group, context)) {
      add({ kind: "group-forgotten", group: group.id, ref: group.ref, at: now });
    }
  }
  return { facts, lookAgainAt };
}

/** Nothing in it, nothing in flight from it, and no dead letter that names it as its origin. */
function isForgettableTopic(ledger: Ledger, topic: TopicState, now: EpochMs): boolean {
  return (
    topic.queues.every(({ count }) => count === 0) &&
    ledger.delayed.countOf(topic.id) === 0 &&
    topic.half.isOver(now) &&
    [...topic.subscriptions.values()].every((subscription) => {
      const group = ledger.groupById(subscription.group);
      const mayBeOrigin = subscription.deadLettered > 0 && group !== undefined && hasDeadLetters(ledger, group);
      return subscription.isOver(now) && !mayBeOrigin;
    })
  );
}

/** Nothing in flight, no dead letter, and nothing that it has read and would read again. */
function isForgettableGroup(ledger: Ledger, group: GroupState, { moment, settings }: Context): boolean {
  if (hasDeadLetters(ledger, group)) return false;
  const startsLate = (group.settings.from ?? settings.from) === "latest";
  for (const topic of ledger.topics()) {
    const subscription = topic.subscriptions.get(group.id);
    if (subscription !== undefined && !subscription.isOver(moment.now)) return false;
    const holdsMessages = topic.ref.instance === group.ref.instance && topic.queues.some(({ count }) => count > 0);
    // DEL-11: made anew it would miss what it has not read, where it is not to begin with the oldest.
    if (holdsMessages && startsLate && !topic.isDeadLetterTopic) return false;
    if (subscription !== undefined && !isUnread(topic, subscription)) return false;
  }
  return true;
}

function isUnread(topic: TopicState, subscription: Subscription): boolean {
  return topic.queues.every(({ end, count }, queue) => subscription.queue(queue).ready.countBelow(end) === count);
}

function hasDeadLetters(ledger: Ledger, { ref }: GroupState): boolean {
  return ledger.topic(deadLetterTopicOf(ref))?.queues.some(({ count }) => count > 0) ?? false;
}
