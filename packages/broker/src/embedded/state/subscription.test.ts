import { describe, expect, it } from "vitest";
import type { MessagesDelivered } from "../journal/fact.ts";
import { Subscription } from "./subscription.ts";

const MINUTE = 60_000;

describe("Subscription", () => {
  it("keeps one entry for one stuck message, with 100,000 acknowledged behind it", () => {
    const subscription = aSubscription();
    for (let offset = 0; offset <= 100_000; offset++) {
      subscription.deliver(delivered([offset]));
      if (offset > 0) subscription.end(0, offset);
    }
    const { outstanding, ready } = subscription.queue(0);
    expect([...outstanding.keys()]).toEqual([0]);
    expect(subscription.outstandingCount).toBe(1);
    expect([ready.rangeCount, ready.first]).toEqual([1, 100_001]);
  });

  it("keeps nothing of what was acknowledged in whatever order", () => {
    const subscription = aSubscription();
    for (let offset = 0; offset < 1_000; offset++) subscription.deliver(delivered([offset]));
    for (let step = 0; step < 1_000; step++) subscription.end(0, (step * 7) % 1_000);
    expect([subscription.outstandingCount, subscription.queue(0).outstanding.size]).toEqual([0, 0]);
    expect(subscription.nextAt).toBe(Number.POSITIVE_INFINITY);
  });

  it("has one entry for a message however often it was delivered", () => {
    const subscription = aSubscription();
    for (let attempt = 1; attempt <= 5; attempt++) {
      subscription.deliver(delivered([0], { attempt, at: attempt * MINUTE, until: (attempt + 1) * MINUTE }));
      subscription.settle((attempt + 1) * MINUTE);
    }
    expect(subscription.queue(0).outstanding.get(0)).toMatchObject({ attempt: 5, firstDeliveredAt: MINUTE });
    expect([subscription.outstandingCount, subscription.inFlightCount, subscription.waiting.dueCount]).toEqual([
      1, 0, 1,
    ]);
  });

  it("has ready what was given back before it counted, and due what was delivered before", () => {
    const subscription = aSubscription();
    subscription.deliver(delivered([0, 1]));
    subscription.giveBack(0, 0, "hung-up");
    expect([...subscription.queue(0).ready.between(0, 3)]).toEqual([0, 2]);
    expect(subscription.outstandingCount).toBe(1);
    subscription.settle(MINUTE);
    subscription.deliver(delivered([1], { attempt: 2, at: MINUTE, until: 2 * MINUTE }));
    subscription.giveBack(0, 1, "hung-up");
    subscription.settle(MINUTE);
    expect([...subscription.waiting.due()].map(({ offset, attempt }) => [offset, attempt])).toEqual([[1, 1]]);
    expect([...subscription.queue(0).ready.between(0, 3)]).toEqual([0, 2]);
  });

  it("forgets what was given back once it is passed over, and counts it", () => {
    const subscription = aSubscription();
    subscription.deliver(delivered([1]));
    subscription.giveBack(0, 1, "hung-up");
    subscription.passOver(0, 0, 3);
    expect(subscription.queue(0).outstanding.size).toBe(0);
    expect([subscription.queue(0).ready.first, subscription.passedOver]).toEqual([3, 3]);
  });

  it("parts what is exhausted from what is due", () => {
    const subscription = aSubscription({ maxAttempts: 1 });
    subscription.deliver(delivered([0, 1]));
    subscription.end(0, 1);
    expect(subscription.needsSweep).toBe(false);
    subscription.settle(MINUTE);
    expect([subscription.needsSweep, subscription.waiting.dueCount, subscription.outstandingCount]).toEqual([
      true,
      0,
      1,
    ]);
    subscription.giveBack(0, 0, "hung-up");
    expect([subscription.needsSweep, subscription.queue(0).ready.first]).toEqual([false, 0]);
  });

  it("tells what an ordered poll holds from what is merely in flight (ORD-8)", () => {
    const subscription = aSubscription();
    subscription.deliver(delivered([0]));
    expect([subscription.hasInFlight(0, 0), subscription.isHeld(0, 0)]).toEqual([true, false]);
    subscription.deliver(delivered([1], { ordered: true, until: 2 * MINUTE }));
    subscription.end(0, 0);
    expect([subscription.hasInFlight(0, MINUTE), subscription.isHeld(0, MINUTE)]).toEqual([true, true]);
    expect([subscription.hasInFlight(0, 2 * MINUTE), subscription.isHeld(0, 2 * MINUTE)]).toEqual([false, false]);
    subscription.end(0, 1);
    expect([subscription.hasInFlight(0, MINUTE), subscription.isHeld(0, MINUTE)]).toEqual([false, false]);
  });
});

function aSubscription({ maxAttempts = Number.POSITIVE_INFINITY } = {}): Subscription {
  return new Subscription(1, 2, [], ({ attempt }) => attempt >= maxAttempts);
}

function delivered(
  offsets: readonly number[],
  { attempt = 1, at = 0, until = MINUTE, ordered = false } = {},
): MessagesDelivered {
  const deliveries = offsets.map((offset) => ({ offset, attempt, number: offset }));
  return { kind: "messages-delivered", topic: 1, group: 2, queue: 0, ordered, deliveries, at, until };
}
