import { Buffer } from "node:buffer";

/** What came back, whatever it says. */
export interface HttpReply {
  readonly status: number;
  /** By lower-case name; of two with one name the last. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

interface Head {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** Where the body begins. */
  readonly end: number;
}

const MAX_HEAD_BYTES = 64 * 1024;
/** 16 messages have 4 MiB of bodies, and six times that where all of it is escaped. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;
const EMPTY = Buffer.alloc(0);

/** Puts one reply of HTTP/1.1 together from what comes. Throws an Error at what is none. */
export class ReplyReader {
  /** Whether another request may follow on the connection. */
  keepsAlive = false;
  #chunks: Buffer[] = [];
  #length = 0;
  #head: Head | undefined;

  /** The reply, once it is complete. */
  read(chunk: Buffer): HttpReply | undefined {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length > MAX_BODY_BYTES) throw new Error(`the reply is longer than ${MAX_BODY_BYTES} bytes`);
    this.#head ??= this.#readHead();
    return this.#head && this.#readBody(this.#head);
  }

  /** The connection has ended: the reply, if that is how its end was to be known. */
  end(): HttpReply | undefined {
    const head = this.#head;
    if (head === undefined || lengthOf(head) !== "until the end") return undefined;
    return toReply(head, this.#bytes().subarray(head.end));
  }

  #bytes(): Buffer {
    const [first = EMPTY] = this.#chunks;
    if (this.#chunks.length <= 1) return first;
    const bytes = Buffer.concat(this.#chunks);
    this.#chunks = [bytes];
    return bytes;
  }

  #readHead(): Head | undefined {
    const bytes = this.#bytes();
    const end = bytes.indexOf("\r\n\r\n");
    if (end < 0) {
      if (bytes.length > MAX_HEAD_BYTES) throw new Error("the head of the reply does not end");
      return undefined;
    }
    const [statusLine = "", ...lines] = bytes.toString("latin1", 0, end).split("\r\n");
    const [, version, status] = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(statusLine) ?? [];
    if (status === undefined) throw new Error(`the reply begins with ${JSON.stringify(statusLine.slice(0, 40))}`);
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const colon = line.indexOf(":");
      if (colon > 0) headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    // 100 Continue and its like are not the answer yet.
    if (status.startsWith("1")) return this.#skip(end + 4);
    const connection = headers.connection?.toLowerCase() ?? "";
    this.keepsAlive = version === "1" ? !connection.includes("close") : connection.includes("keep-alive");
    return { status: Number(status), headers, end: end + 4 };
  }

  #skip(count: number): Head | undefined {
    const rest = this.#bytes().subarray(count);
    this.#chunks = [rest];
    this.#length = rest.length;
    return this.#readHead();
  }

  #readBody(head: Head): HttpReply | undefined {
    const length = lengthOf(head);
    if (length === "until the end") {
      this.keepsAlive = false;
      return undefined;
    }
    if (length === "chunked") return this.#readChunked(head);
    if (this.#length < head.end + length) return undefined;
    const bytes = this.#bytes();
    if (bytes.length > head.end + length) throw new Error("more came than the reply said it has");
    return toReply(head, bytes.subarray(head.end));
  }

  /** Looked at anew with every chunk: no broker that is known sends such replies, but gateways do. */
  #readChunked(head: Head): HttpReply | undefined {
    const bytes = this.#bytes();
    const parts: Buffer[] = [];
    for (let at = head.end; ; ) {
      const lineEnd = bytes.indexOf("\r\n", at);
      if (lineEnd < 0) return undefined;
      const [, hex] = /^([0-9a-f]{1,7})[ \t]*(?:;|$)/i.exec(bytes.toString("latin1", at, lineEnd)) ?? [];
      if (hex === undefined) throw new Error("a chunk of the reply has no length");
      const start = lineEnd + 2;
      const end = start + Number.parseInt(hex, 16);
      if (end === start) {
        const trailersEnd = bytes.indexOf("\r\n\r\n", lineEnd);
        if (trailersEnd < 0) return undefined;
        if (trailersEnd + 4 < bytes.length) throw new Error("more came than the reply said it has");
        return toReply(head, Buffer.concat(parts));
      }
      if (bytes.length < end + 2) return undefined;
      parts.push(bytes.subarray(start, end));
      at = end + 2;
    }
  }
}

function lengthOf({ status, headers }: Head): number | "chunked" | "until the end" {
  if (status === 204 || status === 304) return 0;
  if (headers["transfer-encoding"]?.toLowerCase().includes("chunked")) return "chunked";
  const length = headers["content-length"];
  if (length === undefined) return "until the end";
  if (!/^\d{1,15}$/.test(length)) throw new Error(`the length of the reply is ${JSON.stringify(length)}`);
  return Number(length);
}

function toReply({ status, headers }: Head, body: Buffer): HttpReply {
  return { status, headers, body };
}
