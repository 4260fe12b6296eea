import { expect } from "vitest";
import type { Delivery } from "../../src/engine/engine.ts";
import { type Bench, bodiesOf, ordered, refusalsOf } from "./bench.ts";
import type { Rule } from "./describe-messaging.ts";

const TRANSACTIONAL = { kind: "transactional", firstCheckAfter: 10_000 } as const;

export function givingBackRules(rule: Rule): void {
  for (const mode of ["concurrent", "ordered"] as const) {
    rule("DEL-8.1", `a poll whose client is gone before anything is there takes nothing (${mode})`, async (bench) => {
      const hangUp = new AbortController();
      const poll = bench.poll({ mode, signal: hangUp.signal });
      await bench.settle();
      hangUp.abort();
      expect(await poll).toEqual([]);
      await bench.publish();
      expect(await bench.poll({ mode, signal: hangUp.signal })).toEqual([]);
      expect(await bench.receive({ mode })).toMatchObject([{ attempt: 1 }]);
    });

    rule(
      "DEL-8.1",
      `a poll whose client goes while its answer is written is answered all the same, to be given back (${mode})`,
      async (bench) => {
        await bench.publish();
        bench.holdSyncs();
        const hangUp = new AbortController();
        const poll = bench.poll({ mode, signal: hangUp.signal });
        await bench.settle();
        hangUp.abort();
        bench.releaseSyncs();
        const deliveries = await poll;
        expect(bodiesOf(deliveries)).toEqual(["hello"]);
        await bench.giveBack(deliveries);
        expect(await bench.receive({ mode })).toMatchObject([{ attempt: 1 }]);
      },
    );

    rule(
      "DEL-8.2",
      `a first delivery that is undone is ready at once, as if it had never been (${mode})`,
      async (bench) => {
        await bench.publish();
        await bench.giveBack(await bench.receive({ mode }));
        await bench.advance(5_000);
        expect(await bench.receive({ mode })).toMatchObject([{ attempt: 1, firstDeliveredAt: bench.now }]);
      },
    );

    rule(
      "DEL-8.2",
      `a later delivery that is undone leaves attempt and first instant as before (${mode})`,
      async (bench) => {
        await bench.publish();
        const [first] = await bench.receive({ mode });
        await bench.advance(300_000);
        await bench.giveBack(await bench.receive({ mode }));
        await bench.advance(5_000);
        const again = await bench.receive({ mode });
        expect(again).toMatchObject([{ attempt: 2, firstDeliveredAt: first?.firstDeliveredAt }]);
        expect(refusalsOf(await bench.acknowledge(again))).toEqual([undefined]);
      },
    );

    rule("DEL-8.2", `what is undone comes in its old place, before what is newer (${mode})`, async (bench) => {
      const bodies = Array.from({ length: 12 }, (_, index) => `${index}`);
      await bench.publishAll(bodies);
      await bench.giveBack(await bench.receive({ mode, max: 6 }));
      expect(bodiesOf(await bench.receive({ mode, max: 10 }))).toEqual(bodies.slice(0, 10));
    });

    rule("DEL-8.3", `the handle of an undone delivery stays used up (${mode})`, async (bench) => {
      await bench.publish();
      const undone = await bench.receive({ mode });
      await bench.giveBack(undone);
      const again = await bench.receive({ mode });
      expect(again[0]?.handle).not.toBe(undone[0]?.handle);
      expect(refusalsOf(await bench.acknowledge(undone))).toEqual(["expired"]);
      await bench.giveBack(undone);
      expect(await bench.receive({ mode })).toEqual([]);
      expect(refusalsOf(await bench.acknowledge(again))).toEqual([undefined]);
    });

    rule("DEL-8.4", `the fifth time in a row an undone delivery stands (${mode})`, async (bench) => {
      await bench.publish();
      for (let time = 1; time <= 5; time++) {
        const deliveries = await bench.receive({ mode });
        expect(deliveries).toMatchObject([{ attempt: 1 }]);
        await bench.giveBack(deliveries);
      }
      expect(await bench.receive({ mode })).toEqual([]);
      await bench.advance(300_000);
      expect(await bench.receive({ mode })).toMatchObject([{ attempt: 2 }]);
    });

    rule("DEL-8.4", `for want of room a delivery is undone however often (${mode})`, async (bench) => {
      await bench.publish();
      for (let time = 1; time <= 12; time++) await bench.giveBack(await bench.receive({ mode }), { noRoom: true });
      expect(await bench.receive({ mode })).toMatchObject([{ attempt: 1 }]);
    });

    rule("DEL-8.4", `nor does that count among the times in a row (${mode})`, async (bench) => {
      await bench.publish();
      for (let time = 1; time <= 4; time++) {
        await bench.giveBack(await bench.receive({ mode }));
        await bench.giveBack(await bench.receive({ mode }), { noRoom: true });
      }
      const fifth = await bench.receive({ mode });
      expect(fifth).toMatchObject([{ attempt: 1 }]);
      await bench.giveBack(fifth);
      expect(await bench.receive({ mode })).toEqual([]);
    });
  }

  rule("DEL-8.2", "a message taken past others and undone comes in its place among them", async (bench) => {
    await bench.receive({ tags: "B" });
    await bench.publish({ body: "0", tag: "B" });
    await bench.publish({ body: "1", tag: "A" });
    await bench.publish({ body: "2", tag: "B" });
    await bench.giveBack(await bench.receive({ tags: "A||B" }));
    expect(bodiesOf(await bench.receive({ tags: "A||B" }))).toEqual(["0", "1", "2"]);
  });

  rule("DEL-8.2", "a filter that has looked further finds what was undone", async (bench) => {
    await bench.publish({ body: "0", tag: "A" });
    await bench.publish({ body: "1", tag: "A" });
    const first = await bench.receive({ tags: "A", max: 1 });
    expect(bodiesOf(await bench.receive({ tags: "A" }))).toEqual(["1"]);
    await bench.giveBack(first);
    expect(bodiesOf(await bench.receive({ tags: "A" }))).toEqual(["0"]);
  });

  rule("DEL-8.2", "an undone ordered batch leaves the gate as before", async (bench) => {
    await bench.publishAll(["0", "1", "2"], { intent: ordered("a") });
    const first = await bench.receive({ mode: "ordered", max: 1 });
    await bench.acknowledge(first);
    await bench.giveBack(await bench.receive({ mode: "ordered", max: 1 }));
    const batch = await bench.receive({ mode: "ordered", max: 2 });
    expect(bodiesOf(batch)).toEqual(["1", "2"]);
    expect(await bench.receive({ mode: "ordered" })).toEqual([]);
    await bench.giveBack(batch.slice(1));
    expect(await bench.receive({ mode: "ordered" })).toEqual([]);
    await bench.acknowledge(batch.slice(0, 1));
    expect(bodiesOf(await bench.receive({ mode: "ordered" }))).toEqual(["2"]);
  });

  rule("DEL-8.2", "an undone redelivery of an ordered batch still comes before anything newer", async (bench) => {
    await bench.publishAll(["0", "1", "2"], { intent: ordered("a") });
    await bench.receive({ mode: "ordered", max: 2 });
    await bench.advance(60_000);
    await bench.giveBack(await bench.receive({ mode: "ordered" }));
    const again = await bench.receive({ mode: "ordered" });
    expect(bodiesOf(again)).toEqual(["0", "1"]);
    expect(again.map(({ attempt }) => attempt)).toEqual([2, 2]);
  });

  rule("DEL-8.2", "an undone offer of a half message leaves the number of checks as before", async (bench) => {
    const { transactionHandle } = await bench.publish({ intent: TRANSACTIONAL });
    await bench.advance(11_000);
    const undone = await bench.receiveHalf();
    await bench.giveBack(undone);
    await bench.advance(1_000);
    const again = await bench.receiveHalf();
    expect(again).toMatchObject([{ attempt: 1, firstDeliveredAt: bench.now }]);
    expect(refusalsOf(await bench.end("commit", [...undone, transactionHandle]))).toEqual(["expired", "expired"]);
    await bench.advance(10_000);
    const second = await bench.receiveHalf();
    await bench.giveBack(second);
    expect(await bench.receiveHalf()).toMatchObject([{ attempt: 2, firstDeliveredAt: again[0]?.firstDeliveredAt }]);
  });

  rule("DEL-8.3", "the handle of an undone offer stays used up", async (bench) => {
    await bench.publish({ intent: TRANSACTIONAL });
    await bench.advance(11_000);
    const undone = await bench.receiveHalf();
    await bench.giveBack(undone);
    expect(refusalsOf(await bench.end("rollback", undone))).toEqual(["expired"]);
    const again = await bench.receiveHalf();
    expect(again[0]?.handle).not.toBe(undone[0]?.handle);
    await bench.giveBack(undone);
    expect(await bench.receiveHalf()).toEqual([]);
    expect(refusalsOf(await bench.end("commit", again))).toEqual([undefined]);
  });

  rule("DEL-8.3", "giving back what has been replaced or acknowledged does nothing", async (bench) => {
    await bench.publishAll(["0", "1"]);
    const first = await bench.receive({ max: 1 });
    const second = await bench.receive({ max: 1 });
    await bench.acknowledge(second);
    await bench.giveBack([...second, "garbage"]);
    expect(await bench.receive()).toEqual([]);
    await bench.advance(300_000);
    expect(await bench.receive()).toMatchObject([{ attempt: 2 }]);
    await bench.giveBack(first);
    expect(await bench.receive()).toEqual([]);
  });

  rule(
    "DEL-8.2",
    "what is given back after its invisible time, and before it came again, does not count",
    async (bench) => {
      await bench.publish();
      const late = await bench.receive();
      await bench.advance(300_000);
      await bench.giveBack(late);
      expect(await bench.receive()).toMatchObject([{ attempt: 1 }]);
    },
  );

  rule("DEL-8.4", "so does an offer of a half message", async (bench) => {
    await bench.publish({ intent: TRANSACTIONAL });
    await bench.advance(11_000);
    for (let time = 1; time <= 5; time++) {
      const offers = await bench.receiveHalf();
      expect(offers).toMatchObject([{ attempt: 1 }]);
      await bench.giveBack(offers);
    }
    expect(await bench.receiveHalf()).toEqual([]);
    await bench.advance(10_000);
    expect(await bench.receiveHalf()).toMatchObject([{ attempt: 2 }]);
  });

  rule("DEL-8.4", "for want of room an offer of a half message is undone however often", async (bench) => {
    await bench.publish({ intent: TRANSACTIONAL });
    await bench.advance(11_000);
    for (let time = 1; time <= 12; time++) await bench.giveBack(await bench.receiveHalf(), { noRoom: true });
    for (let time = 1; time <= 4; time++) await bench.giveBack(await bench.receiveHalf());
    expect(await bench.receiveHalf()).toMatchObject([{ attempt: 1 }]);
  });

  rule("DEL-8.4", "only times in a row count, and each message for itself", async (bench) => {
    await bench.publishAll(["0", "1"]);
    const undo = async (times: number): Promise<Delivery[]> => {
      let last: Delivery[] = [];
      for (let time = 0; time < times; time++) {
        last = await bench.receive({ max: 1 });
        await bench.giveBack(last);
      }
      return last;
    };
    await undo(4);
    expect(bodiesOf(await bench.receive({ max: 1 }))).toEqual(["0"]);
    expect(bodiesOf(await undo(4))).toEqual(["1"]);
    await isReady(bench, ["1"]);
    await bench.advance(300_000);
    for (let time = 0; time < 4; time++) await bench.giveBack(await bench.receive());
    expect((await bench.receive()).map(({ attempt }) => attempt)).toEqual([2, 2]);
  });
}

/** Takes what is ready, to see it, and does not give it back. */
async function isReady(bench: Bench, bodies: readonly string[]): Promise<void> {
  expect(bodiesOf(await bench.receive())).toEqual(bodies);
}
