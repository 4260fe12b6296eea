import { REFUSALS } from "@stagemq/wire";
import { describe, expect, it } from "vitest";
import { BrokerError, type BrokerErrorCode } from "../../src/domain/broker-error.ts";
import { BROKER_REFUSALS, DOOR_REFUSALS, HANDLE_REFUSALS } from "../../src/http/error-table.ts";
import { elementOf, headerOf, openFront, verdictOf } from "./open-front.ts";
import { type AnyRequest, aMessage, handles, MESSAGES, POLL } from "./signed-request.ts";

const CODES = Object.keys(REFUSALS);
const PUBLISH: AnyRequest = { body: aMessage() };

describe("paths and methods", () => {
  it("REQ-4.1: GET / says what this port is", async () => {
    const { ask } = await openFront();
    const response = await ask({ method: "GET", target: "/", headers: { Host: "broker:4876" } });
    expect(verdictOf(response)).toBe("400 InvalidRequestURL");
    expect(elementOf(response, "Message")).toBe(
      "Http request URL format invalid. Hint: this is the message port of stagemq 0.1.0 for the official HTTP SDKs, not a " +
        "web page. Use http://broker:4876 as the endpoint of your SDK; see its README.",
    );
  });

  it.each(["/topics", "/topics//messages", "/topics/a/b/messages", "/Topics/a/messages", "/topics/a/messages/", "*"])(
    "REQ-4.1: an unknown path is 400, with any method: %s",
    async (target) => {
      const { ask } = await openFront();
      for (const method of ["GET", "POST", "OPTIONS"]) {
        expect(verdictOf(await ask({ method, target }))).toBe("400 InvalidRequestURL");
      }
    },
  );

  it.each(["PUT", "PATCH", "HEAD", "OPTIONS", "PURGE"])(
    "REQ-4.2: %s on a known path is 405 with Allow",
    async (method) => {
      const { ask } = await openFront();
      const response = await ask({ method });
      expect(response.status).toBe(405);
      expect(headerOf(response, "Allow")).toBe("GET, POST, DELETE");
      if (method !== "HEAD") expect(verdictOf(response)).toBe("405 InvalidRequestURL");
    },
  );

  it("REQ-3.2: a request without Host is no HTTP/1.1, and its connection is closed", async () => {
    const { ask } = await openFront();
    const response = await ask({ ...PUBLISH, headers: { Host: undefined } });
    expect(verdictOf(response)).toBe("400 InvalidRequestURL");
    expect(headerOf(response, "Connection")).toBe("close");
  });
});

describe("a missing topic", () => {
  /** The hint for a publish to this target where these topics exist. */
  async function hintFor(target: string, topics: string[], makeByUse = false): Promise<string | undefined> {
    const { ask, engine } = await openFront({ options: { makeByUse } });
    engine.topics.push(...topics);
    engine.onPublish = () => {
      throw new BrokerError("topic-not-found", "no such topic");
    };
    const response = await ask({ ...PUBLISH, target });
    expect(verdictOf(response)).toBe("404 TopicNotExist");
    return elementOf(response, "Message")?.replace("The topic you provided does not exist. Hint: ", "");
  }

  it("REQ-5.1: is told the nearest name", async () => {
    const named = "/topics/order_event/messages?ns=MQ_INST_dev";
    const advice = "declare order_event under instances → MQ_INST_dev → topics";
    expect(await hintFor(named, ["payments", "order_events", "orders"])).toBe(`${advice}; nearest name: order_events.`);
    expect(await hintFor(named, ["payments"])).toBe(`${advice}.`);
  });

  it("REQ-5.1: is told the default instance when the request named none", async () => {
    const hint = await hintFor("/topics/order_event/messages", ["payments"]);
    expect(hint).toBe("the request named no instance (default: MQ_INST_dev).");
  });

  it("REQ-5.1: is told what dev makes of it", async () => {
    const hint = await hintFor("/topics/order_event/messages?ns=MQ_INST_dev", [], true);
    expect(hint).toBe("nothing was sent to order_event in MQ_INST_dev yet.");
  });

  it("REQ-5.1: is told that the default instance is none, where the request named none", async () => {
    const { ask, engine } = await openFront({ options: { makeByUse: false, defaultInstance: "MQ_INST_none" } });
    engine.onPublish = () => {
      throw new BrokerError("topic-not-found", "no such topic");
    };
    const response = await ask({ ...PUBLISH, target: "/topics/orders/messages" });
    expect(elementOf(response, "Message")).toContain("set the instance id in your SDK, or defaultInstance");
  });

  it("INS-1.3: an unknown instance is TopicNotExist with a hint that names no other", async () => {
    const hint = await hintFor("/topics/orders/messages?ns=MQ_INST_typo", ["orders"]);
    expect(hint).toBe("declare the instance MQ_INST_typo (instances: in stagemq.yaml).");
  });
});

