import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type DurationMs, parseDuration } from "../domain/time.ts";
import type { SimulatedClock } from "./simulated-clock.ts";

const MAX_BODY_BYTES = 4_096;
const MAX_ADVANCE: DurationMs = 400 * 86_400_000;

export interface TestInterfaceParts {
  readonly clock: SimulatedClock;
  /** Forgets all that no file declares. */
  readonly reset: () => Promise<void>;
}

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** TIM-4: `/api/v1/test/*` on a loopback port of its own, where tests in any language move the clock. */
export class TestInterface {
  readonly #parts: TestInterfaceParts;
  readonly #server: Server;

  constructor(parts: TestInterfaceParts) {
    this.#parts = parts;
    this.#server = createServer((request, response) => {
      this.#answer(request).then(
        (reply) => send(response, reply),
        (error: unknown) => send(response, { status: 500, body: { error: String(error) } }),
      );
    });
  }

  /** Where it listens: `http://127.0.0.1:PORT`. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host: "127.0.0.1", port: 0 }, resolve);
    });
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage): Promise<Reply> {
    const body = await readBody(request);
    switch (`${request.method} ${request.url}`) {
      case "POST /api/v1/test/advance":
        return this.#advance(body);
      case "POST /api/v1/test/reset":
        await this.#parts.reset();
        return this.#now();
      default:
        return {
          status: 404,
          body: {
            error: `There is no ${request.method} ${request.url}. There are POST /api/v1/test/advance and POST /api/v1/test/reset.`,
          },
        };
    }
  }

  async #advance(body: string | undefined): Promise<Reply> {
    const by = readBy(body);
    if (by === undefined || by > MAX_ADVANCE) {
      const error = `advance takes {"by":"5m"}: a whole number and ms, s, m, h or d, at most 400d; "0s" only asks for the time.`;
      return { status: 400, body: { error } };
    }
    await this.#parts.clock.advance(by);
    return this.#now();
  }

  #now(): Reply {
    return { status: 200, body: { now: new Date(this.#parts.clock.now()).toISOString() } };
  }
}

function readBy(body: string | undefined): DurationMs | undefined {
  try {
    const { by } = JSON.parse(body ?? "") as { by?: unknown };
    return typeof by === "string" ? parseDuration(by) : undefined;
  } catch {
    return undefined;
  }
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return bytes <= MAX_BODY_BYTES ? Buffer.concat(chunks).toString("utf8") : undefined;
}

function send(response: ServerResponse, { status, body }: Reply): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}
