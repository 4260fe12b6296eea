import type { ServerResponse } from "node:http";
import { KIB } from "../domain/size.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Answer } from "./answer.ts";
import type { Exchange } from "./connections.ts";
import { linger } from "./linger.ts";

/** So much of an answer is handed over at a time; only then is it known to be taken. */
const SLICE_BYTES = 64 * KIB;

/** What is sent, and to whom. */
export interface Parcel {
  readonly exchange: Exchange;
  readonly response: ServerResponse;
  readonly answer: Answer;
  /** Called whenever some of it was taken. */
  readonly onTaken: () => void;
}

/** Sends an answer. True once all of it was handed to the operating system, false when the client was gone before (DEL-8). */
export async function deliverAnswer({ exchange, response, answer, onTaken }: Parcel, clock: Clock): Promise<boolean> {
  const { request, signal } = exchange;
  if (signal.aborted) return false;
  exchange.isAnswering = true;
  response.writeHead(answer.status, { ...answer.headers, ...(answer.closes ? { Connection: "close" } : {}) });
  let rest = answer.body;
  while (rest !== undefined && rest.length > SLICE_BYTES) {
    const slice = rest.subarray(0, SLICE_BYTES);
    await handOver((taken) => response.write(slice, taken), signal);
    if (signal.aborted) return false;
    onTaken();
    rest = rest.subarray(SLICE_BYTES);
  }
  if (answer.closes && !request.complete) {
    response.write(rest ?? "");
    rest = undefined;
    await restOfBody(exchange, clock);
    if (signal.aborted) return false;
  }
  await handOver((taken) => response.end(rest, taken), signal);
  // DEL-8: `node:http` says that it has finished too when the client is gone and bytes are left.
  return !signal.aborted && !request.socket.destroyed;
}

/** Resolves when the operating system has taken what `send` sends, or the client has hung up. */
async function handOver(send: (taken: () => void) => void, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      signal.removeEventListener("abort", done);
      resolve();
    };
    signal.addEventListener("abort", done);
    send(done);
  });
}

/** Lets the rest of a refused body come in, for a while. */
async function restOfBody({ request, signal }: Exchange, clock: Clock): Promise<void> {
  await new Promise<void>((resolve) => {
    const alarm = linger(clock, resolve);
    const leave = () => {
      alarm.cancel();
      resolve();
    };
    if (signal.aborted) return leave();
    signal.addEventListener("abort", leave, { once: true });
    request.once("end", leave).resume();
  });
}
