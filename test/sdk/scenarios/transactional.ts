import { expect } from "vitest";
import { NOTHING_THERE, type Published, type Received, type SdkClient } from "../sdk.ts";
import type { Scenario, Stage } from "../stage.ts";
import { drain } from "./drain.ts";

const PAYMENTS = { topic: "payments", group: "GID_payments" };
const SHOP = { topic: "payments", group: "GID_shop" };
const THREE = { upTo: 3, waitSeconds: 3 };
const CHECK_AFTER_SECONDS = 10;
const HOUR = 3_600_000;

export const transactional: Scenario = {
  title: "four transactions end as their producer says: at once, at the first check, at the second, rolled back",
  play: playFourTransactions,
};

export const leftAlone: Scenario = {
  title: "a half message that is left alone is asked about at 10 s, 20 s and 30 s",
  play: playLeftAlone,
};

export const dayOfChecks: Scenario = {
  title: "a half message is checked for 24 hours, then abandoned and never delivered",
  play: playDayOfChecks,
};

async function playFourTransactions(stage: Stage): Promise<void> {
  const [producer, consumer] = [stage.client(), stage.client()];
  const [first, ...others] = await publishFour(producer);
  expect(await producer.commit(SHOP, handleOf(first))).toEqual([]);
  expect(numbersOf(await drain(consumer, PAYMENTS))).toEqual(["0"]);

  // TX-3: due 10 s after each publish, rounded up to a whole second.
  await stage.pass(11_000);
  const firstChecks = await pollForChecks(producer, 3);
  expect(numbersOf(firstChecks)).toEqual(["1", "2", "3"]);
  expect(firstChecks.map(({ attempt }) => attempt)).toEqual([1, 1, 1]);
  const [one, two, three] = firstChecks;
  expect(await producer.commit(SHOP, handleOf(one))).toEqual([]);
  expect(await producer.rollback(SHOP, handleOf(three))).toEqual([]);
  expect(numbersOf(await drain(consumer, PAYMENTS))).toEqual(["1"]);

  await stage.passUntil(two?.visibleAgainAt ?? 0);
  const [secondCheck, ...noMore] = await pollForChecks(producer, 1);
  expect(noMore).toEqual([]);
  expect(secondCheck).toMatchObject({ messageId: two?.messageId, attempt: 2 });
  // TX-4: the publish handle ended with the first check, the handle of the first check with the second.
  for (const late of [handleOf(others[1]), handleOf(two)])
    expect(await producer.commit(SHOP, late)).toEqual([{ receiptHandle: late, code: NOTHING_THERE }]);
  expect(await drain(consumer, PAYMENTS)).toEqual([]);
  expect(await producer.commit(SHOP, handleOf(secondCheck))).toEqual([]);
  expect(numbersOf(await drain(consumer, PAYMENTS))).toEqual(["2"]);
  expect(await producer.consumeHalf(SHOP, THREE)).toEqual([]);
}

async function playLeftAlone(stage: Stage): Promise<void> {
  const [producer, consumer] = [stage.client(), stage.client()];
  const publishedAt = await stage.now();
  await producer.publishHalf(SHOP, { body: "left", checkAfterSeconds: CHECK_AFTER_SECONDS });
  let dueAt = publishedAt + CHECK_AFTER_SECONDS * 1_000;
  for (const attempt of [1, 2, 3]) {
    const [check, ...noMore] = await pollUntilOffered(producer);
    expect(noMore).toEqual([]);
    expect(check).toMatchObject({ body: "left", attempt });
    expect(await stage.now()).toBeGreaterThanOrEqual(dueAt);
    dueAt = check?.visibleAgainAt ?? 0;
    // TX-3: asked again every 10 s. The poll was answered a moment ago.
    expect(dueAt - (await stage.now())).toBeLessThanOrEqual(10_000);
    expect(dueAt - (await stage.now())).toBeGreaterThan(5_000);
    expect(await consumer.consume(PAYMENTS, { upTo: 1 })).toEqual([]);
  }
}

async function playDayOfChecks(stage: Stage): Promise<void> {
  const [producer, consumer] = [stage.client(), stage.client()];
  await producer.publishHalf(SHOP, { body: "pay", checkAfterSeconds: CHECK_AFTER_SECONDS });
  expect(await producer.consumeHalf(SHOP, { upTo: 1 })).toEqual([]);
  await stage.pass(11_000);

  let newest: Received | undefined;
  for (let hour = 1; hour <= 24; hour++) {
    [newest] = await producer.consumeHalf(SHOP, { upTo: 1 });
    expect(newest?.attempt).toBe(hour);
    await stage.pass(HOUR);
  }
  expect(await producer.consumeHalf(SHOP, { upTo: 1 })).toEqual([]);
  const late = handleOf(newest);
  expect(await producer.commit(SHOP, late)).toEqual([{ receiptHandle: late, code: NOTHING_THERE }]);
  expect(await consumer.consume(PAYMENTS, { upTo: 1 })).toEqual([]);
}

async function publishFour(producer: SdkClient): Promise<readonly Published[]> {
  const published: Published[] = [];
  for (let i = 0; i < 4; i++)
    published.push(
      await producer.publishHalf(SHOP, {
        body: "pay",
        checkAfterSeconds: CHECK_AFTER_SECONDS,
        properties: { a: String(i) },
      }),
    );
  return published;
}

/** As the samples do: short waits, one after the other. */
async function pollUntilOffered(producer: SdkClient): Promise<readonly Received[]> {
  for (;;) {
    const offered = await producer.consumeHalf(SHOP, THREE);
    if (offered.length > 0) return offered;
  }
}

/** Several polls where those published around a full second fall due one second apart. */
async function pollForChecks(producer: SdkClient, count: number): Promise<readonly Received[]> {
  const checks: Received[] = [];
  while (checks.length < count) {
    const offered = await producer.consumeHalf(SHOP, THREE);
    expect(offered).not.toEqual([]);
    checks.push(...offered);
  }
  return checks;
}

function handleOf(of: { readonly receiptHandle: string } | undefined): string {
  return of?.receiptHandle ?? "";
}

function numbersOf(received: readonly Received[]): readonly (string | undefined)[] {
  return received.map(({ properties }) => properties.a);
}
