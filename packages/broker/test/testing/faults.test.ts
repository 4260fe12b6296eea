import { REFUSALS } from "@stagemq/wire";
import { describe, expect, it } from "vitest";
import type { ErrorCode, TestOperation } from "../../src/testing/index.ts";
import { elementsOf, type KitClient, openKit, verdictOf } from "./kit-client.ts";

const CUT = "the connection ended";

async function deliver(client: KitClient, topic = "orders", group = "GID_a"): Promise<string[]> {
  return elementsOf(await client.poll(topic, group), "ReceiptHandle");
}

describe("failNext", () => {
  const ofRequests = Object.keys(REFUSALS).filter((code) => code !== "ReceiptHandleError") as ErrorCode[];

  it.each(ofRequests)("TIM-5.3: %s refuses the next publish, and nothing is stored", async (code) => {
    const { broker, client } = await openKit();
    broker.failNext("publish", code);
    expect(verdictOf(await client.publish())).toBe(`${REFUSALS[code].status} ${code}`);
    await broker.expect("orders").toHaveNothing("published");
    expect(verdictOf(await client.publish())).toBe("201");
    expect(broker.faults()).toEqual([]);
  });

  it("TIM-5.3: 503 says that nothing was stored", async () => {
    const { broker, client } = await openKit();
    broker.failNext("publish", "InternalServerError", { status: 503 });
    expect(verdictOf(await client.publish())).toBe("503 InternalServerError");
  });

  it.each([
    ["ReceiptHandleError", "404 ReceiptHandleError"],
    ["MessageNotExist", "404 MessageNotExist"],
    ["InternalError", "500 InternalError"],
  ] as const)(
    "TIM-5.3: %s refuses the next acknowledgement, and the message stays in flight",
    async (code, verdict) => {
      const { broker, client } = await openKit();
      await client.publish();
      const handles = await deliver(client);
      broker.failNext("acknowledge", code);
      expect(verdictOf(await client.acknowledge(handles))).toBe(verdict);
      await broker.expect("orders").toHaveNothing("acknowledged");
      expect(verdictOf(await client.acknowledge(handles))).toBe("204");
      await broker.expect("orders").toHaveAcknowledged({ times: 1 });
    },
  );

  it("TIM-5.3: some handles of a request fail, the others are carried out", async () => {
    const { broker, client } = await openKit();
    for (const body of ["one", "two", "three"]) await client.publish({ body });
    const handles = await deliver(client);
    broker.failNext("acknowledge", "ReceiptHandleError", { handles: 2 });
    const response = await client.acknowledge(handles);
    expect(elementsOf(response, "ReceiptHandle")).toEqual(handles.slice(0, 2));
    expect(await broker.messages("orders", { state: "in-flight" })).toMatchObject([{ body: "one" }, { body: "two" }]);
  });

  it("TIM-5.3: polls, commits and rollbacks fail too", async () => {
    const { broker, client } = await openKit();
    broker.failNext("receive", "MessageNotExist");
    await client.publish();
    expect(verdictOf(await client.poll())).toBe("404 MessageNotExist");
    expect(verdictOf(await client.poll())).toBe("200");

    const half = await client.publish({ topic: "pay", properties: "__TransCheckT:10" });
    const handles = elementsOf(half, "ReceiptHandle");
    for (const operation of ["commit", "rollback"] as const) {
      broker.failNext(operation, "ReceiptHandleError");
      const end = () => client.acknowledge(handles, "pay", "GID_p", `&trans=${operation}`);
      expect(verdictOf(await end())).toBe("404 ReceiptHandleError");
    }
    broker.failNext("receiveHalf", "AccessDenied");
    expect(verdictOf(await client.poll("pay", "GID_p", "&trans=pop"))).toBe("403 AccessDenied");
    await broker.expect("pay").toHave("half", { times: 1 });
  });

  it("strikes as often as told, and only the topic and the group that it is meant for", async () => {
    const { broker, client } = await openKit();
    broker.failNext("publish", "QpsLimitExceeded", { times: 2, topic: "orders" });
    broker.failNext("receive", "AccessDenied", { group: "GID_b" });
    expect(broker.faults()).toEqual([
      { operation: "publish", kind: "fail", code: "QpsLimitExceeded", times: 2, topic: "orders" },
      { operation: "receive", kind: "fail", code: "AccessDenied", times: 1, group: "GID_b" },
    ]);
    expect(verdictOf(await client.publish({ topic: "others" }))).toBe("201");
    expect(verdictOf(await client.publish())).toBe("400 QpsLimitExceeded");
    expect(verdictOf(await client.publish())).toBe("400 QpsLimitExceeded");
    expect(verdictOf(await client.publish())).toBe("201");
    expect(verdictOf(await client.poll("orders", "GID_a"))).toBe("200");
    expect(verdictOf(await client.poll("orders", "GID_b"))).toBe("403 AccessDenied");
  });

  it("says what is wrong with what it is asked", async () => {
    const { broker } = await openKit();
    const wrong: [() => void, string][] = [
      [() => broker.failNext("acknowlege" as TestOperation, "InternalError"), "Did you mean acknowledge?"],
      [() => broker.failNext("publish", "TopicNotExists" as ErrorCode), "Did you mean TopicNotExist?"],
      [() => broker.failNext("publish", "Oops" as ErrorCode), "There are MissingAuthorizationHeader,"],
      [() => broker.failNext("publish", "ReceiptHandleError"), "publish has no handles"],
      [() => broker.failNext("publish", "InternalError", { times: 0 }), "times is 0"],
      [
        () => broker.failNext("publish", "InternalError", { status: 503 }),
        "it can only be 503, with InternalServerError",
      ],
      [() => broker.failNext("acknowledge", "InternalError", { handles: 1 }), "handles goes with"],
      [() => broker.dropNext("publish", { lose: "all" as never }), 'lose is "all"'],
      [() => broker.duplicateNext("publish" as never), '"publish" delivers nothing'],
      [() => broker.delay("publish", "long"), 'by is "long"'],
    ];
    for (const [ask, sentence] of wrong) expect(ask).toThrow(sentence);
    expect(broker.faults()).toEqual([]);
  });
});

