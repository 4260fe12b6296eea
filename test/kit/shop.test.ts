import { Client } from "@stagemq/client";
import { startTestBroker, type TestBroker } from "stagemq/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Bookings, OrderDesk, PaymentDesk, Reminders, TOPICS, Warehouse } from "./shop.ts";

/** How a program is tested with the kit: one broker for all tests, in simulated time, empty again after each of them. */
let broker: TestBroker;
let client: Client;
let bookings: Bookings;

const startedAt = performance.now();
let simulatedFrom: Date;

beforeAll(async () => {
  broker = await startTestBroker({
    clock: "simulated",
    topics: { [TOPICS.orders]: "ordered", [TOPICS.payments]: "transactional", [TOPICS.reminders]: "delayed" },
    groups: { GID_reminders: { maxRetries: 2 } },
  });
  simulatedFrom = broker.clock.now();
});

beforeEach(() => {
  client = new Client({
    endpoint: broker.endpoint,
    ...broker.credentials,
    instanceId: broker.instance,
    // What a client waits between two tries is real time.
    retry: { baseDelay: "1ms" },
    logger: { warn: () => {} },
  });
  bookings = new Map();
});

afterEach(async () => {
  await client.close();
  await broker.reset();
});

afterAll(async () => {
  const hours = (broker.clock.now().getTime() - simulatedFrom.getTime()) / 3_600_000;
  const seconds = (performance.now() - startedAt) / 1_000;
  console.info(`${hours.toFixed(1)} simulated hours took ${seconds.toFixed(2)} s`);
  await broker.stop();
});

describe("orders", () => {
  it("tells the steps of an order in order, however many orders there are", async () => {
    const desk = new OrderDesk(client, () => broker.clock.now());
    const warehouse = new Warehouse(client);
    warehouse.open();
    const orders = Array.from({ length: 10 }, (_, number) => `o-${number}`);
    for (const step of ["created", "paid", "shipped"] as const)
      await Promise.all(orders.map((id) => desk.tell(id, step)));
    await broker.expect(TOPICS.orders).toHaveAcknowledged({ group: "GID_warehouse", times: 30 });
    for (const id of orders) expect(warehouse.seen.get(id)).toEqual(["created", "paid", "shipped"]);
    await broker.expect(TOPICS.orders).toHavePublished({ tag: "paid", shardingKey: "o-1", times: 1 });
  });

  it("tries a step again after a minute, and nothing of that order before it", async () => {
    const desk = new OrderDesk(client, () => broker.clock.now());
    const warehouse = new Warehouse(client);
    let isOpen = false;
    warehouse.doStep = ({ step }) => {
      if (step === "paid" && !isOpen) throw new Error("the packing machine is being repaired");
    };
    warehouse.open();
    for (const step of ["created", "paid", "shipped"] as const) await desk.tell("o-1", step);
    await broker.expect(TOPICS.orders).toHaveAcknowledged({ tag: "created", times: 1 });
    await broker.expect(TOPICS.orders).toHaveDelivered({ tag: "paid", attempt: 1 });
    for (let attempt = 2; attempt <= 10; attempt++) {
      await broker.clock.advance("1m");
      await broker.expect(TOPICS.orders).toHaveDelivered({ tag: "paid", attempt });
    }
    expect(warehouse.seen.get("o-1")).toEqual(["created"]);
    await broker.expect(TOPICS.orders).toHaveNothing("acknowledged", { tag: "shipped" });

    isOpen = true;
    await broker.clock.advance("1m");
    await broker.expect(TOPICS.orders).toHaveAcknowledged({ tag: "shipped", times: 1 });
    expect(warehouse.seen.get("o-1")).toEqual(["created", "paid", "shipped"]);
  });

  it("does a step once, though it comes twice and its acknowledgement is lost", async () => {
    const desk = new OrderDesk(client, () => broker.clock.now());
    const warehouse = new Warehouse(client);
    let steps = 0;
    warehouse.doStep = () => {
      steps += 1;
    };
    broker.duplicateNext("receive", { topic: TOPICS.orders });
    broker.failNext("acknowledge", "ReceiptHandleError", { topic: TOPICS.orders });
    warehouse.open();
    await desk.tell("o-1", "created");
    await broker.expect(TOPICS.orders).toHaveDelivered({ key: "o-1", times: 2 });
    await broker.expect(TOPICS.orders).toHaveAcknowledged({ key: "o-1", times: 1 });
    expect(steps).toBe(1);
  });
});

