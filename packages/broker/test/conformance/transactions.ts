import { expect } from "vitest";
import type { PublishIntent } from "../../src/domain/message.ts";
import { DAY } from "../../src/domain/time.ts";
import type { Delivery, ReceiptHandle } from "../../src/engine/engine.ts";
import { type Bench, bodiesOf, INSTANCE, type PublishInput, refusalsOf } from "./bench.ts";
import type { Rule } from "./describe-messaging.ts";

const TOPIC = { instance: INSTANCE, topic: "orders" };

/** A half message with 10 s of immunity; its transaction handle. */
async function prepare(
  bench: Bench,
  input: PublishInput = {},
  intent: Partial<PublishIntent & { kind: "transactional" }> = {},
): Promise<ReceiptHandle> {
  const receipt = await bench.publish({
    ...input,
    intent: { kind: "transactional", firstCheckAfter: 10_000, ...intent },
  });
  return receipt.transactionHandle ?? "";
}

/** A half message whose producer was asked once, and the handle of that check. */
async function prepareAndCheck(bench: Bench): Promise<Delivery> {
  await prepare(bench);
  await bench.advance(11_000);
  const [offer] = await bench.receiveHalf();
  if (offer === undefined) throw new Error("there is nothing to check");
  return offer;
}

export function transactionsRules(rule: Rule): void {
  publishing(rule);
  ending(rule);
  checks(rule);
  outcomes(rule);
  abandoning(rule);
  groups(rule);
  crash(rule);
}

function publishing(rule: Rule): void {
  rule(
    "TX-1.1",
    "a publish with an immunity stores a half message and answers with a receipt handle",
    async (bench) => {
      expect(await prepare(bench)).not.toBe("");
      expect((await bench.publish()).transactionHandle).toBeUndefined();
      expect(bench.engine.inspection.countTopic(TOPIC)).toMatchObject({ half: 1, stored: 1 });
    },
  );

  rule("TX-1.2", "no consumer sees a half message", async (bench) => {
    await prepare(bench, { body: "half" });
    await bench.publish({ body: "whole" });
    expect(bodiesOf(await bench.receive())).toEqual(["whole"]);
    await bench.advance(60_000);
    expect(await bench.receive()).toEqual([]);
    await bench.receiveHalf();
    expect(await bench.receive({ mode: "ordered", group: "GID_b" })).toHaveLength(1);
  });
}

function ending(rule: Rule): void {
  rule("TX-2.1", "a commit makes the message visible at once", async (bench) => {
    const handle = await prepare(bench, { body: "committed" });
    const poll = bench.poll();
    await bench.settle();
    expect(refusalsOf(await bench.end("commit", [handle]))).toEqual([undefined]);
    expect(bodiesOf(await poll)).toEqual(["committed"]);
  });

  rule("TX-2.1", "a commit makes it visible at its delivery time if it has one ahead", async (bench) => {
    const handle = await prepare(bench, {}, { deliverAt: bench.now + 5_000 });
    await bench.end("commit", [handle]);
    await bench.advance(4_999);
    expect(await bench.receive()).toEqual([]);
    await bench.advance(1);
    expect(await bench.receive()).toHaveLength(1);
  });

  rule("TX-2.1", "a commit after its delivery time makes it visible at once", async (bench) => {
    const handle = await prepare(bench, {}, { deliverAt: bench.now + 5_000 });
    await bench.advance(6_000);
    expect(await bench.receive()).toEqual([]);
    await bench.end("commit", [handle]);
    expect(await bench.receive()).toHaveLength(1);
  });

  rule("TX-2.2", "a rollback drops the message", async (bench) => {
    const handle = await prepare(bench);
    expect(refusalsOf(await bench.end("rollback", [handle]))).toEqual([undefined]);
    await bench.advance(2 * DAY);
    expect(await bench.receive()).toEqual([]);
    expect(await bench.receiveHalf()).toEqual([]);
    expect(bench.engine.inspection.countTopic(TOPIC)).toEqual({ stored: 0, delayed: 0, half: 0, abandoned: 0 });
  });

  rule("TX-2.4", "consumers count from 1, publish time and properties stay those of the publish", async (bench) => {
    const publishedAt = bench.now;
    const properties = [["__TransCheckT", "10"]] as const;
    await prepare(bench, { properties, tag: "paid", key: "k7", body: "b" });
    await bench.advance(11_000);
    await bench.receiveHalf();
    await bench.advance(10_000);
    const [offer] = await bench.receiveHalf();
    await bench.advance(1_000);
    await bench.end("commit", [offer]);
    const [delivery] = await bench.receive({ tags: "paid" });
    expect(delivery).toMatchObject({
      attempt: 1,
      firstDeliveredAt: bench.now,
      publishedAt,
      messageId: offer?.messageId,
      message: { body: "b", tag: "paid", key: "k7", properties },
    });
  });
}