describe("dropNext", () => {
  it("TIM-5.3: a lost reply cuts the connection after the message was stored", async () => {
    const { broker, client } = await openKit();
    broker.dropNext("publish");
    await expect(client.publish({ body: "lost?" })).rejects.toThrow(CUT);
    await broker.expect("orders").toHavePublished({ body: "lost?", times: 1 });
    expect(verdictOf(await client.publish())).toBe("201");
  });

  it("TIM-5.3: a lost request does nothing", async () => {
    const { broker, client } = await openKit();
    broker.dropNext("publish", { lose: "request" });
    await expect(client.publish()).rejects.toThrow(CUT);
    await broker.expect("orders").toHaveNothing("published");
  });

  it("TIM-5.3: what a lost reply delivered stays delivered until its time is up", async () => {
    const { broker, client } = await openKit();
    broker.dropNext("receive");
    expect(verdictOf(await client.poll())).toBe("404 MessageNotExist");
    await client.publish();
    await expect(client.poll()).rejects.toThrow(CUT);
    await broker.expect("orders").toHave("in-flight", { times: 1 });
    expect(await client.consume()).toEqual([]);
    await broker.clock.advance("5m");
    expect(await client.consume()).toEqual(["hello"]);
  });
});

describe("duplicateNext", () => {
  it("TIM-5.3: what was delivered is delivered once more, acknowledged or not", async () => {
    const { broker, client } = await openKit();
    broker.duplicateNext();
    await client.publish({ body: "twice" });
    expect(await client.consume()).toEqual(["twice"]);
    expect(await client.consume("orders", "GID_b")).toEqual(["twice"]);
    await client.publish({ body: "once" });
    expect(await client.consume()).toEqual(["twice"]);
    expect(await client.consume()).toEqual(["once"]);
    await broker.expect("orders").toHaveDelivered({ group: "GID_a", body: "twice", times: 2 });
    await broker.expect("orders").toHaveAcknowledged({ group: "GID_a", body: "twice", times: 1 });
  });

  it("TIM-5.3: a producer is asked twice about a half message", async () => {
    const { broker, client } = await openKit();
    await client.publish({ topic: "pay", properties: "__TransCheckT:10" });
    broker.duplicateNext("receiveHalf");
    await broker.clock.advance("11s");
    const ask = async () => elementsOf(await client.poll("pay", "GID_p", "&trans=pop"), "ReceiptHandle");
    const handles = await ask();
    expect(handles).toHaveLength(1);
    expect(await ask()).toEqual(handles);
    expect(await ask()).toEqual([]);
  });

  it("repeats again what reached nobody, and leaves the first delivery as it is", async () => {
    const { broker, client } = await openKit();
    broker.duplicateNext();
    await client.publish({ body: "twice" });
    await client.poll();
    broker.delay("receive", "1h", { times: 1 });
    const poll = client.poll();
    await broker.expect("orders").toHaveDelivered({ times: 2 });
    client.close();
    await expect(poll).rejects.toThrow();
    await broker.expect("orders").toHaveDelivered({ times: 1 });
    await broker.expect("orders").toHave("in-flight", { times: 1 });
    expect(await client.consume()).toEqual(["twice"]);
    await broker.expect("orders").toHaveAcknowledged({ times: 1 });
  });

  it("does not repeat what comes again by itself", async () => {
    const { broker, client } = await openKit();
    broker.duplicateNext();
    await client.publish();
    const [first] = await deliver(client);
    await broker.clock.advance("5m");
    const [second] = await deliver(client);
    expect(second).not.toBe(first);
    expect(await deliver(client)).toEqual([]);
  });
});

