import type { Operation } from "@stagemq/wire";
import { SECOND } from "../../domain/time.ts";
import type { Answer } from "../answer.ts";
import { answerDeliveries } from "./answer-deliveries.ts";
import type { Desk, Errand } from "./desk.ts";

/** `GET /topics/{topic}/messages?consumer=…`, plain or `trans=order` */
export async function consumeMessages(
  { engine }: Desk,
  { visit, call, topic }: Errand,
  poll: Extract<Operation, { name: "consume-messages" }>,
): Promise<Answer> {
  const deliveries = await engine.receive(call, {
    topic,
    group: { instance: topic.instance, group: poll.consumer },
    mode: poll.mode,
    tags: poll.tag,
    maxMessages: poll.maxMessages,
    waitUpTo: poll.waitSeconds * SECOND,
  });
  return answerDeliveries(visit, deliveries);
}