describe("every refusal", () => {
  it("REQ-5.1: never names a Code in its text, whatever it quotes", async () => {
    const { ask, engine } = await openFront({ options: { clockSkew: 1_000, makeByUse: false } });
    const evil = "MessageNotExist";
    const wrong: AnyRequest[] = [
      { method: "GET", target: "/" },
      { method: "GET", target: `/${evil}`, headers: { Host: evil } },
      { method: "PUT" },
      { method: "GET", target: `${MESSAGES}?trans=${evil}` },
      { method: "GET" },
      { ...PUBLISH, headers: { Authorization: undefined } },
      { ...PUBLISH, headers: { Authorization: evil } },
      { ...PUBLISH, headers: { Date: undefined } },
      { ...PUBLISH, headers: { Date: evil } },
      { ...PUBLISH, date: 0 },
      { ...PUBLISH, accessKeyId: evil },
      { ...PUBLISH, secret: "wrong", headers: { "x-mq-other": evil } },
      { ...PUBLISH, headers: { "Content-MD5": evil } },
      { body: evil },
      { body: `<Message><${evil}/></Message>` },
      { body: `<Message><MessageBody>a</MessageBody></Message><${evil}/>` },
      { body: aMessage({ properties: `__TransCheckT:${evil}` }) },
      { method: "DELETE", target: POLL, body: handles() },
      { method: "DELETE", target: POLL, body: handles(evil) },
      { ...PUBLISH, target: `/topics/${evil}/messages?ns=${evil}` },
    ];
    engine.onHandles = (request) => request.handles.map((handle) => ({ handle, refusal: "invalid", hint: handle }));
    engine.onPublish = () => {
      throw new BrokerError("topic-not-found", evil);
    };
    for (const request of wrong) {
      const response = await ask(request);
      expect(response.status).toBeGreaterThanOrEqual(400);
      const text = elementOf(response, "Message") ?? elementOf(response, "ErrorMessage") ?? "";
      expect(text).not.toBe("");
      expect(CODES.filter((code) => text.includes(code))).toEqual([]);
    }
  });

  it("REQ-5.1: of an engine never names a Code either", async () => {
    const { ask, engine } = await openFront();
    for (const code of Object.keys(BROKER_REFUSALS) as BrokerErrorCode[]) {
      engine.onPublish = () => {
        throw new BrokerError(code, "the topic MessageNotExist is not to be had");
      };
      const text = elementOf(await ask(PUBLISH), "Message") ?? "";
      expect(CODES.filter((other) => text.includes(other))).toEqual([]);
    }
  });

  it("PUB-6.1: is a 5xx only where the engine says that nothing was stored, or nobody knows", () => {
    const tables = { ...BROKER_REFUSALS, ...DOOR_REFUSALS, ...HANDLE_REFUSALS };
    const fatal = Object.entries(tables).flatMap(([reason, { status }]) => (status >= 500 ? [reason] : []));
    expect(fatal).toEqual([
      "upstream-unavailable",
      "stopping",
      "storage-full",
      "storage-failed",
      "no-room-for-answer", // never of a publish: those are small
      "bug",
    ]);
  });
});

describe("the log of refusals", () => {
  it("RUN-3.1: alike ones are said at once, then once a second with their number", async () => {
    const { ask, steadyClock, log } = await openFront();
    for (let n = 0; n < 4; n++) await ask({ ...PUBLISH, secret: "wrong" });
    await ask({ method: "GET", target: "/" });
    const said = () => log.of("request.refused").map(({ fields }) => [fields.code, fields.times]);
    const first = [
      ["SignatureDoesNotMatch", 1],
      ["InvalidRequestURL", 1],
    ];
    expect(said()).toEqual(first);
    await steadyClock.advance(1_000);
    expect(said()).toEqual([...first, ["SignatureDoesNotMatch", 3]]);
    await steadyClock.advance(5_000);
    expect(said()).toHaveLength(3);
    await ask({ method: "GET", target: "/" });
    expect(said()).toHaveLength(4);
  });

  it("RUN-3.1: never holds a body, a secret or a signature", async () => {
    const { ask, log } = await openFront();
    const body = aMessage({ body: "TOP-SECRET" });
    await ask({ body });
    await ask({ body, secret: "wrong" });
    await ask({ body: "TOP-SECRET" });
    expect(JSON.stringify(log.entries)).not.toMatch(/TOP-SECRET|dev-secret|MQ dev:/);
  });

  it("RUN-3.1: a request is logged once, with its id", async () => {
    const { ask, log } = await openFront();
    const response = await ask(PUBLISH);
    expect(log.entries).toHaveLength(1);
    expect(log.entries[0]).toMatchObject({
      level: "debug",
      event: "request.answered",
      fields: {
        requestId: headerOf(response, "x-mq-request-id"),
        operation: "publish-message",
        topic: "orders",
        caller: "dev",
        status: 201,
      },
    });
  });
});
