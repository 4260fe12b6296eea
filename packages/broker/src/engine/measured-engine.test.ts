import { expect, it } from "vitest";
import { BrokerError } from "../domain/broker-error.ts";
import type { Call, Engine } from "./engine.ts";
import { MeasuredEngine } from "./measured-engine.ts";
import { Tally } from "./tally.ts";

const CALL: Call = { caller: "test", requestId: "R", signal: new AbortController().signal };
const TOPIC = { instance: "I", topic: "t" };
const GROUP = { instance: "I", group: "g" };

function measured(engine: Partial<Engine>): { engine: MeasuredEngine; tally: Tally } {
  const tally = new Tally();
  return { tally, engine: new MeasuredEngine(engine as Engine, (...end) => tally.note(...end)) };
}

it("counts what was asked of an engine, the refused handles left out", async () => {
  const { engine, tally } = measured({
    publish: async () => ({ messageId: "M" }),
    acknowledge: async () => [{ handle: "a" }, { handle: "b", refusal: "expired" }],
  });
  const message = { body: "b", tag: "", key: "k", properties: [] };
  await engine.publish(CALL, { topic: TOPIC, message, intent: { kind: "normal" } });
  await engine.acknowledge(CALL, { topic: TOPIC, group: GROUP, handles: ["a", "b"] });
  expect(tally.describe()).toMatchObject({ published: 1, acknowledged: 1, refused: 0, failed: 0 });
});

it("tells refusals from bugs, and passes both on", async () => {
  const refusal = new BrokerError("topic-not-found", "no");
  const bug = new Error("oh");
  const errors = [refusal, bug];
  const { engine, tally } = measured({ receive: () => Promise.reject(errors.shift()) });
  const poll = { topic: TOPIC, group: GROUP, mode: "ordered", tags: "", maxMessages: 1, waitUpTo: 0 } as const;
  await expect(engine.receive(CALL, poll)).rejects.toBe(refusal);
  await expect(engine.receive(CALL, poll)).rejects.toBe(bug);
  expect(tally.describe()).toMatchObject({ delivered: 0, refused: 1, failed: 1 });
});
