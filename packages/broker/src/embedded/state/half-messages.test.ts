import { describe, expect, it } from "vitest";
import type { HalfMessageStored } from "../journal/fact.ts";
import { HalfMessages } from "./half-messages.ts";
import { NO_TAG } from "./tag-set.ts";

const TOPIC = 1;

function store(halves: HalfMessages, id: number, at: number): void {
  const fact: HalfMessageStored = {
    kind: "half-message-stored",
    id,
    topic: TOPIC,
    messageId: "0".repeat(32),
    message: { body: "m", tag: "", key: "k", properties: [] },
    publishedAt: at,
    at,
    number: id,
    firstCheckAt: at + 10_000,
  };
  halves.store(fact, id, 1, NO_TAG);
}

describe("HalfMessages", () => {
  it("forgets what has an outcome once its handle has run out, although no check ever falls due (TX-5)", () => {
    const halves = new HalfMessages(TOPIC, 86_400_000);
    for (let id = 1; id <= 1_000; id++) {
      store(halves, id, id * 1_000);
      const half = halves.get(id);
      if (half !== undefined) halves.end(half, "committed", id * 1_000 + 500);
    }
    expect(halves.get(1_000)?.state).toBe("committed");
    expect(halves.get(991)?.state).toBe("committed");
    expect(halves.get(990)).toBeUndefined();
    expect(halves.get(1)).toBeUndefined();
    expect(halves.open.size).toBe(0);
  });

  it("keeps an abandoned one (TX-6)", () => {
    const halves = new HalfMessages(TOPIC, 60_000);
    store(halves, 1, 0);
    halves.offer({ kind: "half-message-offered", id: 1, topic: TOPIC, check: 1, number: 7, at: 10_000, until: 20_000 });
    halves.settle(70_000);
    const [half] = halves.toAbandon();
    if (half !== undefined) halves.end(half, "abandoned", 70_000);
    store(halves, 2, 900_000);
    const other = halves.get(2);
    if (other !== undefined) halves.end(other, "rolled-back", 900_001);
    expect(halves.get(1)?.state).toBe("abandoned");
    expect(halves.abandonedCount).toBe(1);
  });
});
