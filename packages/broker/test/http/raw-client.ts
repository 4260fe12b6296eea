import { connect, type Socket } from "node:net";
import type { RawResponse } from "../../../wire/test/readers/seen.ts";

/** A client on a raw socket: sends bytes as they are, reads one response after the other. */
export class RawClient {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #hasEnded = false;
  #wake: () => void = () => {};

  static async connect(port: number): Promise<RawClient> {
    const socket = connect(port, "127.0.0.1");
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new RawClient(socket);
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
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

  send(...parts: (string | Buffer)[]): void {
    for (const part of parts) this.socket.write(part);
  }

  /** The next response, 100 included. Fails when the connection ends before it is whole. */
  async response(method = "POST"): Promise<RawResponse> {
    const headEnd = await this.#find("\r\n\r\n");
    const head = this.#received.subarray(0, headEnd).toString("latin1");
    const [statusLine = "", ...lines] = head.split("\r\n");
    const [, status, reason = ""] = /^HTTP\/1\.1 (\d{3}) (.*)$/.exec(statusLine) ?? [];
    const headers = lines.map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    });
    const length = Number(headers.find(([name]) => name.toLowerCase() === "content-length")?.[1] ?? 0);
    const end = headEnd + 4 + (method === "HEAD" ? 0 : length);
    while (this.#received.length < end) await this.#more();
    const body = this.#received.subarray(headEnd + 4, end);
    this.#received = this.#received.subarray(end);
    return { status: Number(status), reason, headers, body };
  }

  /** Everything that comes before the other side ends the connection. */
  async untilEnd(): Promise<string> {
    while (!this.#hasEnded) await this.#turn();
    return this.#received.toString("latin1");
  }

  close(): void {
    this.socket.destroy();
  }

  async #find(text: string): Promise<number> {
    while (!this.#received.includes(text)) await this.#more();
    return this.#received.indexOf(text);
  }

  async #more(): Promise<void> {
    if (this.#hasEnded) throw new Error(`the connection ended after ${JSON.stringify(this.#received.toString())}`);
    await this.#turn();
  }

  async #turn(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}
