import { expect } from "vitest";
import { NOTHING_THERE, type Received, type SdkClient } from "../sdk.ts";
import type { Scenario, Stage } from "../stage.ts";
import { handlesOf } from "./drain.ts";

const ORDERS = { topic: "orders", group: "GID_orders" };
/** What the product's samples ask for. */
const THREE = { upTo: 3, waitSeconds: 3 };
const EVEN = ["0", "2", "4", "6"];
const ODD = ["1", "3", "5", "7"];

export const inOrder: Scenario = {
  title: "ordered messages arrive in the order of their key, and none twice",
  play: playOnceInOrder,
};

export const gate: Scenario = {
  title: "an unacknowledged ordered batch holds up its queue, and comes again alone",
  play: playRedelivery,
};

async function playOnceInOrder(stage: Stage): Promise<void> {
  const consumer = stage.client();
  const [received] = await Promise.all([receiveEight(consumer), publishEight(stage)]);

  expect(received.map(({ body, key }) => ({ body, key }))).toEqual(
    Array(8).fill({ body: "hello mq!", key: "MessageKey" }),
  );
  expect(numbersOf(received.filter(({ shardingKey }) => shardingKey === "0"))).toEqual(EVEN);
  expect(numbersOf(received.filter(({ shardingKey }) => shardingKey === "1"))).toEqual(ODD);
  expect(new Set(received.map(({ attempt }) => attempt))).toEqual(new Set([1]));

  await stage.passUntil(Math.max(...received.map(({ visibleAgainAt }) => visibleAgainAt)));
  expect(await consumer.consumeOrderly(ORDERS, THREE)).toEqual([]);
}

async function playRedelivery(stage: Stage): Promise<void> {
  await publishEight(stage);
  const [consumer, colleague] = [stage.client(), stage.client()];

  const held = await consumer.consumeOrderly(ORDERS, THREE);
  const isEvenHeld = held[0]?.shardingKey === "0";
  const [heldNumbers, otherNumbers] = isEvenHeld ? [EVEN, ODD] : [ODD, EVEN];
  expect(numbersOf(held)).toEqual(heldNumbers.slice(0, 3));

  // ORD-2: that queue is closed to everyone of the group, the other goes on.
  expect(numbersOf(await consumeAndAcknowledge(colleague))).toEqual(otherNumbers.slice(0, 3));
  expect(numbersOf(await consumeAndAcknowledge(consumer))).toEqual(otherNumbers.slice(3));
  expect(await colleague.consumeOrderly(ORDERS, THREE)).toEqual([]);
  expect(await consumer.consumeOrderly(ORDERS, { upTo: 16 })).toEqual([]);

  const dueAt = held[0]?.visibleAgainAt ?? 0;
  await stage.passUntil(dueAt);
  const again = await colleague.consumeOrderly(ORDERS, { upTo: 16, waitSeconds: 3 });
  expect(again.map(identityOf)).toEqual(held.map(identityOf));
  expect(numbersOf(again)).toEqual(heldNumbers.slice(0, 3));
  expect(again.map(({ attempt }) => attempt)).toEqual([2, 2, 2]);
  expect(handlesOf(again).filter((handle) => handlesOf(held).includes(handle))).toEqual([]);

  const refused = handlesOf(held).map((receiptHandle) => ({ receiptHandle, code: NOTHING_THERE }));
  expect(await consumer.acknowledge(ORDERS, handlesOf(held))).toEqual(refused);
  expect(await colleague.acknowledge(ORDERS, handlesOf(again))).toEqual([]);
  expect(numbersOf(await consumeAndAcknowledge(consumer))).toEqual(heldNumbers.slice(3));
}

async function publishEight(stage: Stage): Promise<void> {
  const producer = stage.client();
  for (let i = 0; i < 8; i++) {
    if (i > 0) await stage.pass(100);
    await producer.publish(ORDERS.topic, {
      body: "hello mq!",
      key: "MessageKey",
      shardingKey: String(i % 2),
      properties: { a: String(i) },
    });
  }
}

async function receiveEight(consumer: SdkClient): Promise<readonly Received[]> {
  const received: Received[] = [];
  while (received.length < 8) received.push(...(await consumeAndAcknowledge(consumer)));
  return received;
}

async function consumeAndAcknowledge(consumer: SdkClient): Promise<readonly Received[]> {
  const batch = await consumer.consumeOrderly(ORDERS, THREE);
  if (batch.length > 0) expect(await consumer.acknowledge(ORDERS, handlesOf(batch))).toEqual([]);
  return batch;
}

function numbersOf(received: readonly Received[]): readonly (string | undefined)[] {
  return received.map(({ properties }) => properties.a);
}

function identityOf({ messageId, firstDeliveredAt, publishedAt }: Received): object {
  return { messageId, firstDeliveredAt, publishedAt };
}