function checks(rule: Rule): void {
  rule("TX-3.1", "the first check falls due after the immunity, rounded up to a whole second", async (bench) => {
    await bench.clock.advanceTo(Math.ceil(bench.now / 1_000) * 1_000 + 1);
    const dueAt = bench.now - 1 + 11_000;
    await prepare(bench, { body: "first" });
    await bench.advance(500);
    await prepare(bench, { body: "second" });
    await bench.clock.advanceTo(dueAt - 1);
    expect(await bench.receiveHalf()).toEqual([]);
    await bench.advance(1);
    expect(bench.now).toBe(dueAt);
    expect(bodiesOf(await bench.receiveHalf())).toEqual(["first", "second"]);
  });

  rule("TX-3.1", "an immunity that ends on a whole second is not made longer", async (bench) => {
    await bench.clock.advanceTo(Math.ceil(bench.now / 1_000) * 1_000);
    await prepare(bench);
    await bench.advance(10_000);
    expect(await bench.receiveHalf()).toHaveLength(1);
  });

  rule(
    "TX-3.1",
    "what is rounded to can be set",
    async (bench) => {
      await bench.clock.advanceTo(Math.ceil(bench.now / 100) * 100 + 1);
      await prepare(bench);
      await bench.advance(10_098);
      expect(await bench.receiveHalf()).toEqual([]);
      await bench.advance(1);
      expect(await bench.receiveHalf()).toHaveLength(1);
    },
    { settings: { checkRounding: 100 } },
  );

  rule("TX-3.2", "it is offered to polls of any group, its attempt being the number of checks", async (bench) => {
    await prepare(bench);
    const poll = bench.pollHalf({ group: "GID_one" });
    await bench.clock.advance(11_000);
    expect((await poll).map(({ attempt }) => attempt)).toEqual([1]);
    await bench.advance(10_000);
    const [second] = await bench.receiveHalf({ group: "GID_another" });
    expect(second?.attempt).toBe(2);
  });

  rule(
    "TX-3.3",
    "each check has a new handle valid 10 s; exactly when that ends it is offered again",
    async (bench) => {
      const first = await prepareAndCheck(bench);
      expect(first.visibleAgainAt).toBe(bench.now + 10_000);
      await bench.advance(9_999);
      expect(await bench.receiveHalf()).toEqual([]);
      await bench.advance(1);
      const [second] = await bench.receiveHalf();
      expect(second?.handle).not.toBe(first.handle);
      expect(second).toMatchObject({
        attempt: 2,
        firstDeliveredAt: first.firstDeliveredAt,
        messageId: first.messageId,
      });
      expect(refusalsOf(await bench.end("commit", [first]))).toEqual(["expired"]);
      expect(refusalsOf(await bench.end("commit", [second]))).toEqual([undefined]);
    },
  );

  rule(
    "TX-3.3",
    "it is offered for 24 hours after its first check",
    async (bench) => {
      const first = await prepareAndCheck(bench);
      let last = first.attempt;
      for (let offers = [first]; offers.length > 0; offers = await bench.receiveHalf()) {
        last = offers[0]?.attempt ?? 0;
        await bench.advance(10_000);
      }
      expect(last).toBe(360);
      expect(bench.now).toBe(first.firstDeliveredAt + 3_600_000);
    },
    { settings: { checkFor: 3_600_000 } },
  );

  rule("TX-3.4", "a check that nobody polls for does not count", async (bench) => {
    await prepare(bench);
    await bench.advance(2 * DAY);
    const [offer] = await bench.receiveHalf();
    expect(offer).toMatchObject({ attempt: 1, firstDeliveredAt: bench.now });
  });

  rule("TX-3.4", "a check that is given back does not count, nor does it begin the day of checks", async (bench) => {
    const given = await prepareAndCheck(bench);
    await bench.giveBack([given]);
    expect(refusalsOf(await bench.end("commit", [given]))).toEqual(["expired"]);
    await bench.advance(2 * DAY);
    const [offer] = await bench.receiveHalf();
    expect(offer).toMatchObject({ attempt: 1, firstDeliveredAt: bench.now });
  });
}

