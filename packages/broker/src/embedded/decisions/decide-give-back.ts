import type { GiveBackRequest } from "../../engine/engine.ts";
import type { DeliveriesGivenBack, Fact, HalfOfferGivenBack } from "../journal/fact.ts";
import type { DeliveryReceipt, Receipts, TransactionReceipt } from "../receipt.ts";
import type { Ledger } from "../state/ledger.ts";
import type { Context } from "./context.ts";

/** DEL-8: undoes deliveries that nobody received, as far as each is still the newest of its message. */
export function decideGiveBack(
  ledger: Ledger,
  request: GiveBackRequest,
  receipts: Receipts,
  context: Context,
): readonly Fact[] {
  const batches = new Map<string, { -readonly [Field in keyof DeliveriesGivenBack]: DeliveriesGivenBack[Field] }>();
  const offers: HalfOfferGivenBack[] = [];
  // DEL-8: the limit is for clients that hang up on what they get; want of room says nothing of the client.
  const why = request.noRoom ? "no-room" : "hung-up";
  const limit = request.noRoom ? Number.POSITIVE_INFINITY : context.settings.giveBacksBeforeDelivery;
  for (const handle of request.handles) {
    const receipt = receipts.open(handle);
    if (receipt?.sort === "transaction" && canUndoOffer(ledger, receipt, limit)) {
      offers.push({ kind: "half-offer-given-back", id: receipt.half, topic: receipt.topic, why });
    }
    if (receipt?.sort !== "delivery" || !canUndoDelivery(ledger, receipt, limit)) continue;
    const { topic, group, queue, offset } = receipt;
    const key = `${topic}/${group}/${queue}`;
    const batch = batches.get(key) ?? { kind: "deliveries-given-back", topic, group, queue, offsets: [], why };
    batches.set(key, { ...batch, offsets: [...batch.offsets, offset] });
  }
  return [...batches.values(), ...offers];
}

function canUndoDelivery(ledger: Ledger, receipt: DeliveryReceipt, limit: number): boolean {
  const subscription = ledger.subscription(receipt.topic, receipt.group);
  const outstanding = subscription?.queue(receipt.queue).outstanding.get(receipt.offset);
  if (outstanding?.untilBefore === undefined || outstanding.number !== receipt.number) return false;
  return outstanding.giveBacks + 1 < limit;
}

function canUndoOffer(ledger: Ledger, receipt: TransactionReceipt, limit: number): boolean {
  const half = ledger.half(receipt.topic, receipt.half);
  if (half?.before === undefined || half.state !== "offered" || half.number !== receipt.number) return false;
  return half.giveBacks + 1 < limit;
}