describe("delay", () => {
  it("TIM-5.3: an answer comes so much later by the simulated clock, though its work is done", async () => {
    const { broker, client } = await openKit();
    broker.delay("publish", "1h");
    let isAnswered = false;
    const publishing = client.publish().finally(() => {
      isAnswered = true;
    });
    await broker.expect("orders").toHavePublished({ times: 1 });
    await broker.clock.advance("59m");
    expect(isAnswered).toBe(false);
    await broker.clock.advance("1m");
    expect(verdictOf(await publishing)).toBe("201");
  });

  it("TIM-5.3: or in real time, whichever comes first", async () => {
    const { broker, client } = await openKit();
    broker.delay("publish", 20);
    broker.delay("publish", "30ms", { times: 1 });
    expect(broker.faults()).toMatchObject([{ kind: "delay", by: 30, times: 1 }]);
    expect(verdictOf(await client.publish())).toBe("201");
    expect(broker.faults()).toEqual([]);
  });

  it("holds until it is called with 0, or the faults are cleared", async () => {
    const { broker, client } = await openKit();
    broker.delay("publish", "1h");
    const publishing = client.publish();
    await broker.expect("orders").toHavePublished({ times: 1 });
    broker.clearFaults();
    expect(verdictOf(await publishing)).toBe("201");
    broker.delay("publish", "1h");
    broker.delay("publish", 0);
    expect(broker.faults()).toEqual([]);
    expect(verdictOf(await client.publish())).toBe("201");
  });

  it("holds nobody up who stops", async () => {
    const { broker, client } = await openKit();
    broker.delay("publish", "1h");
    const publishing = client.publish();
    await broker.expect("orders").toHavePublished({ times: 1 });
    await broker.stop();
    expect(verdictOf(await publishing)).toBe("201");
  });
});
