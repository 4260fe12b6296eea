import { BrokerError } from "../../domain/broker-error.ts";
import type { GroupDeclaration, GroupSettings } from "../../domain/consumer-group.ts";
import { groupOfDeadLetterTopic } from "../../domain/names.ts";
import type { TopicDeclaration } from "../../domain/topic.ts";
import type { Declarations } from "../../engine/engine.ts";
import type { Fact } from "../journal/fact.ts";
import type { Ledger, TopicState } from "../state/ledger.ts";
import type { Context } from "./context.ts";
import { Draft } from "./draft.ts";

/** Makes what is declared and absent, changes what differs; all that cannot be changed is refused in one go (GRP-2). */
export function decideCatalog(ledger: Ledger, declarations: Declarations, context: Context): readonly Fact[] {
  const draft = new Draft(ledger, context.moment);
  const mistakes: string[] = [];
  for (const topic of declarations.topics) declareTopic(ledger, topic, draft, mistakes, context);
  if (mistakes.length > 0) throw new BrokerError("invalid-argument", mistakes.join("\n"));
  for (const group of declarations.groups) declareGroup(ledger, group, draft, context);
  return draft.facts;
}

function declareTopic(
  ledger: Ledger,
  { ref, kind, queues: declared }: TopicDeclaration,
  draft: Draft,
  mistakes: string[],
  { moment, settings }: Context,
): void {
  if (groupOfDeadLetterTopic(ref) !== undefined) {
    // DLQ-4: it has one message queue, and only the broker writes to it.
    mistakes.push(`Topic ${ref.topic} in ${ref.instance} is a dead-letter topic; the broker makes it by itself.`);
    return;
  }
  const queues = kind === "ordered" ? (declared ?? settings.orderedQueues) : 1;
  const topic = ledger.topic(ref);
  if (topic === undefined) {
    draft.createTopic(ref, kind, queues, "declared");
    return;
  }
  const isSame = topic.kind === kind && topic.queues.length === queues;
  if (isSame && topic.origin === "declared") return;
  if (!isSame && !isEmpty(ledger, topic)) {
    mistakes.push(
      `Topic ${ref.topic} in ${ref.instance} is declared ${kind} with ${queues} message queues, but holds messages as ${topic.kind} with ${topic.queues.length}.`,
    );
    return;
  }
  draft.add({ kind: "topic-changed", topic: topic.id, topicKind: kind, queues, origin: "declared", at: moment.now });
}

function declareGroup(ledger: Ledger, { ref, settings: own }: GroupDeclaration, draft: Draft, context: Context): void {
  const group = ledger.group(ref);
  // DEL-11: written down, so that a replay needs no configuration to know where the group starts.
  const settings = { ...own, from: own.from ?? context.settings.from ?? "latest" };
  const fact = { settings, origin: "declared", at: context.moment.now } as const;
  if (group === undefined) {
    draft.add({ kind: "group-created", group: draft.drawId(), ref, ...fact });
  } else if (group.origin !== "declared" || !isSame(group.settings, settings)) {
    draft.add({ kind: "group-changed", group: group.id, ...fact });
  }
}

function isSame(one: GroupSettings, other: GroupSettings): boolean {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]) as Set<keyof GroupSettings>;
  return [...names].every((name) => one[name] === other[name]);
}

/** ORD-1: kind and number of queues change only while nothing is there. */
function isEmpty(ledger: Ledger, topic: TopicState): boolean {
  return (
    topic.queues.every((queue) => queue.end === 0) &&
    ledger.delayed.countOf(topic.id) === 0 &&
    topic.half.open.size === 0 &&
    topic.half.abandonedCount === 0
  );
}
