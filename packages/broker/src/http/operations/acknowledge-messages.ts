import { decodeReceiptHandles, type Operation } from "@stagemq/wire";
import { type Answer, answerHandles } from "../answer.ts";
import type { Desk, Errand } from "./desk.ts";
import { readDocument } from "./read-document.ts";

/** `DELETE /topics/{topic}/messages?consumer=…` */
export async function acknowledgeMessages(
  { engine }: Desk,
  { visit, call, topic }: Errand,
  { consumer }: Extract<Operation, { name: "acknowledge-messages" }>,
  document: Buffer,
): Promise<Answer> {
  const handles = readDocument(decodeReceiptHandles(document));
  const group = { instance: topic.instance, group: consumer };
  return answerHandles(visit, await engine.acknowledge(call, { topic, group, handles }));
}
