import { Buffer } from "node:buffer";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { ConnectionError } from "../errors/connection-error.ts";
import { UnreadableReplyError } from "../errors/unreadable-reply-error.ts";
import type { Route } from "./route.ts";

export interface HttpRequest {
  readonly method: string;
  /** Path and query, as signed. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

export interface HttpReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One request, one reply, over connections that are kept. Knows nothing of what they say. */
export class HttpTransport {
  readonly #endpoint: string;
  readonly #route: Route;

  constructor(endpoint: URL, route: Route) {
    this.#endpoint = endpoint.origin;
    this.#route = route;
  }

  /**
   * Rejects with the signal's reason once that is aborted. `sent` is called when all of the request was handed to the
   * operating system: before that, nobody can have carried it out.
   */
  send(request: HttpRequest, signal: AbortSignal, sent: () => void): Promise<HttpReply> {
    const { request: open, prefix, headers, ...way } = this.#route;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const outgoing = open({
        ...way,
        method: request.method,
        path: prefix + request.target,
        headers: { ...headers, ...request.headers },
      });
      let isSent = false;
      const onAbort = (): void => {
        reject(signal.reason);
        outgoing.destroy();
      };
      const fail = (cause: unknown): void => {
        reject(cause instanceof UnreadableReplyError ? cause : this.#broken(cause, isSent));
      };
      signal.addEventListener("abort", onAbort, { once: true });
      outgoing.once("close", () => signal.removeEventListener("abort", onAbort));
      outgoing.once("finish", () => {
        isSent = true;
        sent();
      });
      outgoing.on("error", fail);
      outgoing.once("response", (response) => {
        const { statusCode: status = 0, headers } = response;
        readBody(response).then((body) => resolve({ status, headers, body }), fail);
      });
      outgoing.end(request.body);
    });
  }

  close(): void {
    this.#route.agent.destroy();
  }

  #broken(cause: unknown, isSent: boolean): ConnectionError {
    const { code, message } = cause as NodeJS.ErrnoException;
    const sentence = isSent
      ? `The connection to ${this.#endpoint} broke before the reply was complete`
      : `There is no connection to ${this.#endpoint}`;
    return new ConnectionError(`${sentence} (${code ?? message}).`, { cause, outcomeUnknown: isSent });
  }
}

/** 16 messages have 4 MiB of bodies, and six times that where all of it is escaped. */
const MAX_REPLY_BYTES = 64 * 1024 * 1024;

function readBody(response: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    response.on("data", (chunk: Buffer) => {
      length += chunk.length;
      chunks.push(chunk);
      if (length > MAX_REPLY_BYTES) response.destroy(tooLong(response));
    });
    response.once("end", () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    response.once("error", reject);
    response.once("close", () => reject(new Error("closed early")));
  });
}

function tooLong({ statusCode }: IncomingMessage): UnreadableReplyError {
  const sentence = `The reply is longer than ${MAX_REPLY_BYTES} bytes.`;
  return new UnreadableReplyError(sentence, { status: statusCode, outcomeUnknown: true });
}
