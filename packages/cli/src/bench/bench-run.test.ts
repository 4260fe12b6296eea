import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  bodyMd5,
  decodePublishRequest,
  decodeReceiptHandles,
  encodeError,
  encodeMessages,
  encodePublishReply,
  parseOperation,
  type WireMessage,
} from "@stagemq/wire";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type BenchPlan, BenchRun, RefusedError } from "./bench-run.ts";

/** An endpoint that keeps what it is sent in order, and hands it out as `deliver` says. */
let server: Server;
let stored: WireMessage[];
let acknowledged: string[];
let targets: string[];
let deliver: (message: WireMessage, place: number) => WireMessage[];
let answerPublish: () => number;
let at: number;

beforeEach(async () => {
  [stored, acknowledged, targets, at] = [[], [], [], 0];
  deliver = (message) => [message];
  answerPublish = () => 201;
  let published = 0;
  server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    const { method = "", url = "" } = request;
    targets.push(`${method} ${url}`);
    const refuse = (status: number, code: string) =>
      response.writeHead(status).end(encodeError({ code, message: "no", requestId: "r", hostId: "h" }));
    const route = parseOperation(method, url);
    if (!("operation" in route)) return refuse(404, "InvalidRequestURL");
    if (route.operation.name === "publish-message") {
      const status = answerPublish();
      if (status !== 201) return refuse(status, "InternalServerError");
      const decoded = decodePublishRequest(body);
      if (!("value" in decoded)) return refuse(400, "MalformedXML");
      stored.push(...deliver(toMessage(decoded.value, published), published++));
      return response.writeHead(201).end(encodePublishReply({ messageId: "id", bodyMd5: "" }));
    }
    if (route.operation.name === "acknowledge-messages") {
      const handles = decodeReceiptHandles(body);
      if ("value" in handles) acknowledged.push(...handles.value);
      return response.writeHead(204).end();
    }
    if (stored.length > 0) return response.writeHead(200).end(encodeMessages(stored.splice(0, 16)));
    // Nothing more will come of this endpoint: let the run know soon.
    at += 1_000;
    return refuse(404, "MessageNotExist");
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
});

afterEach(() => {
  server.close();
  server.closeAllConnections();
});

function toMessage(
  { body, properties, tag }: { body: string; properties: string; tag: string },
  number: number,
): WireMessage {
  const times = { publishTime: 1, firstConsumeTime: 1, nextConsumeTime: 1, consumedTimes: 1 };
  return {
    messageId: `id-${number}`,
    bodyMd5: bodyMd5(body),
    body,
    properties,
    tag,
    receiptHandle: `handle-${number}`,
    ...times,
  };
}

function run(plan: Partial<BenchPlan> = {}) {
  const endpoint = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const caller = { endpoint, accessKeyId: "dev", accessKeySecret: "dev-secret", securityToken: undefined };
  const place = { caller, instance: undefined, topic: "t", group: "GID_t", run: "run" };
  const bounds = { connections: 1, bodyBytes: 10, forMs: 3_600_000, maxMessages: 40 };
  return new BenchRun({ ...place, ...bounds, ordered: true, verify: true, ...plan }, () => at).run();
}

describe("a run of load", () => {
  it("publishes so many messages as it may, takes and acknowledges them all, and finds nothing wrong", async () => {
    const { published, received, unconfirmed, verdict } = await run({ connections: 4 });
    expect([published, received, unconfirmed]).toEqual([40, 40, 0]);
    expect(verdict).toEqual({ lost: [], outOfOrder: [], changed: [], again: 0, foreign: 0 });
    expect(new Set(acknowledged).size).toBe(40);
  });

  it("says what the endpoint lost, changed, held back and repeated", async () => {
    let heldBack: WireMessage[] = [];
    deliver = (message, place) => {
      if (place === 3) return [];
      if (place === 5) return [{ ...message, body: "another" }];
      if (place === 7) heldBack = [message];
      if (place === 9) return [message, ...heldBack];
      return place === 7 ? [] : place === 11 ? [message, message] : [message];
    };
    const { verdict } = await run();
    expect(verdict).toEqual({ lost: ["run.0.3"], outOfOrder: ["run.0.7"], changed: ["run.0.5"], again: 1, foreign: 0 });
  });

  it("expects nothing of a publish that was answered with 5xx, and goes on", async () => {
    let answers = 0;
    answerPublish = () => (++answers === 3 ? 500 : 201);
    expect(await run({ maxMessages: 5 })).toMatchObject({ published: 4, unconfirmed: 1, verdict: { lost: [] } });
  });

  it("stops at the first refusal, and tells it", async () => {
    answerPublish = () => 403;
    const ended = run({ connections: 4 });
    await expect(ended).rejects.toThrow(RefusedError);
    await expect(ended).rejects.toThrow("InternalServerError: no");
  });

  it("only publishes unless it is to verify", async () => {
    const outcome = await run({ verify: false, ordered: false, instance: "MQ_INST_x" });
    expect(new Set(targets)).toEqual(new Set(["POST /topics/t/messages?ns=MQ_INST_x"]));
    expect(outcome).not.toHaveProperty("verdict");
    expect(outcome.published).toBe(40);
  });

  it("rejects with the system's error where nobody listens", async () => {
    const endpoint = new URL("http://127.0.0.1:9");
    const caller = { endpoint, accessKeyId: "dev", accessKeySecret: "dev-secret", securityToken: undefined };
    await expect(run({ caller })).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });
});
