import { describe, expect, it } from "vitest";
import { MINUTE, SECOND } from "../../src/domain/time.ts";
import { elementOf, openFront, verdictOf } from "./open-front.ts";
import { type AnyRequest, aMessage, MESSAGES, POLL } from "./signed-request.ts";

const PUBLISH: AnyRequest = { body: aMessage() };

describe("who is let in", () => {
  it("REQ-1.1: an undeclared id is let in whatever it signed, where that is allowed", async () => {
    const { ask, engine, log } = await openFront({ undeclared: "let-in" });
    for (let n = 0; n < 2; n++) {
      const response = await ask({ ...PUBLISH, accessKeyId: "shop", secret: "anything" });
      expect(response.status).toBe(201);
    }
    expect(engine.asked.map(({ call }) => call.caller)).toEqual(["shop", "shop"]);
    expect(log.of("access-key.let-in").map(({ fields }) => fields.accessKeyId)).toEqual(["shop"]);
  });

  it("REQ-1.2: a declared id is checked, also where others are let in", async () => {
    const { ask, engine } = await openFront({ undeclared: "let-in" });
    expect(verdictOf(await ask({ ...PUBLISH, secret: "wrong" }))).toBe("403 SignatureDoesNotMatch");
    expect((await ask(PUBLISH)).status).toBe(201);
    expect(engine.asked).toHaveLength(1);
  });

  it("REQ-1.3 and WIRE-35: an undeclared id is refused where it must be declared", async () => {
    const { ask } = await openFront();
    const response = await ask({ ...PUBLISH, accessKeyId: "shop2" });
    expect(verdictOf(response)).toBe("403 InvalidAccessKeyId");
    expect(elementOf(response, "Message")).toBe(
      "The AccessKey Id you provided is not exist. Hint: key id shop2 is not declared here (users: in stagemq.yaml).",
    );
  });

  it("WIRE-37: a registered security token must match, an unregistered one is ignored", async () => {
    const keys = [
      { id: "dev", secret: "dev-secret" },
      { id: "sts", secret: "s", token: "tok" },
    ];
    const { ask } = await openFront({ keys });
    const verdicts: string[] = [];
    for (const token of [undefined, "other", "tok"]) {
      const headers = { "security-token": token };
      verdicts.push(verdictOf(await ask({ ...PUBLISH, accessKeyId: "sts", secret: "s", headers })));
      verdicts.push(verdictOf(await ask({ ...PUBLISH, headers })));
    }
    expect(verdicts).toEqual(["403 AccessDenied", "201", "403 AccessDenied", "201", "201", "201"]);
  });
});

describe("the signature", () => {
  it("WIRE-34: a wrong secret is 403 with a full Error", async () => {
    const { ask } = await openFront({ options: { signedTextInHint: false } });
    const response = await ask({ ...PUBLISH, secret: "wrong" });
    expect(verdictOf(response)).toBe("403 SignatureDoesNotMatch");
    expect(elementOf(response, "Message")).toBe(
      "The request signature we calculated does not match the signature you provided. Check your key and signing method." +
        " Hint: usual causes: wrong secret; an endpoint with a path or a slash at the end; a proxy that rewrites the path.",
    );
    expect(elementOf(response, "RequestId")).toMatch(/^[0-9A-F]{24}$/);
    expect(elementOf(response, "HostId")).toBe("http://127.0.0.1");
  });

  it("REQ-5.1: what was signed here is shown in dev, and is in the log alone elsewhere", async () => {
    const dev = await openFront();
    const shown = elementOf(await dev.ask({ method: "GET", target: POLL, secret: "wrong" }), "Message");
    expect(shown).toContain(" This broker signed: GET\n\ntext/xml;charset=utf-8\n");
    const serve = await openFront({ options: { signedTextInHint: false } });
    const hidden = elementOf(await serve.ask({ method: "GET", target: POLL, secret: "wrong" }), "Message");
    expect(hidden).not.toContain("signed: GET");
    expect(serve.log.of("request.refused")[0]?.fields.signed).toContain("GET\n\ntext/xml;charset=utf-8\n");
  });

  it("WIRE-8: header names are taken in any case", async () => {
    const { ask } = await openFront();
    const headers = { "x-mq-version": undefined, "X-MQ-VERSION": "2015-06-06", Date: undefined };
    const response = await ask({ ...PUBLISH, headers: { ...headers, dAtE: "Sat, 21 Nov 2026 03:41:08 GMT" } });
    expect(response.status).toBe(201);
  });

  it("WIRE-24 and WIRE-25: Content-Type is signed as it is, also when absent", async () => {
    const { ask } = await openFront();
    for (const type of [undefined, "text/xml", "text/xml;charset=UTF-8"]) {
      expect((await ask({ ...PUBLISH, headers: { "Content-Type": type } })).status).toBe(201);
    }
  });

  it("WIRE-29: a signature over the decoded path is taken", async () => {
    const { ask, engine } = await openFront();
    const query = "messages?consumer=GID_a";
    const request = {
      method: "GET",
      target: `/topics/%25DLQ%25GID_a/${query}`,
      signedTarget: `/topics/%DLQ%GID_a/${query}`,
    };
    expect(verdictOf(await ask(request))).toBe("404 MessageNotExist");
    expect(engine.requests("receive")).toMatchObject([{ topic: { topic: "%DLQ%GID_a" } }]);
  });

  it("WIRE-36: a missing or malformed Authorization is 400", async () => {
    const { ask } = await openFront();
    const verdicts: string[] = [];
    for (const Authorization of [undefined, "", "MQ dev", "mq dev:x", "Bearer x"]) {
      verdicts.push(verdictOf(await ask({ ...PUBLISH, headers: { Authorization } })));
    }
    const malformed = "400 InvalidAuthorizationHeader";
    const missing = "400 MissingAuthorizationHeader";
    expect(verdicts).toEqual([missing, missing, malformed, malformed, malformed]);
  });
});

