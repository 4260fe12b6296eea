import { Agent, type IncomingHttpHeaders, request } from "node:http";
import {
  encodePublishRequest,
  encodeReceiptHandles,
  formatAuthorization,
  formatDate,
  formatTarget,
  type Operation,
  type PublishRequestDocument,
  sign,
  stringToSign,
  VERSION,
  VERSION_HEADER,
  XML_CONTENT_TYPE,
} from "@stagemq/wire";

const ACCESS_KEY = { id: "dev", secret: "dev-secret" };
/** More than a long poll takes. */
const ANSWER_WITHIN_MS = 35_000;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The request left and no answer came: nobody knows what became of it. */
export class Unanswered extends Error {}

/** Nobody listens there: the request never left. */
export class Unsent extends Error {}

/** Speaks to a broker over one kept connection, one request after the other, and tells what it does not know. */
export class SignedClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  publish(endpoint: string, operation: Operation, message: PublishRequestDocument): Promise<Answer> {
    return this.send(endpoint, operation, encodePublishRequest(message));
  }

  /** Acknowledges, commits or rolls back. */
  end(endpoint: string, operation: Operation, handles: readonly string[]): Promise<Answer> {
    return this.send(endpoint, operation, encodeReceiptHandles(handles));
  }

  send(
    endpoint: string,
    operation: Operation,
    body = "",
    { hangUpAfterMs }: { hangUpAfterMs?: number | undefined } = {},
  ): Promise<Answer> {
    const { method, target } = formatTarget(operation);
    const headers = {
      Date: formatDate(Date.now()),
      [VERSION_HEADER]: VERSION,
      "Content-Type": XML_CONTENT_TYPE,
      "Content-Length": String(Buffer.byteLength(body)),
    };
    const signature = sign(ACCESS_KEY.secret, stringToSign({ method, target, headers }));
    const Authorization = formatAuthorization(ACCESS_KEY.id, signature);
    return new Promise((resolve, reject) => {
      const sent = request(`${endpoint}${target}`, {
        method,
        agent: this.#agent,
        timeout: ANSWER_WITHIN_MS,
        headers: { ...headers, Authorization },
      });
      if (hangUpAfterMs !== undefined) {
        const patience = setTimeout(() => sent.destroy(new Error("The client hung up.")), hangUpAfterMs);
        sent.on("close", () => clearTimeout(patience));
      }
      sent.on("response", (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", (cause) => reject(new Unanswered("The answer was cut short.", { cause })));
        response.on("end", () => {
          const { statusCode: status = 0, headers: received } = response;
          resolve({ status, headers: received, body: Buffer.concat(chunks) });
        });
      });
      sent.on("timeout", () => sent.destroy(new Error(`No answer within ${ANSWER_WITHIN_MS} ms.`)));
      sent.on("error", (cause: NodeJS.ErrnoException) => {
        const { code, message } = cause;
        reject(code === "ECONNREFUSED" ? new Unsent(message, { cause }) : new Unanswered(message, { cause }));
      });
      sent.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
