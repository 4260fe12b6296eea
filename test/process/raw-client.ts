import { connect, type Socket } from "node:net";
import type { RawResponse } from "../../packages/wire/test/readers/judge.ts";

/** No answer takes so long; a broker that is silent longer hangs. */
const PATIENCE_MS = 60_000;
const HEAD_END = "\r\n\r\n";

/** A client on a raw socket: sends bytes as they are, reads one response after the other. */
export class RawClient {
  readonly socket: Socket;
  readonly #received: Buffer[] = [];
  #hasEnded = false;
  #wake: () => void = () => {};

  static async connect(endpoint: string): Promise<RawClient> {
    const { hostname, port } = new URL(endpoint);
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port), allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new RawClient(socket);
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk) => {
      this.#received.push(chunk);
      this.#wake();
    });
    socket.on("error", () => {});
    const end = () => {
      this.#hasEnded = true;
      this.#wake();
    };
    socket.on("end", end);
    socket.on("close", end);
  }

  send(...parts: readonly (string | Buffer)[]): void {
    for (const part of parts) this.socket.write(part);
  }

  /** The next response, 100 included. Fails when the connection ends before it is whole. */
  async response(method = "GET"): Promise<RawResponse> {
    const headEnd = await this.#find(HEAD_END);
    const [statusLine = "", ...lines] = this.#take(headEnd + HEAD_END.length)
      .toString("latin1")
      .split("\r\n");
    const [, status, reason = ""] = /^HTTP\/1\.1 (\d{3}) (.*)$/.exec(statusLine) ?? [];
    if (status === undefined) throw new Error(`not a status line: ${JSON.stringify(statusLine)}`);
    const headers = lines.slice(0, -2).map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    });
    const length = Number(headers.find(([name]) => name.toLowerCase() === "content-length")?.[1] ?? 0);
    const bodyBytes = method === "HEAD" ? 0 : length;
    while (this.#bytes < bodyBytes) await this.#more();
    return { status: Number(status), reason, headers, body: this.#take(bodyBytes) };
  }

  /** Resolves once this many bytes have come that nobody has taken yet. */
  async received(bytes: number): Promise<void> {
    while (this.#bytes < bytes) await this.#more();
  }

  /** Everything that comes before the other side ends the connection. */
  async untilEnd(): Promise<string> {
    while (!this.#hasEnded) await this.#turn();
    return this.#take(this.#bytes).toString("latin1");
  }

  /** Says that nothing more will be sent; can still read. */
  halfClose(): void {
    this.socket.end();
  }

  close(): void {
    this.socket.destroy();
  }

  get #bytes(): number {
    return this.#received.reduce((sum, { length }) => sum + length, 0);
  }

  #take(bytes: number): Buffer {
    const all = Buffer.concat(this.#received);
    this.#received.splice(0, Number.POSITIVE_INFINITY, all.subarray(bytes));
    return all.subarray(0, bytes);
  }

  /** Heads are small: they lie in the first chunk, or the few after it. */
  async #find(text: string): Promise<number> {
    while (!Buffer.concat(this.#received).includes(text)) await this.#more();
    return Buffer.concat(this.#received).indexOf(text);
  }

  async #more(): Promise<void> {
    if (this.#hasEnded) {
      const rest = Buffer.concat(this.#received).toString("latin1").slice(0, 1_000);
      throw new Error(`the connection ended after ${JSON.stringify(rest)}`);
    }
    await this.#turn();
  }

  async #turn(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const impatient = setTimeout(() => reject(new Error("the broker is silent")), PATIENCE_MS);
      this.#wake = () => {
        clearTimeout(impatient);
        resolve();
      };
    });
  }
}
