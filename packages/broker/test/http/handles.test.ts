import { describe, expect, it } from "vitest";
import type { HandleOutcome } from "../../src/engine/engine.ts";
import { elementOf, openFront, verdictOf } from "./open-front.ts";
import { type AnyRequest, handles, MESSAGES } from "./signed-request.ts";

const ACKNOWLEDGE: AnyRequest = { method: "DELETE", target: `${MESSAGES}?consumer=GID_a` };
const COMMIT: AnyRequest = { method: "DELETE", target: `${MESSAGES}?consumer=GID_a&trans=commit` };
const ROLLBACK: AnyRequest = { method: "DELETE", target: `${MESSAGES}?consumer=GID_a&trans=rollback` };

/** Refuses handles by their first letter. */
function outcomeOf(handle: string): HandleOutcome {
  if (handle.startsWith("i")) return { handle, refusal: "invalid" };
  if (handle.startsWith("e")) return { handle, refusal: "expired", hint: "this delivery ended 12 s ago." };
  return { handle };
}

describe("an acknowledgement", () => {
  it("WIRE-91: is 204 without a body when all is well", async () => {
    const { ask, engine } = await openFront();
    const response = await ask({ ...ACKNOWLEDGE, body: handles("a", "b") });
    expect(response.status).toBe(204);
    expect(response.body).toHaveLength(0);
    const topic = { instance: "MQ_INST_dev", topic: "orders" };
    const group = { instance: "MQ_INST_dev", group: "GID_a" };
    expect(engine.requests("acknowledge")).toEqual([{ topic, group, handles: ["a", "b"] }]);
  });

  it("DEL-6.1, WIRE-92 and WIRE-93: lists the refused handles alone, with 404", async () => {
    const { ask, engine } = await openFront();
    engine.onHandles = (request) => request.handles.map(outcomeOf);
    const response = await ask({ ...ACKNOWLEDGE, body: handles("a", "i&amp;1", "b", "e1", "i2") });
    expect(response.status).toBe(404);
    const text = response.body.toString();
    expect([...text.matchAll(/<ErrorCode>(.*)<\/ErrorCode>/g)].map(([, code]) => code)).toEqual([
      "ReceiptHandleError",
      "MessageNotExist",
      "ReceiptHandleError",
    ]);
    expect([...text.matchAll(/<ReceiptHandle>(.*)<\/ReceiptHandle>/g)].map(([, handle]) => handle)).toEqual([
      "i&amp;1",
      "e1",
      "i2",
    ]);
  });

  it("WIRE-94: a late handle is MessageNotExist, with a hint", async () => {
    const { ask, engine } = await openFront();
    engine.onHandles = (request) => request.handles.map(outcomeOf);
    const response = await ask({ ...ACKNOWLEDGE, body: handles("e1") });
    expect(elementOf(response, "ErrorCode")).toBe("MessageNotExist");
    expect(elementOf(response, "ErrorMessage")).toBe("Message not exist. Hint: this delivery ended 12 s ago.");
  });

  it("DEL-6.2, WIRE-95 and WIRE-96: empty handles are skipped beside others, refused alone", async () => {
    const { ask, engine } = await openFront();
    engine.onHandles = (request) => request.handles.map(outcomeOf);
    const mixed = await ask({ ...ACKNOWLEDGE, body: handles("", "i1", "") });
    expect(mixed.body.toString().match(/<Error>/g)).toHaveLength(1);
    for (const body of [handles(""), handles(), ""]) {
      const response = await ask({ ...ACKNOWLEDGE, body });
      expect(verdictOf(response)).toBe("400 MissingReceiptHandle");
      expect(elementOf(response, "Message")).toBe("ReceiptHandle is required.");
    }
    expect(engine.requests("acknowledge")).toMatchObject([{ handles: ["i1"] }]);
  });

  it("DEL-6.3: more than 16 handles are taken, within 64 KiB", async () => {
    const { ask, engine } = await openFront();
    const many = Array.from({ length: 100 }, (_, n) => `handle-${n}`);
    expect((await ask({ ...ACKNOWLEDGE, body: handles(...many) })).status).toBe(204);
    expect(engine.requests("acknowledge")).toMatchObject([{ handles: many }]);
    expect(verdictOf(await ask({ ...ACKNOWLEDGE, body: handles("x".repeat(65_536)) }))).toBe("400 InvalidArgument");
  });

  it("DEL-6.4: a handle sent twice is asked for twice", async () => {
    const { ask, engine } = await openFront();
    engine.onHandles = (request) => request.handles.map(outcomeOf);
    const response = await ask({ ...ACKNOWLEDGE, body: handles("i1", "i1") });
    expect(response.body.toString().match(/<Error>/g)).toHaveLength(2);
  });

  it("WIRE-97: an unreadable sort of DELETE is refused, not taken for an acknowledgement", async () => {
    const { ask, engine } = await openFront();
    const request = { method: "DELETE", target: `${MESSAGES}?consumer=GID_a&trans=comit`, body: handles("a") };
    expect(verdictOf(await ask(request))).toBe("400 InvalidQueryString");
    expect(engine.asked).toEqual([]);
  });
});

describe("the end of a transaction", () => {
  it("WIRE-97 and TX-7.4: commit and rollback have one outcome per handle, and failures in Errors", async () => {
    const { ask, engine } = await openFront();
    engine.onHandles = (request) => request.handles.map(outcomeOf);
    for (const request of [COMMIT, ROLLBACK]) {
      expect((await ask({ ...request, body: handles("a") })).status).toBe(204);
      const response = await ask({ ...request, body: handles("e1", "a", "i1") });
      expect(response.status).toBe(404);
      expect(response.body.toString().match(/<Error>/g)).toHaveLength(2);
    }
    const resolutions = engine.requests<{ resolution: string }>("endTransaction").map(({ resolution }) => resolution);
    expect(resolutions).toEqual(["commit", "commit", "rollback", "rollback"]);
  });

  it("TX-7.1 and WIRE-98: an empty or absent consumer will do", async () => {
    const { ask, engine } = await openFront();
    for (const query of ["consumer=&trans=commit", "trans=rollback"]) {
      expect((await ask({ method: "DELETE", target: `${MESSAGES}?${query}`, body: handles("a") })).status).toBe(204);
    }
    const topic = { instance: "MQ_INST_dev", topic: "orders" };
    expect(engine.requests("endTransaction")).toEqual([
      { topic, handles: ["a"], resolution: "commit" },
      { topic, handles: ["a"], resolution: "rollback" },
    ]);
  });
});
