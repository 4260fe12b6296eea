import { connect, type Socket } from "node:net";
import { connect as connectSecurely } from "node:tls";

/** No endpoint takes so long to answer: long polls end after 30 s. */
const PATIENCE_MS = 60_000;
const HEAD_END = "\r\n\r\n";

/** A response as it came: names as they were spelled, nothing decoded. */
export interface Answer {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** Whether 100 Continue came before it. */
  readonly wasContinued: boolean;
}

/** HTTP on a bare socket: clients of Node would tidy up what is to be sent, and hide what came. */
export class Connection {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #hasEnded = false;
  #wake: () => void = () => {};

  static async open(endpoint: URL): Promise<Connection> {
    const isSecure = endpoint.protocol === "https:";
    const host = endpoint.hostname.replace(/^\[|\]$/g, "");
    const port = Number(endpoint.port || (isSecure ? 443 : 80));
    const socket = isSecure ? connectSecurely({ host, port, servername: host }) : connect({ host, port });
    await new Promise<void>((resolve, reject) => {
      socket.once(isSecure ? "secureConnect" : "connect", resolve);
      socket.once("error", reject);
    });
    return new Connection(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    const end = () => {
      this.#hasEnded = true;
      this.#wake();
    };
    socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    for (const event of ["error", "end", "close"]) socket.on(event, end);
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** The next response that is not 100 Continue. */
  async answer(): Promise<Answer> {
    let wasContinued = false;
    for (;;) {
      const [statusLine = "", ...lines] = (await this.#takeUntil(HEAD_END)).split("\r\n");
      const [, status] = /^HTTP\/1[.][01] (\d{3})/.exec(statusLine) ?? [];
      if (status === undefined) throw new Error(`not a status line: ${statusLine.slice(0, 80)}`);
      if (status === "100") {
        wasContinued = true;
        continue;
      }
      const headers = lines.map((line) => splitHeader(line));
      return { status: Number(status), headers, body: await this.#body(Number(status), headers), wasContinued };
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  async #body(status: number, headers: Answer["headers"]): Promise<string> {
    if (status === 204) return "";
    if (headerOf({ headers }, "transfer-encoding")?.toLowerCase() !== "chunked")
      return (await this.#take(Number(headerOf({ headers }, "content-length") ?? 0))).toString("utf8");
    const chunks: Buffer[] = [];
    for (;;) {
      const size = Number.parseInt(await this.#takeUntil("\r\n"), 16);
      const chunk = await this.#take(size);
      await this.#takeUntil("\r\n");
      if (size === 0) return Buffer.concat(chunks).toString("utf8");
      chunks.push(chunk);
    }
  }

  async #takeUntil(end: string): Promise<string> {
    while (!this.#received.includes(end)) await this.#more();
    const text = (await this.#take(this.#received.indexOf(end))).toString("latin1");
    await this.#take(end.length);
    return text;
  }

  async #take(bytes: number): Promise<Buffer> {
    while (this.#received.length < bytes) await this.#more();
    const taken = this.#received.subarray(0, bytes);
    this.#received = this.#received.subarray(bytes);
    return taken;
  }

  async #more(): Promise<void> {
    if (this.#hasEnded) throw new Error("the connection ended before the answer was whole");
    await new Promise<void>((resolve, reject) => {
      const impatient = setTimeout(() => reject(new Error("no answer came within 60 s")), PATIENCE_MS);
      this.#wake = () => {
        clearTimeout(impatient);
        resolve();
      };
    });
  }
}

export function headerOf({ headers }: Pick<Answer, "headers">, name: string): string | undefined {
  return headers.find(([other]) => other.toLowerCase() === name)?.[1];
}

function splitHeader(line: string): readonly [string, string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
}