describe("the date", () => {
  it("WIRE-33: a Date more than 15 min off is 408, to the second", async () => {
    const { ask, clock } = await openFront();
    const now = Math.floor(clock.wall() / SECOND) * SECOND;
    await clock.step(now - clock.wall());
    const verdicts: string[] = [];
    for (const off of [-15 * MINUTE - SECOND, -15 * MINUTE, 15 * MINUTE, 15 * MINUTE + SECOND]) {
      verdicts.push(verdictOf(await ask({ ...PUBLISH, date: now + off })));
    }
    expect(verdicts).toEqual(["408 TimeExpired", "201", "201", "408 TimeExpired"]);
  });

  it("REQ-5.1: a clock that is off is told both times", async () => {
    const { ask } = await openFront();
    const late = await ask({ ...PUBLISH, date: Date.UTC(2026, 10, 21, 3, 24, 2) });
    expect(elementOf(late, "Message")).toBe(
      "The http request you sent is expired. Hint: the request says 03:24:02 GMT, this broker's clock 03:41:08 GMT: " +
        "18 min apart, 15 min are allowed. Set the client's clock.",
    );
    const ancient = await ask({ ...PUBLISH, date: Date.UTC(2026, 10, 20, 3, 41, 8) });
    expect(elementOf(ancient, "Message")).toContain("the request says Fri, 20 Nov 2026 03:41:08 GMT");
  });

  it("TIM-1.6: a request's Date is held against the wall clock as it stands", async () => {
    const { ask, clock } = await openFront();
    await clock.step(-60 * MINUTE);
    expect((await ask({ ...PUBLISH, date: clock.wall() })).status).toBe(201);
    expect((await ask({ ...PUBLISH, date: clock.now() })).status).toBe(408);
  });

  it("WIRE-33: with the window at 0 any Date will do", async () => {
    const { ask } = await openFront({ options: { clockSkew: 0 } });
    expect((await ask({ ...PUBLISH, date: 0 })).status).toBe(201);
  });

  it("WIRE-33: a missing or unreadable Date is 400", async () => {
    const { ask } = await openFront();
    expect(verdictOf(await ask({ ...PUBLISH, headers: { Date: undefined } }))).toBe("400 MissingDateHeader");
    expect(verdictOf(await ask({ ...PUBLISH, headers: { Date: "yesterday" } }))).toBe("400 InvalidDateHeader");
  });
});

describe("the digest", () => {
  it("WIRE-30: a Content-MD5 that does not fit is 400 InvalidDigest", async () => {
    const { ask, engine } = await openFront();
    const fitting = "MTkxOWQyY2ZkZWZiNTJlOTI4YjA0MDhjYjcyY2QyZmQ=";
    expect(verdictOf(await ask({ ...PUBLISH, headers: { "Content-MD5": fitting } }))).toBe("400 InvalidDigest");
    expect(engine.asked).toEqual([]);
  });

  it("WIRE-31 and WIRE-32: on a GET no digest is compared, Go's of nothing or any other", async () => {
    const { ask } = await openFront();
    for (const digest of ["ZDQxZDhjZDk4ZjAwYjIwNGU5ODAwOTk4ZWNmODQyN2U=", "nonsense"]) {
      const request = { method: "GET", target: POLL, headers: { "Content-MD5": digest }, body: "a" };
      expect(verdictOf(await ask(request))).toBe("404 MessageNotExist");
    }
  });

  it("WIRE-30: a request is refused for its signature before its digest", async () => {
    const { ask } = await openFront();
    const request = { ...PUBLISH, target: MESSAGES, secret: "wrong", headers: { "Content-MD5": "nonsense" } };
    expect(verdictOf(await ask(request))).toBe("403 SignatureDoesNotMatch");
  });
});
