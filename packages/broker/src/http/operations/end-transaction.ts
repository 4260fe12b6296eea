import { decodeReceiptHandles, type Operation } from "@stagemq/wire";
import { type Answer, answerHandles } from "../answer.ts";
import type { Desk, Errand } from "./desk.ts";
import { readDocument } from "./read-document.ts";

/** `DELETE /topics/{topic}/messages?trans=commit` or `trans=rollback`; the Go SDK names no group (TX-7) */
export async function endTransaction(
  { engine }: Desk,
  { visit, call, topic }: Errand,
  { consumer, resolution }: Extract<Operation, { name: "end-transaction" }>,
  document: Buffer,
): Promise<Answer> {
  const handles = readDocument(decodeReceiptHandles(document));
  const outcomes = await engine.endTransaction(call, {
    topic,
    ...(consumer === undefined ? {} : { group: { instance: topic.instance, group: consumer } }),
    handles,
    resolution,
  });
  return answerHandles(visit, outcomes);
}
