import type { EpochMs } from "../../domain/time.ts";
import type { ReceiveHalfRequest } from "../../engine/engine.ts";
import type { HalfMessageOffered } from "../journal/fact.ts";
import type { HalfMessage } from "../state/half-messages.ts";
import type { Ledger } from "../state/ledger.ts";
import type { Context } from "./context.ts";
import { ageRestsUntil, newestTooOld } from "./too-old.ts";

export interface HalfOffer {
  readonly half: HalfMessage;
  readonly firstCheckedAt: EpochMs;
  readonly fact: HalfMessageOffered;
}

/** TX-3: the half messages of this topic whose next check has come, oldest first. Any group may ask. */
export function decideReceiveHalf(ledger: Ledger, request: ReceiveHalfRequest, context: Context): readonly HalfOffer[] {
  const { moment, settings } = context;
  const tooOld = newestTooOld(ledger, context);
  const mayAbandon = ageRestsUntil(ledger, settings) <= moment.now; // TIM-2
  const topic = ledger.topic(request.topic);
  const offers: HalfOffer[] = [];
  let bytes = 0;
  for (const half of topic?.half.open.due() ?? []) {
    if (offers.length === request.maxMessages) break;
    // TX-6: what is to be abandoned is not asked about any more, even before the sweep has run.
    if (topic === undefined || (mayAbandon && topic.half.abandonAt(half) <= moment.now)) continue;
    if (half.firstCheckedAt === undefined && half.publishedAt <= tooOld) continue;
    bytes += half.bodyBytes;
    if (offers.length > 0 && bytes > settings.maxBatchBytes) break;
    offers.push({ half, firstCheckedAt: half.firstCheckedAt ?? moment.now, fact: offerOf(half, context) });
  }
  return offers;
}

function offerOf(half: HalfMessage, { moment, settings, draw }: Context): HalfMessageOffered {
  return {
    kind: "half-message-offered",
    id: half.id,
    topic: half.topic,
    check: half.checks + 1,
    number: draw(),
    at: moment.now,
    until: moment.now + settings.halfInvisibleFor,
  };
}
