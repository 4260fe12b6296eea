import { describeDuration } from "../../domain/time.ts";
import type { EndTransactionRequest, HandleOutcome } from "../../engine/engine.ts";
import type { Fact, Id } from "../journal/fact.ts";
import type { Receipts } from "../receipt.ts";
import type { HalfMessage } from "../state/half-messages.ts";
import { HALF_MESSAGE } from "../state/half-state.ts";
import type { Ledger } from "../state/ledger.ts";
import type { Context } from "./context.ts";
import { Draft } from "./draft.ts";
import { topicOrRefuse } from "./missing.ts";

export interface EndTransactionDecision {
  readonly facts: readonly Fact[];
  readonly outcomes: readonly HandleOutcome[];
}

/** TX-2, TX-5, TX-7: the newest handle, in time, ends a transaction; the group does not matter. */
export function decideEndTransaction(
  ledger: Ledger,
  request: EndTransactionRequest,
  receipts: Receipts,
  context: Context,
): EndTransactionDecision {
  const { moment } = context;
  const topic = topicOrRefuse(ledger, request.topic);
  const draft = new Draft(ledger, moment);
  const ended = new Set<Id>();
  const event = request.resolution === "commit" ? "committed" : "rolled-back";

  const outcomes = request.handles.map((handle): HandleOutcome => {
    const receipt = receipts.open(handle);
    if (receipt === undefined) return { handle, refusal: "invalid" };
    if (receipt.sort !== "transaction") return { handle, refusal: "invalid", hint: "this handle ends a delivery." };
    if (receipt.topic !== topic.id) return { handle, refusal: "invalid", hint: "this handle is of another topic." };
    if (receipt.until <= moment.now) {
      const ago = describeDuration(Math.max(1_000, moment.now - receipt.until));
      return { handle, refusal: "expired", hint: `this transaction handle ended ${ago} ago; poll for the newest one.` };
    }
    const half = topic.half.get(receipt.half);
    if (half === undefined || half.number !== receipt.number) {
      return { handle, refusal: "expired", hint: "a later check has replaced it." };
    }
    if (HALF_MESSAGE[half.state][event] === undefined) {
      return { handle, refusal: "expired", hint: `this transaction is ${half.state.replace("-", " ")} already.` };
    }
    if (half.state !== event && !ended.has(half.id)) {
      ended.add(half.id);
      draft.add(endOf(half, request.resolution, draft, context));
    }
    return { handle };
  });
  return { facts: draft.facts, outcomes };
}

function endOf(half: HalfMessage, resolution: "commit" | "rollback", draft: Draft, { moment }: Context): Fact {
  const fact = {
    kind: "transaction-ended",
    id: half.id,
    topic: half.topic,
    resolution,
    at: moment.now,
    wall: moment.wall,
  } as const;
  // TX-2: visible at once, or at its delivery time if it has one ahead.
  const waits = half.deliverAt !== undefined && half.deliverAt > moment.wall;
  if (resolution === "rollback" || waits) return fact;
  return { ...fact, queue: 0, offset: draft.drawOffset(half.topic, 0) };
}
