import { connect, type Socket } from "node:net";
import { connect as connectSecurely } from "node:tls";

/** No endpoint takes so long to answer: long polls end after 30 s. */
const PATIENCE_MS = 60_000;
const READ_BYTES = 64 * 1024;
const HEAD_END = "\r\n\r\n";
const NOTHING = Buffer.alloc(0);

export interface Reply {
  readonly status: number;
  readonly body: Buffer;
}

interface Waiting {
  readonly answer: (reply: Reply) => void;
  readonly fail: (reason: Error) => void;
}

/**
 * One keep-alive connection, one request after the other, on a bare socket: a client library would cost the load generator more
 * than the broker spends on the request. Sends the bytes it is given and reads the few replies that brokers send, nothing else
 * of HTTP.
 */
export class HttpConnection {
  readonly #socket: Socket;
  #received: Buffer = NOTHING;
  #waiting: Waiting | undefined;
  #failure: Error | undefined;

  /** Rejects with the system's error when nobody listens. */
  static async open(endpoint: URL): Promise<HttpConnection> {
    const isSecure = endpoint.protocol === "https:";
    const host = endpoint.hostname.replace(/^\[|\]$/g, "");
    const port = Number(endpoint.port || (isSecure ? 443 : 80));
    let read: (chunk: Buffer) => void = () => {};
    const onread = {
      buffer: Buffer.allocUnsafe(READ_BYTES),
      // Into one buffer again and again: whatever is kept of it must be copied.
      callback: (count: number, buffer: Uint8Array): boolean => {
        read((buffer as Buffer).subarray(0, count));
        return true;
      },
    };
    const socket = isSecure ? connectSecurely({ host, port, servername: host }) : connect({ host, port, onread });
    await new Promise<void>((resolve, reject) => {
      socket.once(isSecure ? "secureConnect" : "connect", resolve);
      socket.once("error", reject);
    });
    const connection = new HttpConnection(socket);
    read = (chunk) => connection.#read(chunk);
    if (isSecure) socket.on("data", read);
    return connection;
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setTimeout(PATIENCE_MS, () => {
      if (this.#waiting !== undefined) socket.destroy(new Error("no answer came within 60 s"));
    });
    socket.on("error", (error) => this.#fail(error));
    for (const event of ["end", "close"])
      socket.on(event, () => this.#fail(new Error("the endpoint closed the connection")));
  }

  /** Whether another request may be sent. */
  get isOpen(): boolean {
    return this.#failure === undefined;
  }

  /** One request, its whole reply. Not to be called before the reply to the one before has come. */
  exchange(request: Buffer): Promise<Reply> {
    return new Promise((answer, fail) => {
      if (this.#failure !== undefined) {
        fail(this.#failure);
        return;
      }
      this.#waiting = { answer, fail };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#failure ??= new Error("the connection was closed");
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    const isWhole = this.#received.length === 0;
    const bytes = isWhole ? chunk : Buffer.concat([this.#received, chunk]);
    let read: { reply: Reply; bytes: number } | undefined;
    try {
      read = readReply(bytes);
    } catch (error) {
      this.#socket.destroy(error as Error);
      return;
    }
    if (read === undefined) {
      this.#received = isWhole ? Buffer.from(bytes) : bytes;
      return;
    }
    this.#received = read.bytes === bytes.length ? NOTHING : Buffer.from(bytes.subarray(read.bytes));
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.answer(read.reply);
  }

  #fail(reason: Error): void {
    this.#failure ??= reason;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.fail(this.#failure);
  }
}

/** The first reply in the bytes, and how many it takes; undefined while it is not all there. */
function readReply(bytes: Buffer): { reply: Reply; bytes: number } | undefined {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const head = bytes.toString("latin1", 0, headEnd);
  const status = Number(/^HTTP\/1[.][01] (\d{3})/.exec(head)?.[1]);
  if (Number.isNaN(status)) throw new Error(`this is no reply of HTTP: ${head.slice(0, 80)}`);
  const bodyStart = headEnd + HEAD_END.length;
  if (status < 200) return readAfter(bytes, bodyStart);
  if (status === 204 || status === 304) return { reply: { status, body: NOTHING }, bytes: bodyStart };
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length === undefined) return readChunks(bytes, bodyStart, status);
  const end = bodyStart + Number(length);
  if (bytes.length < end) return undefined;
  return { reply: { status, body: Buffer.from(bytes.subarray(bodyStart, end)) }, bytes: end };
}

/** What 100 Continue and its like come before. */
function readAfter(bytes: Buffer, start: number): ReturnType<typeof readReply> {
  const next = readReply(bytes.subarray(start));
  return next && { ...next, bytes: start + next.bytes };
}

function readChunks(bytes: Buffer, bodyStart: number, status: number): ReturnType<typeof readReply> {
  const chunks: Buffer[] = [];
  for (let at = bodyStart; ; ) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    if (Number.isNaN(size)) throw new Error("the reply has neither a content-length nor chunks");
    const start = lineEnd + 2;
    const end = start + size + 2;
    if (bytes.length < end) return undefined;
    if (size === 0) return { reply: { status, body: Buffer.concat(chunks) }, bytes: end };
    chunks.push(bytes.subarray(start, start + size));
    at = end;
  }
}
