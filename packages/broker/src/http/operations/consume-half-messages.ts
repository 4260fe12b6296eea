import type { Operation } from "@stagemq/wire";
import { SECOND } from "../../domain/time.ts";
import type { Answer } from "../answer.ts";
import { answerDeliveries } from "./answer-deliveries.ts";
import type { Desk, Errand } from "./desk.ts";

/** `GET /topics/{topic}/messages?consumer=…&trans=pop` */
export async function consumeHalfMessages(
  { engine }: Desk,
  { visit, call, topic }: Errand,
  poll: Extract<Operation, { name: "consume-half-messages" }>,
): Promise<Answer> {
  const deliveries = await engine.receiveHalf(call, {
    topic,
    group: { instance: topic.instance, group: poll.consumer },
    maxMessages: poll.maxMessages,
    waitUpTo: poll.waitSeconds * SECOND,
  });
  return answerDeliveries(visit, deliveries);
}
