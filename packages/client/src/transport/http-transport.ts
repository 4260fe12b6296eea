import { ConnectionError } from "../errors/connection-error.ts";
import { Connection } from "./connection.ts";
import type { HttpReply } from "./reply-reader.ts";
import type { Route } from "./route.ts";

export interface HttpRequest {
  readonly method: string;
  /** Path and query, as signed. */
  readonly target: string;
  /** Without line ends in their values. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

/** One request, one reply, over connections that are kept. Knows nothing of what they say. */
export class HttpTransport {
  readonly #endpoint: string;
  readonly #route: Route;
  /** The last to be used is the first to be used again. */
  readonly #idle: Connection[] = [];

  constructor(endpoint: URL, route: Route) {
    this.#endpoint = endpoint.origin;
    this.#route = route;
  }

  /**
   * Rejects with the signal's reason once that is aborted. `sent` is called when the operating system may have all of the
   * request: before that, nobody can have carried it out.
   */
  async send(request: HttpRequest, signal: AbortSignal, sent: () => void): Promise<HttpReply> {
    let connection: Connection | undefined;
    let isSent = false;
    const onAbort = (): void => connection?.destroy();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      signal.throwIfAborted();
      connection = this.#takeIdle() ?? (await this.#connect(signal));
      // While a new connection was on its way to here, nobody could destroy it.
      signal.throwIfAborted();
      const reply = await connection.send(this.#format(request), () => {
        isSent = true;
        sent();
      });
      if (connection.isOpen) this.#idle.push(connection);
      return reply;
    } catch (cause) {
      connection?.destroy();
      throw signal.aborted ? signal.reason : this.#broken(cause, isSent);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** To be called when no request is under way any more. */
  close(): void {
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  #takeIdle(): Connection | undefined {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.isOpen) return connection;
    }
    return undefined;
  }

  async #connect(signal: AbortSignal): Promise<Connection> {
    const socket = await this.#route.dial(signal);
    return new Connection(socket, (spent) => {
      const place = this.#idle.indexOf(spent);
      if (place >= 0) this.#idle.splice(place, 1);
    });
  }

  #format({ method, target, headers, body = "" }: HttpRequest): string {
    const { prefix, headLines } = this.#route;
    let head = `${method} ${prefix}${target} HTTP/1.1\r\n${headLines}`;
    for (const name in headers) head += `${name}: ${headers[name]}\r\n`;
    return `${head}\r\n${body}`;
  }

  #broken(cause: unknown, isSent: boolean): ConnectionError {
    const { code, message } = cause as NodeJS.ErrnoException;
    const sentence = isSent
      ? `The connection to ${this.#endpoint} broke before the reply was complete`
      : `There is no connection to ${this.#endpoint}`;
    return new ConnectionError(`${sentence} (${code ?? message}).`, { cause, outcomeUnknown: isSent });
  }
}