function outcomes(rule: Rule): void {
  rule(
    "TX-4.1",
    "the publish handle ends when the first check falls due, whether anybody polls or not",
    async (bench) => {
      await bench.clock.advanceTo(Math.ceil(bench.now / 1_000) * 1_000);
      const [early, late] = [await prepare(bench), await prepare(bench)];
      await bench.advance(9_999);
      expect(refusalsOf(await bench.end("commit", [early]))).toEqual([undefined]);
      await bench.advance(1);
      expect(refusalsOf(await bench.end("commit", [late]))).toEqual(["expired"]);
    },
  );

  rule("TX-4.1", "a polled handle ends with its NextConsumeTime", async (bench) => {
    const offer = await prepareAndCheck(bench);
    await bench.advance(10_000);
    expect(refusalsOf(await bench.end("commit", [offer]))).toEqual(["expired"]);
    const [again] = await bench.receiveHalf();
    await bench.advance(9_999);
    expect(refusalsOf(await bench.end("commit", [again]))).toEqual([undefined]);
  });

  rule("TX-4.2", "a handle that comes too late is expired, and changes nothing", async (bench) => {
    const handle = await prepare(bench);
    await bench.advance(11_000);
    const [outcome] = await bench.end("rollback", [handle]);
    expect(outcome).toMatchObject({ handle, refusal: "expired" });
    const [offer] = await bench.receiveHalf();
    expect(refusalsOf(await bench.end("commit", [handle]))).toEqual(["expired"]);
    expect(refusalsOf(await bench.end("commit", [offer]))).toEqual([undefined]);
    expect(await bench.receive()).toHaveLength(1);
  });

  rule(
    "TX-5.1",
    "of two who end one transaction at once only the first has an outcome",
    async (bench) => {
      const handle = await prepare(bench);
      const [committed, rolledBack] = await Promise.all([
        bench.end("commit", [handle]),
        bench.end("rollback", [handle]),
      ]);
      expect([committed, rolledBack].map((list) => refusalsOf(list ?? []))).toEqual([[undefined], ["expired"]]);
      expect(await bench.receive()).toHaveLength(1);
    },
    { notWithRestarts: "two requests at once would meet the restart" },
  );

  rule("TX-5.2", "the same outcome again with the same valid handle succeeds", async (bench) => {
    const [committed, dropped] = [await prepare(bench), await prepare(bench)];
    for (let times = 0; times < 3; times++) {
      expect(refusalsOf(await bench.end("commit", [committed, committed]))).toEqual([undefined, undefined]);
      expect(refusalsOf(await bench.end("rollback", [dropped]))).toEqual([undefined]);
      await bench.advance(1_000);
    }
    await bench.advance(10_000);
    expect(refusalsOf(await bench.end("commit", [committed]))).toEqual(["expired"]);
    expect(refusalsOf(await bench.end("rollback", [dropped]))).toEqual(["expired"]);
  });

  rule("TX-5.3", "the opposite outcome is refused as expired", async (bench) => {
    const [committed, dropped] = [await prepare(bench, { body: "committed" }), await prepare(bench)];
    await bench.end("commit", [committed]);
    await bench.end("rollback", [dropped]);
    expect(refusalsOf(await bench.end("rollback", [committed]))).toEqual(["expired"]);
    expect(refusalsOf(await bench.end("commit", [dropped]))).toEqual(["expired"]);
    expect(bodiesOf(await bench.receive())).toEqual(["committed"]);
  });

  rule(
    "TX-5.4",
    "never delivered twice because of a second commit, never delivered after a rollback",
    async (bench) => {
      const [committed, dropped] = [await prepare(bench, { body: "once" }), await prepare(bench)];
      await bench.end("commit", [committed, committed]);
      await bench.end("commit", [committed]);
      await bench.end("rollback", [dropped]);
      await bench.end("commit", [dropped]);
      await bench.acknowledge(await bench.receive());
      await bench.advance(2 * DAY);
      expect(await bench.receive()).toEqual([]);
      expect(bodiesOf(await bench.receive({ group: "GID_b" }))).toEqual(["once"]);
    },
  );
}

