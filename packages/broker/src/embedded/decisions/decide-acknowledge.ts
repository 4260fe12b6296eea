import { describeDuration } from "../../domain/time.ts";
import type { AcknowledgeRequest, HandleOutcome } from "../../engine/engine.ts";
import type { DeliveriesAcknowledged, Offset } from "../journal/fact.ts";
import type { DeliveryReceipt, Receipts } from "../receipt.ts";
import type { GroupState, Ledger, TopicState } from "../state/ledger.ts";
import type { Context } from "./context.ts";
import { missingGroup, topicOrRefuse } from "./missing.ts";

export interface AcknowledgeDecision {
  readonly facts: readonly DeliveriesAcknowledged[];
  readonly outcomes: readonly HandleOutcome[];
}

/** DEL-5, DEL-6: one outcome a handle; the good ones end their deliveries. */
export function decideAcknowledge(
  ledger: Ledger,
  request: AcknowledgeRequest,
  receipts: Receipts,
  context: Context,
): AcknowledgeDecision {
  const { moment } = context;
  const topic = topicOrRefuse(ledger, request.topic);
  const group = ledger.group(request.group);
  if (group === undefined && !context.settings.makeByUse) {
    throw missingGroup(request.group);
  }

  const ended = new Map<number, Set<Offset>>();
  const outcomes = request.handles.map((handle): HandleOutcome => {
    const receipt = receipts.open(handle);
    if (receipt === undefined) return { handle, refusal: "invalid" };
    if (receipt.sort !== "delivery") return { handle, refusal: "invalid", hint: "this handle ends a transaction." };
    if (receipt.topic !== topic.id || receipt.group !== group?.id) {
      return { handle, refusal: "invalid", ...foreignHint(ledger, topic, receipt) };
    }
    if (receipt.until <= moment.now) {
      const ago = describeDuration(Math.max(1_000, moment.now - receipt.until));
      const hint = `this delivery ended ${ago} ago (invisible for ${describeDuration(receipt.until - receipt.at)}).`;
      return { handle, refusal: "expired", hint };
    }
    const progress = ledger.subscription(topic.id, group.id)?.queue(receipt.queue);
    const outstanding = progress?.outstanding.get(receipt.offset);
    if (outstanding === undefined) {
      // DEL-14: where the journal was cut or restored, this delivery has never been; the message is still to come.
      const isKnown = progress !== undefined && !progress.ready.has(receipt.offset);
      if (!isKnown) return { handle, refusal: "expired", hint: "the broker's data has no such delivery any more." };
      // DEL-5: nothing outstanding, a genuine handle and in time: it was acknowledged before.
      return { handle };
    }
    if (outstanding.number !== receipt.number || outstanding.untilBefore === undefined) {
      return { handle, refusal: "expired", hint: supersededHint(outstanding.attempt) };
    }
    const offsets = ended.get(receipt.queue) ?? new Set();
    ended.set(receipt.queue, offsets.add(receipt.offset));
    return { handle };
  });
  return {
    outcomes,
    facts: group === undefined ? [] : [...ended].map((entry) => factOf(topic, group, entry, context)),
  };
}

function factOf(
  topic: TopicState,
  group: GroupState,
  [queue, offsets]: [number, Set<Offset>],
  { moment }: Context,
): DeliveriesAcknowledged {
  return {
    kind: "deliveries-acknowledged",
    topic: topic.id,
    group: group.id,
    queue,
    offsets: [...offsets],
    at: moment.now,
  };
}

function supersededHint(attempt: number): string {
  return attempt === 0 ? "it was given back: nobody was there to receive it." : `attempt ${attempt} has replaced it.`;
}

/** REQ-5: what the handle was given for, and nothing of another instance. */
function foreignHint(ledger: Ledger, asked: TopicState, receipt: DeliveryReceipt): { hint?: string } {
  const topic = ledger.topicById(receipt.topic);
  const group = ledger.groupById(receipt.group);
  if (topic === undefined || group === undefined || topic.ref.instance !== asked.ref.instance) return {};
  return { hint: `this handle was given to ${group.ref.group} on ${topic.ref.topic}.` };
}