describe("reminders", () => {
  it("reminds after half an hour who has not paid", async () => {
    const desk = new OrderDesk(client, () => broker.clock.now());
    const reminders = new Reminders(client, bookings);
    reminders.open();
    await desk.take("o-1");
    await desk.take("o-2");
    bookings.set("o-2", { order: "o-2", cents: 100 });
    await broker.clock.advance("29m");
    await broker.expect(TOPICS.reminders).toHave("delayed", { times: 2 });
    expect(reminders.mails).toEqual([]);
    await broker.clock.advance("1m");
    await broker.expect(TOPICS.reminders).toHaveAcknowledged({ times: 2 });
    expect(reminders.mails).toEqual(["o-1"]);
  });

  it("puts aside a mail that cannot be sent", async () => {
    const desk = new OrderDesk(client, () => broker.clock.now());
    new Reminders(client, bookings).open(() => {
      throw new Error("no such address");
    });
    await desk.take("o-1");
    await broker.clock.advance("30m");
    for (const attempt of [1, 2, 3]) {
      await broker.expect(TOPICS.reminders).toHaveDelivered({ attempt });
      await broker.clock.advance("5m");
    }
    await broker.expect(TOPICS.reminders).toHaveDeadLettered({ group: "GID_reminders", key: "o-1", times: 1 });
  });
});

describe("payments", () => {
  it("tells of a payment that was booked, and of no other", async () => {
    const desk = new PaymentDesk(client, bookings);
    await desk.book({ order: "o-1", cents: 1_200 });
    await expect(desk.book({ order: "o-2", cents: 0 })).rejects.toThrow(RangeError);
    await broker.expect(TOPICS.payments).toHavePublished({ key: "o-1", body: { cents: 1_200 }, times: 1 });
    await broker.expect(TOPICS.payments).toHaveNothing("published", { key: "o-2" });
    await broker.expect(TOPICS.payments).toHaveNothing("half");
  });

  it("looks into its table when the commit was lost", async () => {
    const desk = new PaymentDesk(client, bookings);
    broker.failNext("commit", "InternalError", { times: 3 });
    await expect(desk.book({ order: "o-1", cents: 1_200 })).rejects.toMatchObject({ code: "TransactionOpen" });
    await broker.expect(TOPICS.payments).toHaveNothing("published");
    desk.answerChecks();
    await broker.clock.advance("11s");
    await broker.expect(TOPICS.payments).toHavePublished({ key: "o-1", times: 1 });
  });

  it("is asked again, for an hour, while its table does not answer", async () => {
    const desk = new PaymentDesk(client, bookings);
    broker.failNext("commit", "InternalError", { times: 3 });
    await expect(desk.book({ order: "o-1", cents: 1_200 })).rejects.toMatchObject({ code: "TransactionOpen" });
    bookings.has = () => {
      throw new Error("the database is away");
    };
    desk.answerChecks();
    await broker.clock.advance("11s");
    await broker.expect(TOPICS.payments).toHave("half", { attempt: 1, times: 1 });
    await broker.clock.advance("1h");
    await broker.expect(TOPICS.payments).toHaveNothing("published");

    bookings.has = () => true;
    await broker.clock.advance("10s");
    await broker.expect(TOPICS.payments).toHavePublished({ key: "o-1", times: 1 });
  });
});