function abandoning(rule: Rule): void {
  rule(
    "TX-6.1",
    "24 hours after its first check it is abandoned, and never delivered or offered any more",
    async (bench) => {
      await prepareAndCheck(bench);
      await bench.advance(DAY - 1);
      expect(bench.engine.inspection.countTopic(TOPIC)).toMatchObject({ half: 1, abandoned: 0 });
      await bench.advance(1);
      expect(bench.engine.inspection.countTopic(TOPIC)).toMatchObject({ half: 0, abandoned: 1 });
      expect(await bench.receiveHalf()).toEqual([]);
      await bench.advance(DAY);
      expect(await bench.receive()).toEqual([]);
    },
  );

  rule("TX-6.1", "it is not abandoned before its newest handle has ended", async (bench) => {
    await prepareAndCheck(bench);
    await bench.advance(DAY - 1_000);
    const [offer] = await bench.receiveHalf();
    await bench.advance(9_999);
    expect(bench.engine.inspection.countTopic(TOPIC)).toMatchObject({ half: 1, abandoned: 0 });
    expect(await bench.receiveHalf()).toEqual([]);
    expect(refusalsOf(await bench.end("commit", [offer]))).toEqual([undefined]);
    expect(await bench.receive()).toHaveLength(1);
  });

  rule("TX-6.1", "at that very instant, before the sweep has run, it is not offered any more", async (bench) => {
    let early: Promise<Delivery[]> | undefined;
    await prepare(bench);
    await bench.advance(11_000);
    bench.clock.alarm(bench.now + DAY, () => {
      early = bench.pollHalf({ wait: 0 });
    });
    await bench.receiveHalf();
    await bench.advance(DAY);
    expect(await early).toEqual([]);
    expect(bench.engine.inspection.countTopic(TOPIC)).toMatchObject({ abandoned: 1 });
  });

  rule("TX-6.2", "an abandoned half message is kept", async (bench) => {
    const offer = await prepareAndCheck(bench);
    await bench.advance(DAY + 2 * DAY);
    expect(bench.engine.inspection.countTopic(TOPIC)).toMatchObject({ abandoned: 1 });
    expect(refusalsOf(await bench.end("commit", [offer]))).toEqual(["expired"]);
  });
}

