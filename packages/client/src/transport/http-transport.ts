import { Buffer } from "node:buffer";
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from "node:http";
import { ConnectionError } from "../errors/connection-error.ts";
import { UnreadableReplyError } from "../errors/unreadable-reply-error.ts";

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

/** What whoever sends is told on the way. */
export interface Sending {
  readonly signal: AbortSignal;
  mayHaveArrived: boolean;
}

/** One request, one reply, over connections that are kept. Knows nothing of what they say. */
export class HttpTransport {
  readonly #endpoint: URL;
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: Number.POSITIVE_INFINITY, scheduling: "lifo" });

  constructor(endpoint: URL) {
    this.#endpoint = endpoint;
  }

  send({ method, target, headers, body }: HttpRequest, sending: Sending): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      const { signal } = sending;
      if (signal.aborted) return reject(signal.reason);
      const request = requestHttp(this.#endpoint, { agent: this.#agent, method, path: target, headers });
      const onAbort = (): void => {
        reject(signal.reason);
        request.destroy();
      };
      request.once("finish", () => {
        sending.mayHaveArrived = true;
      });
      request.once("close", () => signal.removeEventListener("abort", onAbort));
      request.on("error", (cause) => reject(this.#broken(cause, sending)));
      request.once("response", (response) => {
        readBody(response).then(
          (bytes) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bytes }),
          (cause: unknown) => reject(cause instanceof UnreadableReplyError ? cause : this.#broken(cause, sending)),
        );
      });
      signal.addEventListener("abort", onAbort, { once: true });
      request.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  #broken(cause: unknown, { mayHaveArrived }: Sending): ConnectionError {
    const { code, message } = cause as NodeJS.ErrnoException;
    const what = mayHaveArrived ? "The connection to" : "There is no connection to";
    const end = mayHaveArrived ? "broke before the reply was complete" : "";
    return new ConnectionError(`${what} ${this.#endpoint.origin}${end && ` ${end}`}: ${code ?? message}.`, {
      cause,
      outcomeUnknown: mayHaveArrived,
    });
  }
}

/** A reply with 16 messages has 4 MiB of bodies, and six times that if all is escaped. */
const MAX_REPLY_BYTES = 64 * 1024 * 1024;

async function readBody(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_REPLY_BYTES) {
      throw new UnreadableReplyError(`The reply has more than ${MAX_REPLY_BYTES} bytes.`, {
        status: response.statusCode,
        outcomeUnknown: true,
      });
    }
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}
