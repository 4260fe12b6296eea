import type { ServerResponse } from "node:http";
import { KIB } from "../domain/size.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Answer } from "./answer.ts";
import type { AnswersUnderWay } from "./answers-under-way.ts";
import type { Exchange } from "./connections.ts";
import { linger } from "./linger.ts";

/** So much of an answer is handed over at a time; only then is it known to be taken. */
const SLICE_BYTES = 64 * KIB;

/** What is sent, and to whom. */
export interface Parcel {
  readonly exchange: Exchange;
  readonly response: ServerResponse;
  readonly answer: Answer;
  /** Who is told of what is not taken at once. */
  readonly answers: AnswersUnderWay;
}

/** Sends an answer. True once all of it was handed to the operating system, false when the client was gone before (DEL-8). */
export function deliverAnswer(parcel: Parcel, clock: Clock): boolean | Promise<boolean> {
  const { exchange, response, answer } = parcel;
  if (exchange.hasHungUp) return false;
  exchange.isAnswering = true;
  response.writeHead(answer.status, answer.closes ? { ...answer.headers, Connection: "close" } : answer.headers);
  const isLarge = (answer.body?.length ?? 0) > SLICE_BYTES;
  if (isLarge || (answer.closes && !exchange.request.complete)) return deliverInParts(parcel, clock);
  if (typeof answer.body === "string") response.end(answer.body, "latin1");
  else response.end(answer.body);
  return wasTaken(response) || deliverWaiting(parcel);
}

async function deliverInParts({ exchange, response, answer, answers }: Parcel, clock: Clock): Promise<boolean> {
  answers.begin(response, answer.body?.length ?? 0);
  let rest = typeof answer.body === "string" ? Buffer.from(answer.body) : answer.body;
  while (rest !== undefined && rest.length > SLICE_BYTES) {
    const slice = rest.subarray(0, SLICE_BYTES);
    await handOver((taken) => response.write(slice, taken), exchange);
    if (exchange.hasHungUp) return false;
    answers.taken(response);
    rest = rest.subarray(SLICE_BYTES);
  }
  if (answer.closes && !exchange.request.complete) {
    response.write(rest ?? "");
    rest = undefined;
    await restOfBody(exchange, clock);
    if (exchange.hasHungUp) return false;
  }
  await handOver((taken) => response.end(rest, taken), exchange);
  return wasHandedOver(exchange);
}

/** Waits for the end of an answer of which all was sent. */
async function deliverWaiting({ exchange, response, answer, answers }: Parcel): Promise<boolean> {
  answers.begin(response, answer.body?.length ?? 0);
  await handOver((taken) => response.once("finish", taken), exchange);
  return wasHandedOver(exchange);
}

/** Whether the operating system has all of what was sent, without anybody having waited for it: so it is nearly always. */
function wasTaken({ socket, writableLength }: ServerResponse): boolean {
  return writableLength === 0 && socket !== null && !socket.destroyed && socket.errored === null;
}

/** DEL-8: `node:http` says that it has finished too when the client is gone and bytes are left. */
function wasHandedOver({ hasHungUp, request }: Exchange): boolean {
  return !hasHungUp && !request.socket.destroyed;
}

/** Resolves when the operating system has taken what `send` sends, or the client has hung up. */
async function handOver(send: (taken: () => void) => void, exchange: Exchange): Promise<void> {
  if (exchange.hasHungUp) return;
  await new Promise<void>((resolve) => {
    exchange.onHangUp = resolve;
    send(resolve);
  });
  exchange.onHangUp = undefined;
}

/** Lets the rest of a refused body come in, for a while. */
async function restOfBody(exchange: Exchange, clock: Clock): Promise<void> {
  if (exchange.hasHungUp) return;
  await new Promise<void>((resolve) => {
    const alarm = linger(clock, resolve);
    const leave = () => {
      alarm.cancel();
      resolve();
    };
    exchange.onHangUp = leave;
    exchange.request.once("end", leave).resume();
  });
  exchange.onHangUp = undefined;
}
