import { describe, expect, it } from "vitest";
import { KIB } from "../../src/domain/size.ts";
import { DEFAULT_HTTP_LIMITS } from "../../src/http/http-front.ts";
import { elementOf, headerOf, openFront, verdictOf } from "./open-front.ts";
import { RawClient } from "./raw-client.ts";
import { aMessage, POLL } from "./signed-request.ts";

const SMALL_LIMITS = { maxRequestBytes: 100 * KIB, maxDrain: 300 * KIB };
const aBodyOf = (bytes: number) => aMessage({ body: "x".repeat(bytes - aMessage({ body: "" }).length) });
const chunk = (bytes: number) => `${bytes.toString(16)}\r\n${"x".repeat(bytes)}\r\n`;
const CHUNKED = { "Transfer-Encoding": "chunked", "Content-Length": undefined };

describe("how much", () => {
  it("REQ-2.1: a raw request may have 25 MiB", async () => {
    const { ask, engine } = await openFront();
    expect(DEFAULT_HTTP_LIMITS.maxRequestBytes).toBe(25 * KIB * KIB);
    expect((await ask({ body: aBodyOf(25 * KIB * KIB) })).status).toBe(201);
    const response = await ask({ body: aBodyOf(25 * KIB * KIB + 1) });
    expect(verdictOf(response)).toBe("400 InvalidArgument");
    expect(elementOf(response, "Message")).toContain(
      "The value of the request should between 0 and 26214400 seconds/bytes.",
    );
    expect(engine.requests("publish")).toHaveLength(1);
  });

  it("REQ-2.1: nor may it have more when its length is not declared", async () => {
    const { connect, format, engine } = await openFront({ options: SMALL_LIMITS });
    const client = await connect();
    const body = aBodyOf(100 * KIB);
    const chunks = [body.slice(0, 70 * KIB), body.slice(70 * KIB)];
    const sent = chunks.map((text) => `${text.length.toString(16)}\r\n${text}\r\n`).join("");
    client.send(format({ headers: CHUNKED }), `${sent}0\r\n\r\n`);
    expect((await client.response()).status).toBe(201);
    client.send(format({ headers: CHUNKED }), `${chunk(90 * KIB)}${chunk(10 * KIB + 1)}0\r\n\r\n`);
    expect(verdictOf(await client.response())).toBe("400 InvalidArgument");
    expect(engine.requests("publish")).toHaveLength(1);
  });

  it("REQ-2.2: without room a large body waits in the socket, a small one never", async () => {
    const { ask, connect, format, engine } = await openFront({ options: { sharedReadBytes: 500 * KIB } });
    const large = format({ body: aBodyOf(300 * KIB) });
    const first = await connect();
    first.send(large.subarray(0, large.length - 1));
    const second = await connect();
    second.send(large);
    expect((await ask({ body: aBodyOf(64 * KIB) })).status).toBe(201);
    expect(engine.requests("publish")).toHaveLength(1);
    first.send(large.subarray(large.length - 1));
    expect((await first.response()).status).toBe(201);
    expect((await second.response()).status).toBe(201);
  });

  it("REQ-2.2: a body of undeclared length waits too, as soon as it is no small one", async () => {
    const { connect, format, engine } = await openFront({ options: { sharedReadBytes: 300 * KIB } });
    let answer: () => void = () => {};
    engine.onPublish = () => {
      engine.onPublish = () => ({ messageId: "M" });
      return new Promise((resolve) => {
        answer = () => resolve({ messageId: "M" });
      });
    };
    const first = await connect();
    first.send(format({ body: aBodyOf(300 * KIB) }));
    await engine.untilAsked("publish");
    const second = await connect();
    const body = aBodyOf(200 * KIB);
    second.send(format({ headers: CHUNKED }), `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
    const third = await connect();
    for (let n = 2; n < 22; n++) {
      third.send(format({ body: aMessage() }));
      await third.response();
      expect(engine.requests("publish")).toHaveLength(n);
    }
    answer();
    expect((await first.response()).status).toBe(201);
    expect((await second.response()).status).toBe(201);
  });

  it("REQ-2.2: bodies of undeclared length do not lock each other out", async () => {
    const options = { sharedReadBytes: 700 * KIB, maxRequestBytes: 600 * KIB };
    const { ask, connect, format, engine } = await openFront({ options });
    const clients = await Promise.all(Array.from({ length: 16 }, connect));
    const body = aBodyOf(590 * KIB);
    const part = (from: number, to: number) => `${(to - from).toString(16)}\r\n${body.slice(from, to)}\r\n`;
    for (const client of clients) client.send(format({ headers: CHUNKED }), part(0, 140 * KIB));
    for (let n = 0; n < 16; n++) await ask({ body: aMessage() }); // until all hold what they can get
    for (const client of clients) client.send(`${part(140 * KIB, body.length)}0\r\n\r\n`);
    for (const client of clients) expect((await client.response()).status).toBe(201);
    expect(engine.requests("publish")).toHaveLength(32);
  });

  it("REQ-2.2: what a body of undeclared length did not need of its room is given back once it is there", async () => {
    const options = { sharedReadBytes: 300 * KIB, maxRequestBytes: 256 * KIB };
    const { ask, connect, format, engine } = await openFront({ options });
    let answer: () => void = () => {};
    engine.onPublish = () => {
      engine.onPublish = () => ({ messageId: "M" });
      return new Promise((resolve) => {
        answer = () => resolve({ messageId: "M" });
      });
    };
    const first = await connect();
    const body = aBodyOf(100 * KIB);
    first.send(format({ headers: CHUNKED }), `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
    await engine.untilAsked("publish");
    expect((await ask({ body: aBodyOf(200 * KIB) })).status).toBe(201);
    answer();
    expect((await first.response()).status).toBe(201);
  });

  it("REQ-2.2: the length that is declared is reserved, though no byte of it has come", async () => {
    const { connect, format, engine } = await openFront({ options: { sharedReadBytes: 500 * KIB } });
    const large = format({ body: aBodyOf(300 * KIB) });
    const first = await connect();
    first.send(large.subarray(0, large.indexOf("\r\n\r\n") + 4));
    const second = await connect();
    second.send(large);
    const third = await connect();
    third.send(format({ body: aMessage() }));
    await third.response();
    expect(engine.requests("publish")).toHaveLength(1);
    first.close();
    expect((await second.response()).status).toBe(201);
  });
});

describe("how many", () => {
  it("there are so many connections, on all addresses together; one more is closed at once", async () => {
    const { connect, format, front } = await openFront({ options: { maxConnections: 1 } });
    const other = await front.listen("127.0.0.1", 0);
    const poll = format({ method: "GET", target: POLL });
    const first = await connect();
    first.send(poll);
    await first.response();
    expect(await (await connect()).untilEnd()).toBe("");
    expect(await (await RawClient.connect(other.port)).untilEnd()).toBe("");
    first.send(poll);
    expect((await first.response()).status).toBe(404);
    first.close();
    for (;;) {
      const next = await connect();
      next.send(poll);
      const answered = await next.response().catch(() => undefined);
      if (answered?.status === 404) break;
    }
  });
});

describe("how long", () => {
  it("REQ-2.3: headers, requests and idle connections have their times", async () => {
    const { headersTimeout, requestTimeout, keepAlive } = DEFAULT_HTTP_LIMITS;
    expect([headersTimeout, requestTimeout, keepAlive]).toEqual([10_000, 60_000, 75_000]);
  });

  it("REQ-2.3: slow headers and slow bodies end with 408", async () => {
    const { connect, format } = await openFront({
      options: { headersTimeout: 50, requestTimeout: 50, checkSlowEvery: 10 },
    });
    const bytes = format({ body: aBodyOf(100 * KIB) });
    for (const sent of [40, bytes.length - 1]) {
      const client = await connect();
      client.send(bytes.subarray(0, sent));
      const response = await client.response();
      expect(verdictOf(response)).toBe("408 TimeExpired");
      expect(headerOf(response, "Connection")).toBe("close");
      await client.untilEnd();
    }
  });

  it("REQ-2.3: a wait for room counts", async () => {
    const options = { requestTimeout: 500, headersTimeout: 500, checkSlowEvery: 10, sharedReadBytes: 500 * KIB };
    const { connect, format, engine } = await openFront({ options });
    let answer: () => void = () => {};
    engine.onPublish = () =>
      new Promise((resolve) => {
        answer = () => resolve({ messageId: "M" });
      });
    const large = format({ body: aBodyOf(300 * KIB) });
    const first = await connect();
    first.send(large);
    await engine.untilAsked("publish");
    const second = await connect();
    second.send(large);
    expect((await second.response()).status).toBe(408);
    answer();
    expect((await first.response()).status).toBe(201);
    expect(engine.requests("publish")).toHaveLength(1);
  });

  it("REQ-2.3: a poll that has begun is not cut short", async () => {
    const options = { requestTimeout: 30, headersTimeout: 30, checkSlowEvery: 10 };
    const { ask, connect, format, engine } = await openFront({ options });
    let answer: () => void = () => {};
    engine.onReceive = () =>
      new Promise((resolve) => {
        answer = () => resolve([]);
      });
    const poller = await connect();
    poller.send(format({ method: "GET", target: POLL }));
    await engine.untilAsked("receive");
    const slow = await connect();
    slow.send("POST");
    expect((await slow.response()).status).toBe(408);
    answer();
    expect((await poller.response()).status).toBe(404);
    expect((await ask({ body: aMessage() })).status).toBe(201);
  });
});

describe("the connection of a refused request", () => {
  it("REQ-3.1: is drained and stays usable", async () => {
    const { connect, format } = await openFront({ options: SMALL_LIMITS });
    const client = await connect();
    for (const body of [aMessage(), aBodyOf(90 * KIB), aBodyOf(300 * KIB)]) {
      client.send(format({ body, secret: "wrong" }));
      expect(verdictOf(await client.response())).toBe("403 SignatureDoesNotMatch");
    }
    client.send(format({ secret: "wrong", headers: CHUNKED }), `${chunk(150 * KIB)}${chunk(150 * KIB)}0\r\n\r\n`);
    expect((await client.response()).status).toBe(403);
    client.send(format({ headers: CHUNKED }), `${chunk(150 * KIB)}${chunk(150 * KIB)}0\r\n\r\n`);
    expect((await client.response()).status).toBe(400);
    client.send(format({ body: aMessage() }));
    const response = await client.response();
    expect(response.status).toBe(201);
    expect(headerOf(response, "Connection")).toBe("keep-alive");
  });

  it("REQ-3.1: the limit of draining is 32 MiB", async () => {
    expect(DEFAULT_HTTP_LIMITS.maxDrain).toBe(32 * KIB * KIB);
  });

  it("REQ-3.2: is closed when there is more than that, declared or not", async () => {
    const { connect, format } = await openFront({ options: SMALL_LIMITS });
    const tooMuch = [
      [format({ body: "x".repeat(300 * KIB + 1), secret: "wrong" })],
      [format({ body: "x".repeat(300 * KIB + 1) })],
      [format({ headers: CHUNKED, secret: "wrong" }), chunk(150 * KIB), chunk(151 * KIB), "0\r\n\r\n"],
      [format({ headers: CHUNKED }), chunk(150 * KIB), chunk(151 * KIB), "0\r\n\r\n"],
    ];
    for (const parts of tooMuch) {
      const client = await connect();
      client.send(...parts);
      const response = await client.response();
      expect([400, 403]).toContain(response.status);
      expect(headerOf(response, "Connection")).toBe("close");
      expect(await client.untilEnd()).toBe("");
    }
  });

  it.each([
    [
      "a body longer than it says",
      (bytes: Buffer) => Buffer.concat([bytes, Buffer.from("more and more\r\n\r\n")]),
      true,
    ],
    [
      "a length that is no number",
      (bytes: Buffer) => replace(bytes, /Content-Length: \d+/, "Content-Length: ten"),
      false,
    ],
    ["two lengths", (bytes: Buffer) => replace(bytes, /(Content-Length: )(\d+)/, "$1$2\r\n$17"), false],
    [
      "a length and chunks",
      (bytes: Buffer) => replace(bytes, /(Content-Length)/, "Transfer-Encoding: chunked\r\n$1"),
      false,
    ],
    [
      "a chunk without a size",
      () => Buffer.from("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
      false,
    ],
    ["no HTTP at all", () => Buffer.from("\x16\x03\x01\x02\x00\x01\x00"), false],
    ["HTTP/2", () => Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), false],
  ] as const)("REQ-3.2: is closed with the answer for %s", async (_what, spoil, isServedFirst) => {
    const { connect, format } = await openFront();
    const client = await connect();
    client.send(spoil(format({ body: aMessage() })));
    if (isServedFirst) expect((await client.response()).status).toBe(201);
    const response = await client.response();
    expect(verdictOf(response)).toBe("400 InvalidRequestURL");
    expect(headerOf(response, "Connection")).toBe("close");
    expect(await client.untilEnd()).toBe("");
  });

  it("REQ-3.2: is closed with the answer for a body shorter than it says", async () => {
    const { connect, format, engine } = await openFront();
    const client = await connect();
    const bytes = format({ body: aMessage() });
    client.send(bytes.subarray(0, bytes.length - 5));
    client.socket.end();
    const response = await client.response();
    expect(verdictOf(response)).toBe("400 InvalidRequestURL");
    expect(headerOf(response, "Connection")).toBe("close");
    expect(engine.asked).toEqual([]);
  });

  it("REQ-3.2: gives its answer also to a client that sends on before it reads", async () => {
    const { connect, format } = await openFront();
    const client = await connect();
    client.socket.pause();
    client.send(format({ headers: { "Content-Length": "99999999" } }));
    const error = await new Promise((resolve) => client.socket.write(Buffer.alloc(20_000 * KIB), resolve));
    expect(error ?? undefined).toBeUndefined();
    client.socket.resume();
    expect(verdictOf(await client.response())).toBe("400 InvalidArgument");
  });

  it("REQ-3.2: has no second answer when the body is cut short after the first", async () => {
    const { connect, format } = await openFront();
    const client = await connect();
    client.send(format({ secret: "wrong", headers: { "Content-Length": "99999999" } }), "a");
    expect(verdictOf(await client.response())).toBe("403 SignatureDoesNotMatch");
    client.socket.end();
    expect(await client.untilEnd()).toBe("");
  });

  it("REQ-3.2: is answered once, however much comes after what is broken", async () => {
    const { connect, steadyClock, log } = await openFront();
    const client = await connect();
    client.send("GARBAGE\r\n\r\n", "x".repeat(1_000 * KIB));
    expect(verdictOf(await client.response())).toBe("400 InvalidRequestURL");
    expect(await client.untilEnd()).toBe("");
    await steadyClock.advance(1_000);
    expect(log.of("request.refused")).toHaveLength(1);
  });

  it("REQ-3.2: is closed with 431 for headers over 16 KiB", async () => {
    const { connect, format } = await openFront();
    const client = await connect();
    client.send(format({ body: aMessage(), headers: { "X-Long": "a".repeat(17 * KIB) } }));
    const response = await client.response();
    expect(verdictOf(response)).toBe("431 InvalidArgument");
    expect(headerOf(response, "Connection")).toBe("close");
  });

  it.each([
    ["a wrong signature", { secret: "wrong" }, "403 SignatureDoesNotMatch"],
    ["an unknown path", { target: "/" }, "400 InvalidRequestURL"],
    ["too long a body", { headers: { "Content-Length": "30000000" } }, "400 InvalidArgument"],
  ] as const)("REQ-3.3: with Expect: 100-continue %s is answered instead of 100", async (_what, spoiled, verdict) => {
    const { connect, format, steadyClock, engine } = await openFront();
    const client = await connect();
    const { headers, ...request } = { headers: {}, ...spoiled };
    client.send(format({ ...request, headers: { "Content-Length": "500", Expect: "100-continue", ...headers } }));
    const response = await client.response();
    expect(verdictOf(response)).toBe(verdict);
    expect(headerOf(response, "Connection")).toBe("close");
    await steadyClock.advance(2_000);
    expect(await client.untilEnd()).toBe("");
    expect(engine.asked).toEqual([]);
  });

  it("REQ-3.3: a body that comes all the same does no harm", async () => {
    const { connect, format } = await openFront();
    const client = await connect();
    client.send(format({ body: aBodyOf(200 * KIB), secret: "wrong", headers: { Expect: "100-continue" } }));
    expect((await client.response()).status).toBe(403);
    expect(await client.untilEnd()).toBe("");
  });
});

function replace(bytes: Buffer, pattern: RegExp, by: string): Buffer {
  return Buffer.from(bytes.toString("latin1").replace(pattern, by), "latin1");
}
