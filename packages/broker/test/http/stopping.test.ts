import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { BrokerError } from "../../src/domain/broker-error.ts";
import { headerOf, openFront, verdictOf } from "./open-front.ts";
import { MESSAGE_ID } from "./scripted-engine.ts";
import { aMessage, POLL } from "./signed-request.ts";

const PUBLISH = { body: aMessage() };
const GET = { method: "GET", target: POLL };

/** Something that is resolved from outside. */
function gate<T>(): { opened: Promise<T>; open(value: T): void } {
  let open: (value: T) => void = () => {};
  const opened = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe("a clean stop", () => {
  it("RUN-2.1: the listening sockets close first, on every address", async () => {
    const { front, port } = await openFront();
    const second = await front.listen("127.0.0.1", 0);
    front.stopListening();
    for (const closed of [port, second.port]) {
      const error = await new Promise<NodeJS.ErrnoException>((resolve) =>
        connect(closed, "127.0.0.1")
          .once("error", resolve)
          .once("connect", () => resolve(new Error("connected"))),
      );
      expect(error.code).toBe("ECONNREFUSED");
    }
  });

  it("RUN-2.2: a new request on an open connection gets 503 and Connection: close, and nothing is stored", async () => {
    const { connect, format, front, engine } = await openFront();
    const used = await connect();
    used.send(format(GET));
    await used.response();
    const fresh = await connect();
    fresh.send(format(GET));
    await fresh.response();
    front.stopListening();
    used.send(format(PUBLISH));
    fresh.send(format({ body: aMessage({ body: "x".repeat(1_000_000) }) }));
    for (const client of [used, fresh]) {
      const response = await client.response();
      expect(verdictOf(response)).toBe("503 InternalServerError");
      expect(headerOf(response, "Connection")).toBe("close");
      expect(await client.untilEnd()).toBe("");
    }
    expect(engine.requests("publish")).toEqual([]);
  });

  it("RUN-2.2: so does one that the engine turns away", async () => {
    const { ask, engine } = await openFront();
    engine.onPublish = () => {
      throw new BrokerError("stopping", "the broker is stopping; nothing was stored.");
    };
    const response = await ask(PUBLISH);
    expect(verdictOf(response)).toBe("503 InternalServerError");
    expect(headerOf(response, "Connection")).toBe("close");
  });

  it("RUN-2.3: publishes under way finish, long polls are answered empty, then every connection ends", async () => {
    const { connect, format, front, engine } = await openFront();
    const published = gate<{ messageId: string }>();
    const polled = gate<[]>();
    engine.onPublish = () => published.opened;
    engine.onReceive = () => polled.opened;
    const publisher = await connect();
    publisher.send(format(PUBLISH));
    const poller = await connect();
    poller.send(format(GET));
    const idle = await connect();
    await engine.untilAsked("publish");
    await engine.untilAsked("receive");
    front.stopListening();
    published.open({ messageId: MESSAGE_ID });
    polled.open([]);
    const finished = front.finish();
    const confirmed = await publisher.response();
    expect(confirmed.status).toBe(201);
    const empty = await poller.response();
    expect(verdictOf(empty)).toBe("404 MessageNotExist");
    for (const response of [confirmed, empty]) expect(headerOf(response, "Connection")).toBe("close");
    await finished;
    for (const client of [publisher, poller, idle]) expect(await client.untilEnd()).toBe("");
  });

  it("RUN-2.3: a client that never sends the rest of its body does not hold it up", async () => {
    const { connect, format, front, steadyClock } = await openFront();
    const client = await connect();
    const bytes = format(PUBLISH);
    client.send(bytes.subarray(0, bytes.length - 1));
    const other = await connect();
    other.send(format(GET));
    await other.response();
    const finished = front.finish();
    await steadyClock.advance(5_000);
    await finished;
    expect(await client.untilEnd()).toBe("");
  });

  it("RUN-2.3: stopping twice, or before listening, is fine", async () => {
    const { front } = await openFront();
    await front.stop();
    await front.stop();
  });
});
