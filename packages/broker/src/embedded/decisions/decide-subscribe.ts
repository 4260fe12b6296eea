import { type GroupRef, groupOfDeadLetterTopic, type TopicRef } from "../../domain/names.ts";
import type { Fact, Id, Offset } from "../journal/fact.ts";
import type { GroupState, Ledger, TopicState } from "../state/ledger.ts";
import type { Context } from "./context.ts";
import { Draft } from "./draft.ts";
import { missingGroup, missingTopic } from "./missing.ts";
import { newestTooOld } from "./too-old.ts";

/** What must be there before a group can be given anything of a topic: made by this poll, or refused (PUB-8, DEL-11). */
export function decideSubscribe(
  ledger: Ledger,
  request: { readonly topic: TopicRef; readonly group: GroupRef },
  context: Context,
): readonly Fact[] {
  const topic = ledger.topic(request.topic);
  const group = ledger.group(request.group);
  if (topic !== undefined && group !== undefined && topic.subscriptions.has(group.id)) return [];

  checkPollable(ledger, request.topic, context);
  const draft = new Draft(ledger, context.moment);
  const topicId = topic?.id ?? makeTopic(request.topic, draft);
  const groupId = group?.id ?? makeGroup(request.group, draft, context);
  draft.add({
    kind: "subscription-started",
    topic: topicId,
    group: groupId,
    starts: topic === undefined ? [] : startsOf(ledger, topic, group, context),
    at: context.moment.now,
  });
  return draft.facts;
}

/** The topic of a poll for half messages: made by use where that is allowed; the group is left as it is (TX-7). */
export function decideHalfTopic(
  ledger: Ledger,
  request: { readonly topic: TopicRef; readonly group: GroupRef },
  context: Context,
): readonly Fact[] {
  checkPollable(ledger, request.topic, context);
  checkGroup(ledger, request.group, context);
  if (ledger.topic(request.topic) !== undefined) return [];
  const draft = new Draft(ledger, context.moment);
  makeTopic(request.topic, draft);
  return draft.facts;
}

function checkPollable(ledger: Ledger, ref: TopicRef, { settings }: Context): void {
  if (ledger.topic(ref) !== undefined || settings.makeByUse) return;
  // DLQ-4: a group's dead-letter topic can be polled as soon as the group exists.
  const owner = groupOfDeadLetterTopic(ref);
  if (owner !== undefined && ledger.group(owner) !== undefined) return;
  throw missingTopic(ref);
}

function checkGroup(ledger: Ledger, ref: GroupRef, { settings }: Context): void {
  if (settings.makeByUse || ledger.group(ref) !== undefined) return;
  throw missingGroup(ref);
}

/** A topic made by a poll has no kind and no message queues; a dead-letter topic has one (DLQ-4). */
function makeTopic(ref: TopicRef, draft: Draft): Id {
  return groupOfDeadLetterTopic(ref) === undefined
    ? draft.createTopic(ref, undefined, 0, "use")
    : draft.createTopic(ref, "normal", 1, "use");
}

function makeGroup(ref: GroupRef, draft: Draft, { moment, settings }: Context): Id {
  if (!settings.makeByUse) {
    throw missingGroup(ref);
  }
  const group = draft.drawId();
  draft.add({ kind: "group-created", group, ref, settings: {}, origin: "use", at: moment.now });
  return group;
}

/** DEL-11. An empty list is the beginning of every queue. */
function startsOf(
  ledger: Ledger,
  topic: TopicState,
  group: GroupState | undefined,
  context: Context,
): readonly Offset[] {
  const wanted = wantedStartsOf(topic, group, context);
  // What was dropped, or is about to be, is for nobody (RET-1).
  const tooOld = newestTooOld(ledger, context);
  const kept = topic.queues.map((messages) => messages.firstVisibleAfter(tooOld));
  return kept.some((from) => from > 0) ? kept.map((from, queue) => Math.max(from, wanted[queue] ?? 0)) : wanted;
}

function wantedStartsOf(topic: TopicState, group: GroupState | undefined, { settings }: Context): readonly Offset[] {
  if (topic.isDeadLetterTopic) return [];
  if (group?.declaredStarts !== undefined) return group.declaredStarts.get(topic.id) ?? [];
  const isYounger = group !== undefined && topic.id > group.id;
  const fromLatest = (group?.settings.from ?? settings.from ?? "earliest") === "latest";
  return fromLatest && !isYounger ? topic.queues.map((queue) => queue.end) : [];
}
