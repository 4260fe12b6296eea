import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type HttpReply, ReplyReader } from "./reply-reader.ts";

/** What is read of this, given in these pieces. */
function read(...pieces: readonly string[]): { reply: HttpReply | undefined; keepsAlive: boolean } {
  const reader = new ReplyReader();
  let reply: HttpReply | undefined;
  for (const piece of pieces) reply = reader.read(Buffer.from(piece));
  return { reply, keepsAlive: reader.keepsAlive };
}

function bodyOf(...pieces: readonly string[]): string | undefined {
  return read(...pieces).reply?.body.toString();
}

describe("a reply", () => {
  it("has a status, headers by lower-case name, and a body", () => {
    const { reply, keepsAlive } = read(
      "HTTP/1.1 201 Created\r\nContent-Type: text/xml\r\nX-MQ-Request-Id:  R  \r\nContent-Length: 3\r\n\r\nä!",
    );
    expect(reply).toMatchObject({ status: 201, headers: { "content-type": "text/xml", "x-mq-request-id": "R" } });
    expect(reply?.body.toString()).toBe("ä!");
    expect(keepsAlive).toBe(true);
  });

  it("is the same in whatever pieces it comes", () => {
    const plain = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    const chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3 \r\nllo\r\n0\r\nA: b\r\n\r\n";
    const interim = `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n${plain}`;
    fc.assert(
      fc.property(fc.constantFrom(plain, chunked, interim), fc.array(fc.nat(120), { maxLength: 6 }), (text, cuts) => {
        const places = [...new Set([0, ...cuts.filter((cut) => cut < text.length), text.length])].sort((a, b) => a - b);
        const pieces = places.slice(1).map((end, index) => text.slice(places[index], end));
        expect(bodyOf(...pieces)).toBe("hello");
      }),
    );
  });

  it("is not there before it is complete", () => {
    expect(bodyOf("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell")).toBeUndefined();
    expect(bodyOf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")).toBeUndefined();
    expect(bodyOf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n")).toBeUndefined();
    expect(bodyOf("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n")).toBeUndefined();
  });

  it("without a length ends with the connection", () => {
    const reader = new ReplyReader();
    expect(reader.read(Buffer.from("HTTP/1.1 200 OK\r\n\r\nhel"))).toBeUndefined();
    expect(reader.read(Buffer.from("lo"))).toBeUndefined();
    expect(reader.end()?.body.toString()).toBe("hello");
    expect(reader.keepsAlive).toBe(false);
  });

  it("with a length does not end with the connection", () => {
    const reader = new ReplyReader();
    reader.read(Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel"));
    expect(reader.end()).toBeUndefined();
    expect(new ReplyReader().end()).toBeUndefined();
  });

  it("of 204 has no body, whatever its length", () => {
    expect(bodyOf("HTTP/1.1 204 No Content\r\n\r\n")).toBe("");
  });

  const lives: [string, boolean][] = [
    ["HTTP/1.1 204 x\r\nConnection: close\r\n\r\n", false],
    ["HTTP/1.1 204 x\r\nConnection: keep-alive\r\n\r\n", true],
    ["HTTP/1.0 204 x\r\n\r\n", false],
    ["HTTP/1.0 204 x\r\nConnection: Keep-Alive\r\n\r\n", true],
  ];
  it.each(lives)("%j: another request may follow: %s", (text, keepsAlive) => {
    expect(read(text).keepsAlive).toBe(keepsAlive);
  });

  const faults: [string, string][] = [
    ["SSH-2.0-OpenSSH\r\n\r\n", 'the reply begins with "SSH-2.0-OpenSSH"'],
    ["HTTP/2 200\r\n\r\n", 'the reply begins with "HTTP/2 200"'],
    ["HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 'the length of the reply is "-1"'],
    ["HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab", "more came than the reply said it has"],
    ["HTTP/1.1 204 x\r\n\r\nab", "more came than the reply said it has"],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "a chunk of the reply has no length"],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nx", "more came than the reply said it has"],
    [`HTTP/1.1 200 OK\r\nA: ${"x".repeat(70_000)}`, "the head of the reply does not end"],
  ];
  it.each(faults)("is not %j: %s", (text, reason) => {
    expect(() => read(text)).toThrow(reason);
  });

  it("is never longer than 64 MiB", () => {
    const reader = new ReplyReader();
    reader.read(Buffer.from("HTTP/1.1 200 OK\r\n\r\n"));
    const mebibyte = Buffer.alloc(1024 * 1024);
    for (let count = 0; count < 63; count += 1) reader.read(mebibyte);
    expect(() => reader.read(mebibyte)).toThrow("the reply is longer than 67108864 bytes");
  });
});
