import { describe, expect, it } from "vitest";
import { GOLDEN_ACCESS_KEY_ID, GOLDEN_REQUESTS, GOLDEN_SECRET } from "../../../wire/test/fixtures/golden-requests.ts";
import { judge } from "../../../wire/test/readers/judge.ts";
import { DEFAULT_HTTP_LIMITS } from "../../src/http/http-front.ts";
import { headerOf, openFront, verdictOf } from "./open-front.ts";
import { aDelivery } from "./scripted-engine.ts";
import { aMessage, handles, MESSAGES, POLL } from "./signed-request.ts";

describe("requests as SDKs send them", () => {
  const keys = [{ id: GOLDEN_ACCESS_KEY_ID, secret: GOLDEN_SECRET }];

  it.each(GOLDEN_REQUESTS)("the golden request $id is served: $title", async (golden) => {
    const { connect, engine } = await openFront({ keys, options: { clockSkew: 0 } });
    const client = await connect();
    const { method, target, headerLines, body } = golden;
    client.send([`${method} ${target} HTTP/1.1`, ...headerLines, "", ""].join("\r\n"), body);
    const isHeldBack = headerLines.includes("Expect: 100-continue");
    if (isHeldBack) expect((await client.response()).status).toBe(100);
    expect((await client.response()).status).toBe({ POST: 201, GET: 404, DELETE: 204 }[method]);
    expect(engine.asked).toHaveLength(1);
  });

  it("WIRE-9: a Host header without a blank is taken", async () => {
    const { connect, format } = await openFront();
    const client = await connect();
    const bytes = format({ body: aMessage() });
    client.send(Buffer.from(bytes.toString("latin1").replace("Host: ", "Host:"), "latin1"));
    expect((await client.response()).status).toBe(201);
  });

  it("WIRE-10: Expect: 100-continue gets 100 Continue, then the answer", async () => {
    const { connect, format, engine } = await openFront();
    const client = await connect();
    const body = aMessage();
    const bytes = format({ body, headers: { Expect: "100-continue" } });
    client.send(bytes.subarray(0, bytes.length - body.length));
    expect((await client.response()).status).toBe(100);
    expect(engine.asked).toEqual([]);
    client.send(body);
    expect((await client.response()).status).toBe(201);
  });

  it("WIRE-10: in a pipeline 100 Continue comes in its turn, and not at all when the body came with it", async () => {
    const { connect, format, engine } = await openFront();
    const expecting = format({ body: aMessage(), headers: { Expect: "100-continue" } });
    const headBytes = expecting.indexOf("\r\n\r\n") + 4;
    for (const hasComeWhole of [false, true]) {
      let answerPoll = () => {};
      engine.onReceive = () => new Promise((resolve) => (answerPoll = () => resolve([])));
      const published = engine.requests("publish").length;
      const client = await connect();
      client.send(format({ method: "GET", target: POLL }), hasComeWhole ? expecting : expecting.subarray(0, headBytes));
      await engine.untilAsked("receive", hasComeWhole ? 2 : 1);
      if (hasComeWhole) await engine.untilAsked("publish", published + 1);
      answerPoll();
      expect((await client.response("GET")).status).toBe(404);
      if (!hasComeWhole) {
        expect((await client.response()).status).toBe(100);
        client.send(expecting.subarray(headBytes));
      }
      const response = await client.response();
      expect([response.status, judge(response, "publish")]).toEqual([201, []]);
    }
  });

  it("WIRE-10: any other expectation is none of ours", async () => {
    const { ask } = await openFront();
    expect((await ask({ body: aMessage(), headers: { Expect: "a miracle" } })).status).toBe(201);
  });

  it("WIRE-11: a GET with the body a works, and the connection stays usable", async () => {
    const { connect, format } = await openFront();
    const client = await connect();
    for (let n = 0; n < 3; n++) {
      client.send(format({ method: "GET", target: POLL, body: "a" }));
      expect(verdictOf(await client.response())).toBe("404 MessageNotExist");
    }
  });

  it("WIRE-12: a GET with any bytes works, and nothing of them is in the log", async () => {
    const { connect, format, log } = await openFront();
    const client = await connect();
    const body = Buffer.concat([Buffer.from("SECRET <Message> \0 \xff", "latin1"), Buffer.alloc(200_000, 0xfe)]);
    for (let n = 0; n < 2; n++) {
      client.send(format({ method: "GET", target: POLL, body }));
      expect(verdictOf(await client.response())).toBe("404 MessageNotExist");
    }
    expect(JSON.stringify(log.entries)).not.toContain("SECRET");
  });

  it("WIRE-12: a GET with a body of undeclared length works", async () => {
    const { connect, format } = await openFront();
    const client = await connect();
    for (let n = 0; n < 2; n++) {
      client.send(
        format({ method: "GET", target: POLL, headers: { "Transfer-Encoding": "chunked" } }),
        "3\r\nabc\r\n0\r\n\r\n",
      );
      expect(verdictOf(await client.response())).toBe("404 MessageNotExist");
    }
  });

  it("WIRE-13: a GET with Content-Length: 0 works", async () => {
    const { ask } = await openFront();
    const response = await ask({ method: "GET", target: POLL, headers: { "Content-Length": "0" } });
    expect(verdictOf(response)).toBe("404 MessageNotExist");
  });

  it("WIRE-17: a connection serves on after a 404, a 403 and a 204", async () => {
    const { connect, format } = await openFront();
    const client = await connect();
    const statuses: number[] = [];
    const poll = { method: "GET", target: POLL };
    const acknowledge = { method: "DELETE", target: POLL, body: handles("h") };
    for (const request of [poll, { ...poll, secret: "wrong" }, acknowledge, { body: aMessage() }]) {
      client.send(format(request));
      statuses.push((await client.response()).status);
    }
    expect(statuses).toEqual([404, 403, 204, 201]);
  });

  it("WIRE-19: a target with two slashes at its beginning is served, signed with one", async () => {
    const { ask, engine } = await openFront();
    expect((await ask({ target: `/${MESSAGES}`, signedTarget: MESSAGES, body: aMessage() })).status).toBe(201);
    expect(engine.requests("publish")).toMatchObject([{ topic: { topic: "orders" } }]);
  });

  it("WIRE-21: both spellings of a dead-letter topic reach it", async () => {
    const { ask, engine } = await openFront();
    for (const topic of ["%25DLQ%25GID_a", "%DLQ%GID_a"]) {
      await ask({ method: "GET", target: `/topics/${topic}/messages?consumer=GID_a` });
    }
    expect(engine.requests("receive")).toMatchObject(Array(2).fill({ topic: { topic: "%DLQ%GID_a" } }));
  });

  it("WIRE-22: a request line may have 8 KiB", async () => {
    const { ask } = await openFront();
    const target = `${POLL}&tag=${"t".repeat(8_100)}`;
    expect(verdictOf(await ask({ method: "GET", target }))).toBe("404 MessageNotExist");
  });

  it("WIRE-1 and INS-1.1: without ns, or with an empty one, the default instance is meant", async () => {
    const { ask, engine } = await openFront();
    for (const query of ["", "?", "?ns=", "?ns=MQ_INST_other"])
      await ask({ target: MESSAGES + query, body: aMessage() });
    const instances = engine.requests<{ topic: { instance: string } }>("publish").map(({ topic }) => topic.instance);
    expect(instances).toEqual(["MQ_INST_dev", "MQ_INST_dev", "MQ_INST_dev", "MQ_INST_other"]);
  });
});

