import type { ServerResponse } from "node:http";
import { SECOND } from "../domain/time.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Answer } from "./answer.ts";
import type { Exchange } from "./connections.ts";

/** So long the rest of a body is awaited after an answer that closes. */
const LINGER_FOR = 2 * SECOND;

/** Sends an answer. True once all of it was handed to the operating system, false when the client was gone before (DEL-8). */
export async function deliverAnswer(
  exchange: Exchange,
  response: ServerResponse,
  answer: Answer,
  clock: Clock,
): Promise<boolean> {
  const { request, signal } = exchange;
  if (signal.aborted) return false;
  exchange.isAnswering = true;
  response.writeHead(answer.status, { ...answer.headers, ...(answer.closes ? { Connection: "close" } : {}) });
  if (answer.closes && !request.complete) {
    // A connection that is closed with bytes unread is reset, which may overtake the answer.
    response.write(answer.body ?? "");
    await rest(exchange, clock);
    if (signal.aborted) return false;
    response.end();
  } else {
    response.end(answer.body);
  }
  await finished(response, signal);
  // D6: `finish` comes too when the client is gone and bytes are left.
  return !signal.aborted && !request.socket.destroyed;
}

/** Lets the rest of a body come in, for a while. */
async function rest({ request, signal }: Exchange, clock: Clock): Promise<void> {
  await new Promise<void>((resolve) => {
    const alarm = clock.alarm(clock.now() + LINGER_FOR, resolve);
    const leave = () => {
      alarm.cancel();
      resolve();
    };
    if (signal.aborted) return leave();
    signal.addEventListener("abort", leave, { once: true });
    request.once("end", leave).resume();
  });
}

async function finished(response: ServerResponse, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (signal.aborted || response.writableFinished) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
    response.once("finish", resolve);
  });
}
