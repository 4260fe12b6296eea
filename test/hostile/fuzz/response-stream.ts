import type { RawResponse } from "../../../packages/wire/test/readers/judge.ts";

const HEAD_END = "\r\n\r\n";
const STATUS_LINE = /^HTTP\/1\.1 (\d{3}) (.*)$/;

/** Cuts what comes over a connection into responses. */
export class ResponseStream {
  #rest: Buffer = Buffer.alloc(0);

  /** The responses that are whole now. Throws on what is none. */
  push(chunk: Buffer): RawResponse[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const responses: RawResponse[] = [];
    for (let next = this.#take(); next !== undefined; next = this.#take()) responses.push(next);
    return responses;
  }

  #take(): RawResponse | undefined {
    const headEnd = this.#rest.indexOf(HEAD_END);
    if (headEnd < 0) return undefined;
    const [statusLine = "", ...lines] = this.#rest.toString("latin1", 0, headEnd).split("\r\n");
    const [, status, reason = ""] = STATUS_LINE.exec(statusLine) ?? [];
    if (status === undefined) throw new Error(`not a status line: ${JSON.stringify(statusLine.slice(0, 200))}`);
    const headers = lines.map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    });
    const bodyStart = headEnd + HEAD_END.length;
    const length = Number(headers.find(([name]) => name.toLowerCase() === "content-length")?.[1] ?? 0);
    // A HEAD is told the length of what it does not get.
    const isOfHead = length > 0 && this.#rest.toString("latin1", bodyStart, bodyStart + 5) === "HTTP/";
    const bodyEnd = bodyStart + (isOfHead ? 0 : length);
    if (this.#rest.length < bodyEnd) return undefined;
    const body = this.#rest.subarray(bodyStart, bodyEnd);
    this.#rest = this.#rest.subarray(bodyEnd);
    return { status: Number(status), reason, headers, body };
  }
}