describe("responses as SDKs read them", () => {
  it("WIRE-14 and WIRE-15: nothing is compressed and nobody is sent elsewhere", async () => {
    const { ask, engine } = await openFront();
    engine.onReceive = () => [aDelivery({ body: "a".repeat(100_000) })];
    const headers = { "Accept-Encoding": "gzip, deflate, br" };
    for (const request of [{ body: aMessage() }, { method: "GET", target: POLL }, { method: "GET", target: "/" }]) {
      const response = await ask({ ...request, headers });
      const names = response.headers.map(([name]) => name.toLowerCase());
      expect(names).not.toContain("content-encoding");
      expect(names).not.toContain("location");
    }
  });

  it("WIRE-16: an idle connection is kept for 75 s", async () => {
    const { connect, format } = await openFront();
    expect(DEFAULT_HTTP_LIMITS.keepAlive).toBe(75_000);
    const client = await connect();
    client.send(format({ method: "GET", target: POLL }));
    expect(headerOf(await client.response(), "Keep-Alive")).toBe("timeout=75");
  });

  it("WIRE-63: the request id is there in lower case, and another one in each response", async () => {
    const { connect, format } = await openFront();
    const requests = [
      format({ body: aMessage() }),
      format({ method: "GET", target: POLL }),
      format({ method: "DELETE", target: POLL, body: handles("h") }),
      format({ method: "GET", target: "/" }),
      format({ method: "PUT" }),
      format({ headers: { Host: undefined } }),
      Buffer.from("GARBAGE\r\n\r\n"),
      Buffer.from(`GET ${POLL} HTTP/1.1\r\nHost: x\r\nX-Long: ${"a".repeat(17_000)}\r\n\r\n`),
    ];
    const ids = new Set<string | undefined>();
    for (const bytes of requests) {
      const client = await connect();
      client.send(bytes);
      const response = await client.response();
      ids.add(headerOf(response, "x-mq-request-id"));
      expect(headerOf(response, "x-mq-version")).toBe("2015-06-06");
      expect(headerOf(response, "Date")).toMatch(/ GMT$/);
    }
    expect(ids.size).toBe(requests.length);
    for (const id of ids) expect(id).toMatch(/^[0-9A-F]{24}$/);
  });

  it("WIRE-64: Content-Type is text/xml whenever there is a body", async () => {
    const { ask } = await openFront();
    const acknowledged = await ask({ method: "DELETE", target: POLL, body: handles("h") });
    expect(headerOf(acknowledged, "Content-Type")).toBeUndefined();
    for (const request of [{ body: aMessage() }, { method: "GET", target: POLL }, { method: "GET", target: "/" }]) {
      expect(headerOf(await ask(request), "Content-Type")).toBe("text/xml;charset=utf-8");
    }
  });
});
