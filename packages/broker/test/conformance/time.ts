import { expect } from "vitest";
import { refusalsOf } from "./bench.ts";
import type { Rule } from "./describe-messaging.ts";

const MINUTE = 60_000;
const HOUR = 3_600_000;

export function timeRules(rule: Rule): void {
  rule(
    "TIM-1.1",
    "one time rules invisible times, immunity and back-checks, whatever the wall clock shows",
    async (bench) => {
      await bench.clock.advanceTo(Math.ceil(bench.now / 1_000) * 1_000);
      await bench.clock.step(-HOUR);
      await bench.publish();
      const { transactionHandle } = await bench.publish({
        intent: { kind: "transactional", firstCheckAfter: 10_000 },
      });
      const [delivery] = await bench.receive();
      expect(delivery?.visibleAgainAt).toBe(bench.now + 5 * MINUTE);
      await bench.advance(10_000);
      expect(refusalsOf(await bench.end("commit", [transactionHandle]))).toEqual(["expired"]);
      expect(await bench.receiveHalf()).toHaveLength(1);
      await bench.advance(10_000);
      expect(await bench.receiveHalf()).toHaveLength(1);
      await bench.advance(5 * MINUTE - 20_000);
      expect(await bench.receive()).toHaveLength(1);
    },
  );

  rule("TIM-1.3", "a clock set back neither hastens nor stalls a delivery", async (bench) => {
    await bench.publish();
    await bench.receive();
    await bench.clock.step(-HOUR);
    await bench.advance(5 * MINUTE - 1);
    expect(await bench.receive()).toEqual([]);
    await bench.advance(1);
    expect(await bench.receive()).toHaveLength(1);
  });

  rule("TIM-1.4", "a clock set forward brings at most one delivery more of each message", async (bench) => {
    await bench.publishAll(["0", "1"]);
    await bench.receive();
    await bench.clock.step(HOUR);
    expect((await bench.receive()).map(({ attempt }) => attempt)).toEqual([2, 2]);
    await bench.clock.step(-HOUR);
    expect(await bench.receive()).toEqual([]);
    await bench.clock.step(HOUR);
    expect(await bench.receive()).toEqual([]);
    await bench.advance(5 * MINUTE);
    expect(await bench.receive()).toHaveLength(2);
  });

  rule("TIM-1.6", "a delivery time is compared with the wall clock: set back, it waits longer", async (bench) => {
    await bench.publish({ intent: { kind: "delayed", deliverAt: bench.now + MINUTE } });
    await bench.clock.step(-HOUR);
    await bench.advance(HOUR + MINUTE - 1);
    expect(await bench.receive()).toEqual([]);
    await bench.advance(1);
    expect(await bench.receive()).toHaveLength(1);
  });

  rule("TIM-1.6", "a delivery time is compared with the wall clock: set forward, it has come", async (bench) => {
    await bench.publish({ intent: { kind: "delayed", deliverAt: bench.now + MINUTE } });
    await bench.clock.step(MINUTE);
    await bench.settle();
    expect(await bench.receive()).toHaveLength(1);
  });

  rule("TIM-1.6", "a wall clock that was set back and is set right again is noticed within a second", async (bench) => {
    await bench.clock.step(-HOUR);
    await bench.publish({ intent: { kind: "delayed", deliverAt: bench.clock.wall() + 30 * MINUTE } });
    await bench.advance(10 * MINUTE);
    // It stays behind `now()`, so that nobody is told of this jump.
    await bench.clock.step(25 * MINUTE);
    await bench.advance(1_000);
    expect(await bench.receive()).toHaveLength(1);
  });
}
