import { describe, expect, it } from "vitest";
import { DAY, MINUTE } from "../../src/domain/time.ts";
import { HALF_MESSAGE, type HalfEvent, type HalfState } from "../../src/embedded/state/half-state.ts";
import type { Delivery, ReceiptHandle } from "../../src/engine/engine.ts";
import { Bench, bodiesOf, DEFAULTS, INSTANCE, ordered } from "./bench.ts";
import { engines } from "./engines.ts";
import { cellsOf, formatTable, rulePage, type StateTable } from "./state-table.ts";

/** How long before the message is dropped the state is reached. */
const JUST_BEFORE = 1_000;
const TOPIC = { instance: INSTANCE, topic: "orders" };
const GROUP = { instance: INSTANCE, group: "GID_a" };

async function aBench(): Promise<Bench> {
  const [under] = engines;
  if (under === undefined) throw new Error("there is no engine");
  return new Bench(under, await under.open(DEFAULTS));
}

describe("a half message", () => {
  it("TX-5.1: the rule book prints its table", () => {
    expect(rulePage("transactions")).toContain(formatTable(HALF_MESSAGE));
  });

  for (const { state, event, next } of cellsOf<HalfState, HalfEvent>(HALF_MESSAGE)) {
    it(`TX-5.1: ${state}, then ${event}, is ${next}`, async () => {
      const bench = await aBench();
      const handles = await bringHalfTo(bench, state);
      await HALF_EVENTS[event](bench, handles);
      expect(await halfState(bench)).toBe(next);
    });
  }
});

/** A half message in this state, and every handle that was given for it, oldest first. */
async function bringHalfTo(bench: Bench, state: HalfState): Promise<ReceiptHandle[]> {
  const { transactionHandle = "" } = await bench.publish({
    intent: { kind: "transactional", firstCheckAfter: 10_000 },
  });
  if (state === "prepared") return [transactionHandle];
  if (state === "committed" || state === "rolled-back") {
    await bench.end(state === "committed" ? "commit" : "rollback", [transactionHandle]);
    return [transactionHandle];
  }
  await bench.advance(11_000);
  const offers = await bench.receiveHalf();
  if (state === "abandoned") await bench.advance(DAY);
  return [transactionHandle, ...offers.map(({ handle }) => handle)];
}

const HALF_EVENTS: Readonly<Record<HalfEvent, (bench: Bench, handles: readonly ReceiptHandle[]) => Promise<unknown>>> =
  {
    offered: async (bench) => {
      await bench.advance(11_000);
      await bench.receiveHalf();
    },
    committed: (bench, handles) => bench.end("commit", handles),
    "rolled-back": (bench, handles) => bench.end("rollback", handles),
    abandoned: async (bench) => {
      // Its time begins with its first check (TX-6).
      await bench.advance(11_000);
      await bench.receiveHalf();
      await bench.advance(DAY);
    },
  };

async function halfState(bench: Bench): Promise<HalfState> {
  const counts = bench.engine.inspection.countTopic(TOPIC);
  if (counts?.abandoned === 1) return "abandoned";
  if (counts?.stored === 1) return "committed";
  if (counts?.half === 0) return "rolled-back";
  const [offer] = await bench.receiveHalf();
  if (offer !== undefined) return offer.attempt === 1 ? "prepared" : "offered";
  await bench.advance(11_000);
  return (await bench.receiveHalf())[0]?.attempt === 1 ? "prepared" : "offered";
}

type DeliveryState = "ready" | "in flight" | "acknowledged" | "dead-lettered";
type DeliveryEvent =
  | "polled"
  | "acknowledged, newest handle in time"
  | "given back"
  | "time is up"
  | "retries used up"
  | "passed over"
  | "dropped";

const DELIVERY: StateTable<DeliveryState, DeliveryEvent> = {
  ready: {
    polled: "in flight",
    "acknowledged, newest handle in time": undefined,
    "given back": undefined,
    "time is up": undefined,
    "retries used up": "dead-lettered",
    "passed over": "acknowledged",
    dropped: "acknowledged",
  },
  "in flight": {
    polled: undefined,
    "acknowledged, newest handle in time": "acknowledged",
    "given back": "ready",
    "time is up": "ready",
    "retries used up": undefined,
    "passed over": undefined,
    dropped: "acknowledged",
  },
  acknowledged: {
    polled: undefined,
    "acknowledged, newest handle in time": "acknowledged",
    "given back": undefined,
    "time is up": undefined,
    "retries used up": undefined,
    "passed over": undefined,
    dropped: undefined,
  },
  "dead-lettered": {
    polled: undefined,
    "acknowledged, newest handle in time": undefined,
    "given back": undefined,
    "time is up": undefined,
    "retries used up": undefined,
    "passed over": undefined,
    dropped: undefined,
  },
};

describe("a delivery of one message to one group", () => {
  it("DEL-1.1: the rule book prints its table", () => {
    expect(rulePage("delivery")).toContain(formatTable(DELIVERY));
  });

  for (const { state, event, next } of cellsOf(DELIVERY)) {
    it(`DEL-1.1: ${state}, then ${event}, is ${next}`, async () => {
      const bench = await aBench();
      const delivered = await bringDeliveryTo(bench, state, event);
      await DELIVERY_EVENTS[event](bench, delivered);
      await bench.settle();
      expect(deliveryState(bench)).toBe(next);
    });
  }
});

