import { BrokerError } from "../../domain/broker-error.ts";
import type { PublishIntent } from "../../domain/message.ts";
import { groupOfDeadLetterTopic, type TopicRef } from "../../domain/names.ts";
import { queueOfShardingKey } from "../../domain/sharding.ts";
import { describeDuration, type EpochMs } from "../../domain/time.ts";
import type { TopicKind } from "../../domain/topic.ts";
import type { PublishRequest } from "../../engine/engine.ts";
import type { Fact, Id } from "../journal/fact.ts";
import type { Ledger } from "../state/ledger.ts";
import type { Context } from "./context.ts";
import { Draft } from "./draft.ts";
import { missingTopic } from "./missing.ts";

export interface PublishDecision {
  readonly facts: readonly Fact[];
  /** What PUB-2 let through although the kinds differ. */
  readonly mismatch?: { readonly topic: TopicKind; readonly message: TopicKind };
}

interface Target {
  readonly topic: Id;
  readonly kind: TopicKind;
  readonly queues: number;
}

/** PUB: which topic, which message queue, and when; or why not. */
export function decidePublish(
  ledger: Ledger,
  request: PublishRequest,
  messageId: string,
  context: Context,
): PublishDecision {
  const { moment, settings } = context;
  const { intent, message } = request;
  if (groupOfDeadLetterTopic(request.topic) !== undefined) {
    // DLQ-4: clients never publish to a dead-letter topic.
    throw new BrokerError(
      "invalid-argument",
      `${request.topic.topic} is a dead-letter topic; only the broker writes to it.`,
    );
  }
  checkDelay(intent, context);

  const draft = new Draft(ledger, moment);
  const target = findTarget(ledger, request.topic, intent, draft, context);
  const mismatch = checkKind(request.topic, target, intent, context);
  const { topic } = target;
  const publishedAt = moment.wall;
  const store = (queue: number): void =>
    draft.add({
      kind: "message-stored",
      topic,
      queue,
      offset: ledger.topicById(topic)?.queues[queue]?.end ?? 0, // one message, one offset
      messageId,
      message,
      publishedAt,
    });

  if (intent.kind === "transactional") {
    draft.add({
      kind: "half-message-stored",
      id: draft.drawId(),
      topic,
      messageId,
      message,
      publishedAt,
      at: moment.now,
      number: context.draw(),
      firstCheckAt: roundUp(moment.now + intent.firstCheckAfter, settings.checkRounding),
      ...(intent.deliverAt === undefined ? {} : { deliverAt: intent.deliverAt }),
    });
  } else if (intent.kind === "delayed" && intent.deliverAt > moment.wall) {
    const { deliverAt } = intent;
    draft.add({
      kind: "delayed-message-stored",
      id: draft.drawId(),
      topic,
      messageId,
      message,
      publishedAt,
      deliverAt,
    });
  } else {
    store(target.kind === "ordered" ? queueFor(request.topic, target, intent, context) : 0);
  }
  return mismatch === undefined ? { facts: draft.facts } : { facts: draft.facts, mismatch };
}

/** DLY-3. */
function checkDelay(intent: PublishIntent, { moment, settings }: Context): void {
  if (intent.kind !== "delayed" && intent.kind !== "transactional") return;
  const ahead = (intent.deliverAt ?? moment.wall) - moment.wall;
  if (ahead <= settings.maxDelay) return;
  throw new BrokerError(
    "invalid-argument",
    `The delivery time is ${describeDuration(Math.ceil(ahead / 1_000) * 1_000)} ahead; it may be at most ${describeDuration(settings.maxDelay)}.`,
  );
}

/** The topic as it is, or as this message makes it (PUB-8; PUB-2: the first message gives a topic its kind). */
function findTarget(ledger: Ledger, ref: TopicRef, intent: PublishIntent, draft: Draft, context: Context): Target {
  const { settings, moment } = context;
  const known = ledger.topic(ref);
  if (known?.kind !== undefined) return { topic: known.id, kind: known.kind, queues: known.queues.length };
  const kind = intent.kind;
  const queues = kind === "ordered" ? settings.orderedQueues : 1;
  if (known !== undefined) {
    draft.add({
      kind: "topic-changed",
      topic: known.id,
      topicKind: kind,
      queues,
      origin: known.origin,
      at: moment.now,
    });
    return { topic: known.id, kind, queues };
  }
  if (!settings.makeByUse) throw missingTopic(ref);
  return { topic: draft.createTopic(ref, kind, queues, "use"), kind, queues };
}

/** PUB-2: refuses what does not belong here, or says what was let through. */
function checkKind(
  ref: TopicRef,
  target: Target,
  intent: PublishIntent,
  { moment, settings }: Context,
): PublishDecision["mismatch"] {
  const kind = intent.kind;
  if (target.kind === "ordered") {
    const mayNot = kind === "transactional" || (intent.kind === "delayed" && intent.deliverAt > moment.wall);
    if (mayNot) throw kindRefusal(ref, target.kind, kind, "Use another topic.");
    if (kind === "normal") return undefined;
  }
  const bothPlain = isPlain(target.kind) && isPlain(kind);
  if (target.kind === kind || bothPlain) return undefined;
  if (settings.typeCheck === "enforce") {
    throw kindRefusal(ref, target.kind, kind, "Use another topic, or typeCheck: warn.");
  }
  return settings.typeCheck === "warn" ? { topic: target.kind, message: kind } : undefined;
}

/** Normal and delayed topics take each other's messages. */
function isPlain(kind: TopicKind): boolean {
  return kind === "normal" || kind === "delayed";
}

const MARKS: Readonly<Record<TopicKind, string>> = {
  normal: "no reserved property",
  delayed: "__STARTDELIVERTIME",
  ordered: "__SHARDINGKEY",
  transactional: "__TransCheckT",
};

function kindRefusal(ref: TopicRef, topic: TopicKind, message: TopicKind, advice: string): BrokerError {
  const why = message === "normal" ? `no ${MARKS[topic]}` : MARKS[message];
  return new BrokerError(
    "invalid-argument",
    `Topic ${ref.topic} is ${topic}, this message is ${message} (${why}). ${advice}`,
  );
}

/** ORD-1. */
function queueFor(ref: TopicRef, target: Target, intent: PublishIntent, { settings }: Context): number {
  const shardingKey = (intent.kind === "ordered" || intent.kind === "delayed" ? intent.shardingKey : undefined) ?? "";
  if (shardingKey === "" && target.queues > 1 && settings.typeCheck === "enforce") {
    throw new BrokerError(
      "invalid-argument",
      `Topic ${ref.topic} is ordered over ${target.queues} message queues, and this message has no sharding key. Set one, or declare queues: 1.`,
    );
  }
  return queueOfShardingKey(shardingKey, target.queues);
}

function roundUp(at: EpochMs, unit: number): EpochMs {
  return Math.ceil(at / unit) * unit;
}
