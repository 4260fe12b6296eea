import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { type HttpReply, ReplyReader } from "./reply-reader.ts";

interface Exchange {
  readonly reader: ReplyReader;
  readonly resolve: (reply: HttpReply) => void;
  readonly reject: (cause: unknown) => void;
}

/** Idle connections end before any server ends them: Node.js and Apache do after 5 s, without a word to a request on its way. */
const IDLE_FOR_MS = 4_000;

/** A connection that is kept: one request after the other, each with its reply. */
export class Connection {
  readonly #socket: Socket;
  #exchange: Exchange | undefined;
  #isSpent = false;

  /** `spent` is called when it is of no more use. */
  constructor(socket: Socket, spent: (connection: Connection) => void) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setTimeout(IDLE_FOR_MS, () => {
      if (this.#exchange === undefined) socket.destroy();
    });
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("error", (cause) => this.#fail(cause));
    socket.on("end", () => this.#end());
    socket.on("close", () => {
      this.#fail(new Error("it was closed"));
      spent(this);
    });
  }

  /** Whether another request may go out on it. */
  get isOpen(): boolean {
    return !this.#isSpent && !this.#socket.destroyed;
  }

  /** Rejects, and is spent, when anything is wrong. `sent` is called once the operating system may have all of the request. */
  send(request: string, sent: () => void): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      this.#exchange = { reader: new ReplyReader(), resolve, reject };
      this.#socket.ref();
      // TLS tells of what was written only after what has come meanwhile: the end of the connection, perhaps.
      if (this.#socket instanceof TLSSocket) sent();
      this.#socket.write(request, (error) => {
        if (!error) sent();
      });
    });
  }

  destroy(): void {
    this.#isSpent = true;
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    const exchange = this.#exchange;
    try {
      // What nobody asked for cannot be trusted, nor what comes after it.
      if (exchange === undefined) throw new Error("something came that nobody asked for");
      const reply = exchange.reader.read(chunk);
      if (reply !== undefined) this.#finish(exchange, reply);
    } catch (cause) {
      this.#fail(cause);
    }
  }

  #end(): void {
    const exchange = this.#exchange;
    const reply = exchange?.reader.end();
    if (exchange !== undefined && reply !== undefined) this.#finish(exchange, reply);
    else this.#fail(new Error("it was closed"));
  }

  #finish({ reader, resolve }: Exchange, reply: HttpReply): void {
    this.#exchange = undefined;
    if (reader.keepsAlive) this.#socket.unref();
    else this.destroy();
    resolve(reply);
  }

  #fail(cause: unknown): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.destroy();
    exchange?.reject(cause);
  }
}