async function bringDeliveryTo(bench: Bench, state: DeliveryState, event: DeliveryEvent): Promise<Delivery[]> {
  await bench.declareGroup("GID_a", { maxRetries: state === "dead-lettered" ? 0 : 9, from: "earliest" });
  await bench.publish();
  const isLate = state === "ready" || state === "dead-lettered";
  if (event === "dropped") await bench.advance(DEFAULTS.retentionAge - JUST_BEFORE - (isLate ? 5 * MINUTE : 0));
  // Only what was never delivered is passed over (TAG-2), only what was delivered has used up retries.
  if (state === "ready" && event === "passed over") {
    await bench.receive({ topic: "another" });
    return [];
  }
  const delivered = await bench.receive();
  if (state === "acknowledged") await bench.acknowledge(delivered);
  if (isLate) await bench.advance(5 * MINUTE);
  return delivered;
}

const DELIVERY_EVENTS: Readonly<
  Record<DeliveryEvent, (bench: Bench, delivered: readonly Delivery[]) => Promise<unknown>>
> = {
  polled: (bench) => bench.receive(),
  "acknowledged, newest handle in time": (bench, delivered) => bench.acknowledge(delivered),
  "given back": (bench, delivered) => bench.giveBack(delivered),
  "time is up": (bench) => bench.advance(5 * MINUTE),
  "retries used up": (bench) => bench.declareGroup("GID_a", { maxRetries: 0, from: "earliest" }),
  "passed over": async (bench) => {
    await bench.receive({ tags: "another" });
    await bench.advance(2_000);
  },
  dropped: (bench) => bench.advance(JUST_BEFORE),
};

function deliveryState(bench: Bench): DeliveryState {
  const counts = bench.engine.inspection.countSubscription(TOPIC, GROUP);
  if (counts?.dead === 1) return "dead-lettered";
  if (counts?.inFlight === 1) return "in flight";
  return counts?.ready === 1 ? "ready" : "acknowledged";
}

type QueueState = "open" | "held" | "due";
type QueueEvent =
  | "polled"
  | "some acknowledged"
  | "all acknowledged in time"
  | "given back"
  | "time is up"
  | "retries used up"
  | "dropped";

/** A batch that is given back leaves the queue as it was before the poll: here, open. */
const QUEUE: StateTable<QueueState, QueueEvent> = {
  open: {
    polled: "held",
    "some acknowledged": undefined,
    "all acknowledged in time": undefined,
    "given back": undefined,
    "time is up": undefined,
    "retries used up": undefined,
    dropped: undefined,
  },
  held: {
    polled: undefined,
    "some acknowledged": "held",
    "all acknowledged in time": "open",
    "given back": "open",
    "time is up": "due",
    "retries used up": undefined,
    dropped: "open",
  },
  due: {
    polled: "held",
    "some acknowledged": undefined,
    "all acknowledged in time": undefined,
    "given back": "open",
    "time is up": undefined,
    "retries used up": "open",
    dropped: "open",
  },
};

describe("a message queue under ordered polls", () => {
  it("ORD-2.1: the rule book prints its table", () => {
    expect(rulePage("ordered")).toContain(formatTable(QUEUE));
  });

  for (const { state, event, next } of cellsOf(QUEUE)) {
    it(`ORD-2.1: ${state}, then ${event}, is ${next}`, async () => {
      const bench = await aBench();
      const batch = await bringQueueTo(bench, state, event);
      await QUEUE_EVENTS[event](bench, batch);
      await bench.publish({ body: "newest", intent: ordered("a") });
      expect(await queueState(bench)).toBe(next);
    });
  }
});

async function bringQueueTo(bench: Bench, state: QueueState, event: QueueEvent): Promise<Delivery[]> {
  await bench.declareGroup("GID_a", { maxRetries: 9, from: "earliest" });
  await bench.publishAll(["0", "1"], { intent: ordered("a") });
  const untilDue = state === "due" ? MINUTE : 0;
  if (event === "dropped") await bench.advance(DEFAULTS.retentionAge - JUST_BEFORE - untilDue);
  const batch = await bench.receive({ mode: "ordered" });
  if (state === "open") {
    await bench.acknowledge(batch);
    await bench.publish({ body: "2", intent: ordered("a") });
  }
  await bench.advance(untilDue);
  return batch;
}

const QUEUE_EVENTS: Readonly<Record<QueueEvent, (bench: Bench, batch: readonly Delivery[]) => Promise<unknown>>> = {
  polled: (bench) => bench.receive({ mode: "ordered" }),
  "some acknowledged": (bench, batch) => bench.acknowledge(batch.slice(0, 1)),
  "all acknowledged in time": (bench, batch) => bench.acknowledge(batch),
  "given back": (bench, batch) => bench.giveBack(batch),
  "time is up": (bench) => bench.advance(MINUTE),
  "retries used up": (bench) => bench.declareGroup("GID_a", { maxRetries: 0, from: "earliest" }),
  dropped: (bench) => bench.advance(JUST_BEFORE),
};

/** Open: the newest message comes. Held: nothing. Due: only what was delivered before. */
async function queueState(bench: Bench): Promise<QueueState> {
  const bodies = bodiesOf(await bench.receive({ mode: "ordered" }));
  if (bodies.length === 0) return "held";
  return bodies.includes("newest") ? "open" : "due";
}
