import { expect } from "vitest";
import { DAY } from "../../src/domain/time.ts";
import { type Bench, bodiesOf } from "./bench.ts";
import type { Rule } from "./describe-messaging.ts";

function publishAt(bench: Bench, after: number, body: string): Promise<unknown> {
  return bench.publish({ body, intent: { kind: "delayed", deliverAt: bench.now + after } });
}

export function delayedRules(rule: Rule): void {
  rule("DLY-1.1", "with a delivery time in the past, or now, a message is visible at once", async (bench) => {
    await publishAt(bench, -1, "past");
    await publishAt(bench, 0, "now");
    expect(bodiesOf(await bench.receive())).toEqual(["past", "now"]);
  });

  rule("DLY-1.2", "with a delivery time ahead a message is invisible until that instant", async (bench) => {
    await publishAt(bench, 10_000, "later");
    expect(await bench.receive()).toEqual([]);
    await bench.advance(9_999);
    expect(await bench.receive()).toEqual([]);
    await bench.advance(1);
    expect(bodiesOf(await bench.receive())).toEqual(["later"]);
  });

  rule("DLY-1.2", "what was published later and is due earlier does not wait for the other", async (bench) => {
    await publishAt(bench, 60_000, "second");
    await publishAt(bench, 10_000, "first");
    await bench.advance(10_000);
    expect(bodiesOf(await bench.receive())).toEqual(["first"]);
    await bench.advance(50_000);
    expect(bodiesOf(await bench.receive())).toEqual(["second"]);
  });

  rule("DLY-1.2", "what is due does not bring along what is due a little later", async (bench) => {
    await publishAt(bench, 10_000, "first");
    await publishAt(bench, 10_500, "second");
    await bench.advance(10_000);
    expect(bodiesOf(await bench.receive())).toEqual(["first"]);
    await bench.advance(500);
    expect(bodiesOf(await bench.receive())).toEqual(["second"]);
  });

  rule("DLY-1.2", "a waiting consumer gets a delayed message at its delivery time", async (bench) => {
    await publishAt(bench, 10_000, "later");
    const poll = bench.poll();
    let answeredAt: number | undefined;
    const answer = poll.then((deliveries) => {
      answeredAt = bench.now;
      return deliveries;
    });
    const dueAt = bench.now + 10_000;
    await bench.clock.advance(30_000);
    expect(bodiesOf(await answer)).toEqual(["later"]);
    expect(answeredAt).toBe(dueAt);
  });

  rule(
    "DLY-2.1",
    "what fell due while the broker was down is delivered at once after the start, in due order",
    async (bench) => {
      await publishAt(bench, 30_000, "second");
      await publishAt(bench, 10_000, "first");
      await publishAt(bench, 30_000, "third");
      await publishAt(bench, 120_000, "not yet");
      await bench.engine.stop();
      await bench.clock.advance(60_000);
      await bench.restart();
      await bench.settle();
      expect(bodiesOf(await bench.receive())).toEqual(["first", "second", "third"]);
    },
    { restarts: true },
  );

  rule(
    "DLY-2.1",
    "what was delayed survives a crash",
    async (bench) => {
      await publishAt(bench, 10_000, "later");
      await bench.restart({ crash: true });
      expect(await bench.receive()).toEqual([]);
      await bench.advance(10_000);
      await bench.restart({ crash: true });
      await bench.settle();
      expect(bodiesOf(await bench.receive())).toEqual(["later"]);
    },
    { restarts: true },
  );

  rule("DLY-3.1", "a delivery time more than 40 days ahead is refused", async (bench) => {
    await publishAt(bench, 40 * DAY, "just in time");
    await expect(publishAt(bench, 40 * DAY + 1, "too late")).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringMatching(/40 d/),
    });
    const deliverAt = bench.now + 40 * DAY + 1;
    const intent = { kind: "transactional", firstCheckAfter: 10_000, deliverAt } as const;
    await expect(bench.publish({ intent })).rejects.toMatchObject({ code: "invalid-argument" });
  });

  rule(
    "DLY-3.1",
    "how far ahead a delivery time may be can be set",
    async (bench) => {
      await publishAt(bench, DAY, "just in time");
      await expect(publishAt(bench, DAY + 1, "too late")).rejects.toMatchObject({ code: "invalid-argument" });
    },
    { settings: { maxDelay: DAY } },
  );
}
