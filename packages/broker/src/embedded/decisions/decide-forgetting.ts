import { deadLetterTopicOf } from "../../domain/names.ts";
import { type EpochMs, SECOND } from "../../domain/time.ts";
import type { Fact, Id } from "../journal/fact.ts";
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

interface Place {
  readonly topic: TopicState;
  readonly subscription: Subscription;
}

/** How much of the retention what is idle, but still holds something, waits to be looked at again. */
const PATIENCE = 1 / 72;

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
  const idleGroups = [...ledger.groups()].filter((group) => isIdle(group));
  const places = idleGroups.length > 0 ? placesByGroup(ledger) : undefined;
  for (const group of idleGroups) {
    if (isForgettableGroup(ledger, group, places?.get(group.id) ?? [], context)) {
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
function isForgettableGroup(
  ledger: Ledger,
  group: GroupState,
  places: readonly Place[],
  { moment, settings }: Context,
): boolean {
  // DEL-11: made anew it would miss what comes before its next poll, if it is not to begin with the oldest.
  if ((group.settings.from ?? settings.from) === "latest") return false;
  if (hasDeadLetters(ledger, group)) return false;
  return places.every(({ topic, subscription }) => subscription.isOver(moment.now) && isUnread(topic, subscription));
}

/** In one go: thousands of groups times thousands of topics would stop the loop. */
function placesByGroup(ledger: Ledger): ReadonlyMap<Id, readonly Place[]> {
  const places = new Map<Id, Place[]>();
  for (const topic of ledger.topics()) {
    for (const subscription of topic.subscriptions.values()) {
      const known = places.get(subscription.group);
      if (known === undefined) places.set(subscription.group, [{ topic, subscription }]);
      else known.push({ topic, subscription });
    }
  }
  return places;
}

function isUnread(topic: TopicState, subscription: Subscription): boolean {
  return topic.queues.every(({ end, count }, queue) => subscription.queue(queue).ready.countBelow(end) === count);
}

function hasDeadLetters(ledger: Ledger, { ref }: GroupState): boolean {
  return ledger.topic(deadLetterTopicOf(ref))?.queues.some(({ count }) => count > 0) ?? false;
}
