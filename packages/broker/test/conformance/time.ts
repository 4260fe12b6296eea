import { expect } from "vitest";
import { DAY, HOUR, MINUTE } from "../../src/domain/time.ts";
import { INSTANCE, refusalsOf } from "./bench.ts";
import type { Rule } from "./describe-messaging.ts";

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

  rule("TIM-2.1", "a step of the wall clock by more than 10 min is logged and shown", async (bench) => {
    const from = bench.clock.wall();
    await bench.clock.step(10 * MINUTE);
    await bench.receive();
    expect(bench.engine.inspection.wallClockStep).toBeUndefined();
    expect(bench.log.of("clock.stepped")).toEqual([]);
    await bench.clock.step(-10 * MINUTE - 1);
    await bench.receive();
    expect(bench.engine.inspection.wallClockStep).toMatchObject({
      from: from + 10 * MINUTE,
      to: from - 1,
      at: bench.now,
    });
    expect(bench.log.of("clock.stepped")).toHaveLength(1);
  });

  for (const restarts of [false, true]) {
    rule(
      "TIM-2.2",
      `dropping by age rests for an hour after it${restarts ? ", over a crash too" : ""}`,
      async (bench) => {
        await bench.declareTopic("orders", "normal");
        await bench.publish();
        await bench.clock.step(400 * DAY);
        expect(await bench.receive()).toHaveLength(1);
        if (restarts) await bench.restart({ crash: true });
        await bench.advance(HOUR - 1);
        expect(await bench.receive()).toHaveLength(1);
        await bench.advance(1);
        expect(bench.engine.inspection.countTopic({ instance: INSTANCE, topic: "orders" })).toMatchObject({
          stored: 0,
        });
        expect(await bench.receive({ group: "GID_b" })).toEqual([]);
      },
      restarts ? { restarts } : {},
    );
  }

  rule("TIM-2.2", "set right again within the hour, nothing was lost by it", async (bench) => {
    await bench.publish();
    await bench.clock.step(400 * DAY);
    await bench.advance(MINUTE);
    await bench.clock.step(-400 * DAY);
    await bench.advance(2 * HOUR);
    expect(await bench.receive()).toHaveLength(1);
  });

  for (const restarts of [false, true]) {
    rule(
      "TIM-2.3",
      `set back, what was published while it was ahead holds nothing up${restarts ? ", over a crash too" : ""}`,
      async (bench) => {
        await bench.declareTopic("orders", "normal");
        await bench.publish();
        await bench.clock.step(400 * DAY);
        await bench.publish();
        await bench.clock.step(-400 * DAY);
        await bench.publish();
        if (restarts) await bench.restart({ crash: true });
        const count = () => bench.engine.inspection.countTopic({ instance: INSTANCE, topic: "orders" });
        await bench.advance(72 * HOUR - 1);
        expect(count()).toMatchObject({ stored: 3 });
        await bench.advance(1);
        expect(count()).toMatchObject({ stored: 0 });
      },
      restarts ? { restarts } : {},
    );
  }

  rule("TIM-2.3", "set back by mistake, nothing has grown old by it once it is set right", async (bench) => {
    await bench.publish();
    await bench.advance(HOUR);
    await bench.clock.step(-400 * DAY);
    await bench.advance(2 * HOUR);
    await bench.publish();
    await bench.clock.step(400 * DAY);
    const count = () => bench.engine.inspection.countTopic({ instance: INSTANCE, topic: "orders" });
    await bench.advance(69 * HOUR - 1);
    expect(count()).toMatchObject({ stored: 2 });
    await bench.advance(1);
    expect(count()).toMatchObject({ stored: 0 });
  });

  rule("TIM-2.2", "abandoning rests for an hour after it, and producers are asked on", async (bench) => {
    await bench.publish({ intent: { kind: "transactional", firstCheckAfter: 10_000 } });
    await bench.publish({ intent: { kind: "transactional", firstCheckAfter: 300_000 } });
    await bench.advance(11_000);
    expect(await bench.receiveHalf()).toHaveLength(1);
    await bench.clock.step(4 * DAY);
    expect(await bench.receiveHalf()).toHaveLength(2);
    await bench.advance(HOUR - 1);
    const count = () => bench.engine.inspection.countTopic({ instance: INSTANCE, topic: "orders" });
    expect(count()).toMatchObject({ half: 2, abandoned: 0 });
    await bench.advance(1);
    expect(count()).toMatchObject({ half: 1, abandoned: 1 });
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
