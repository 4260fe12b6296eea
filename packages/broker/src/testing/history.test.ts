import { expect, it } from "vitest";
import type { Delivery } from "../engine/engine.ts";
import { History } from "./history.ts";

const TOPIC = { instance: "MQ_INST_test", topic: "orders" };
const GROUP = { instance: "MQ_INST_test", group: "GID_a" };
const SMALL = { entries: 2, characters: 1_000 };

function publish(history: History, messageId: string, { body = "b", transactionHandle = "" } = {}): void {
  const message = { body, tag: "", key: "k", properties: [] };
  const receipt = transactionHandle === "" ? { messageId } : { messageId, transactionHandle };
  history.notePublished({ topic: TOPIC, message, intent: { kind: "normal" } }, receipt, 0);
}

function aDelivery(messageId: string, handle: string): Delivery {
  const message = { body: "b", tag: "", key: "k", properties: [] };
  return { messageId, handle, message, publishedAt: 0, attempt: 1, firstDeliveredAt: 0, visibleAgainAt: 1 };
}

function idsIn(history: History, state: "published" | "delivered" | "acknowledged"): string[] {
  return history.list({ topic: TOPIC, state, limit: 100 }).messages.map(({ messageId }) => messageId);
}

it("forgets the oldest when there are too many, and says so", () => {
  const history = new History(SMALL);
  for (const id of ["1", "2"]) publish(history, id);
  expect([idsIn(history, "published"), history.hasForgotten]).toEqual([["1", "2"], false]);
  publish(history, "3");
  expect([idsIn(history, "published"), history.hasForgotten]).toEqual([["2", "3"], true]);
  history.clear();
  expect([idsIn(history, "published"), history.hasForgotten]).toEqual([[], false]);
});

it("forgets the oldest when their bodies are too large together", () => {
  const history = new History(SMALL);
  publish(history, "1", { body: "x".repeat(600) });
  publish(history, "2", { body: "x".repeat(400) });
  expect(idsIn(history, "published")).toEqual(["1", "2"]);
  publish(history, "3", { body: "x" });
  publish(history, "4", { body: "x".repeat(1_001) });
  expect(idsIn(history, "published")).toEqual([]);
  publish(history, "5");
  expect(idsIn(history, "published")).toEqual(["5"]);
});

it("takes no notice of handles of what it has forgotten", () => {
  const history = new History(SMALL);
  history.noteDelivered({ topic: TOPIC, group: GROUP }, [
    aDelivery("1", "a"),
    aDelivery("2", "b"),
    aDelivery("3", "c"),
  ]);
  expect(idsIn(history, "delivered")).toEqual(["2", "3"]);
  for (const handle of ["a", "b"]) history.noteAcknowledged(handle);
  expect(idsIn(history, "acknowledged")).toEqual(["2"]);

  publish(history, "half", { transactionHandle: "t" });
  history.noteOffered([aDelivery("half", "u")]);
  for (const id of ["4", "5"]) publish(history, id);
  for (const handle of ["t", "u"]) history.noteEnded(handle, "commit");
  expect(idsIn(history, "published")).toEqual(["4", "5"]);
});

it("says when it lists less than it knows", () => {
  const history = new History(SMALL);
  for (const id of ["1", "2"]) publish(history, id);
  expect(history.list({ topic: TOPIC, state: "published", limit: 1 })).toMatchObject({ messages: [{}], isCut: true });
  expect(history.list({ topic: TOPIC, state: "published", limit: 2 })).toMatchObject({ isCut: false });
});