function groups(rule: Rule): void {
  rule("TX-7.1", "commit and rollback work without a group", async (bench) => {
    const [committed, dropped] = [await prepare(bench), await prepare(bench)];
    expect(refusalsOf(await bench.end("commit", [committed]))).toEqual([undefined]);
    expect(refusalsOf(await bench.end("rollback", [dropped]))).toEqual([undefined]);
  });

  rule(
    "TX-7.2",
    "they look at the handle, never at whether the group exists",
    async (bench) => {
      await bench.declareTopic("orders", "transactional");
      const handle = await prepare(bench);
      expect(refusalsOf(await bench.end("commit", [handle], { group: "GID_unknown" }))).toEqual([undefined]);
      expect(refusalsOf(await bench.end("commit", ["nonsense"], { group: "GID_unknown" }))).toEqual(["invalid"]);
    },
    { settings: { makeByUse: false } },
  );

  rule("TX-7.2", "a handle of another topic is invalid", async (bench) => {
    const handle = await prepare(bench);
    await prepare(bench, { topic: "another" });
    expect(refusalsOf(await bench.end("commit", [handle], { topic: "another" }))).toEqual(["invalid"]);
    expect(refusalsOf(await bench.end("commit", [handle]))).toEqual([undefined]);
  });

  rule(
    "TX-7.3",
    "polling for checks and ending transactions make no subscription and count in no backlog",
    async (bench) => {
      await prepare(bench);
      const group = "GID_producer";
      await bench.advance(11_000);
      const [offer] = await bench.receiveHalf({ group });
      const countOf = () => bench.engine.inspection.countSubscription(TOPIC, { instance: INSTANCE, group });
      expect(countOf()).toBeUndefined();
      await bench.end("commit", [offer], { group });
      expect(countOf()).toBeUndefined();
      await bench.receive();
      const ofConsumers = { instance: INSTANCE, group: "GID_a" };
      await prepare(bench);
      expect(bench.engine.inspection.countSubscription(TOPIC, ofConsumers)).toMatchObject({ ready: 0, inFlight: 1 });
    },
  );

  rule("TX-7.4", "several handles have one outcome each", async (bench) => {
    const [first, second] = [await prepare(bench, { body: "0" }), await prepare(bench, { body: "1" })];
    await bench.end("rollback", [second]);
    const outcomes = await bench.end("commit", [first, "nonsense", second, first]);
    expect(refusalsOf(outcomes)).toEqual([undefined, "invalid", "expired", undefined]);
    expect(outcomes.map(({ handle }) => handle)).toEqual([first, "nonsense", second, first]);
    expect(bodiesOf(await bench.receive())).toEqual(["0"]);
  });
}

function crash(rule: Rule): void {
  rule(
    "TX-8.1",
    "half messages survive a crash with their number of checks and their times",
    async (bench) => {
      const first = await prepareAndCheck(bench);
      await bench.restart({ crash: true });
      await bench.advance(9_999);
      expect(await bench.receiveHalf()).toEqual([]);
      await bench.advance(1);
      const [second] = await bench.receiveHalf();
      expect(second).toMatchObject({ attempt: 2, firstDeliveredAt: first.firstDeliveredAt });
      await bench.restart({ crash: true });
      expect(refusalsOf(await bench.end("commit", [first]))).toEqual(["expired"]);
      await bench.advance(10_000);
      expect((await bench.receiveHalf()).map(({ attempt }) => attempt)).toEqual([3]);
      await bench.clock.advanceTo(first.firstDeliveredAt + DAY);
      await bench.restart({ crash: true });
      await bench.settle();
      expect(bench.engine.inspection.countTopic(TOPIC)).toMatchObject({ half: 0, abandoned: 1 });
    },
    { restarts: true },
  );

  rule(
    "TX-8.1",
    "the publish handle, an outcome, and a commit with a delivery time survive a crash",
    async (bench) => {
      const [now, later] = [
        await prepare(bench, { body: "now" }),
        await prepare(bench, { body: "later" }, { deliverAt: bench.now + 60_000 }),
      ];
      await bench.restart({ crash: true });
      expect(refusalsOf(await bench.end("commit", [now, later]))).toEqual([undefined, undefined]);
      await bench.restart({ crash: true });
      expect(refusalsOf(await bench.end("commit", [now, later]))).toEqual([undefined, undefined]);
      expect(refusalsOf(await bench.end("rollback", [now, later]))).toEqual(["expired", "expired"]);
      expect(bodiesOf(await bench.receive())).toEqual(["now"]);
      await bench.advance(60_000);
      expect(bodiesOf(await bench.receive())).toEqual(["later"]);
    },
    { restarts: true },
  );
}
