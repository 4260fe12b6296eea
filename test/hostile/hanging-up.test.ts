import { afterAll, beforeAll, describe, it } from "vitest";
import { ask, elementsOf, verdictOf } from "../process/ask.ts";
import { BrokerProcess, cleanUp, newDirectory } from "../process/broker-process.ts";
import { RawClient } from "../process/raw-client.ts";
import { type AnyRequest, formatRequest, poll, publish } from "../process/signed-request.ts";

/** 4 MiB, and 20 in an answer: more than the sockets between us take at once. */
const LARGE = `<![CDATA[${"&".repeat(4 * 1_024 * 1_024)}]]>`;
const WAITS = "&waitseconds=30";

/** Its clock stands still: nothing comes again because its time has passed, only because it was given back. */
let broker: BrokerProcess;

beforeAll(async () => {
  broker = await BrokerProcess.start({ args: ["--clock", "simulated"] });
});

afterAll(async () => {
  await broker.stop();
  await cleanUp();
});

/** A client whose long poll has come to the broker and waits there. */
async function waitingClient({ endpoint }: BrokerProcess, request: AnyRequest): Promise<RawClient> {
  const client = await RawClient.connect(endpoint);
  const waiting = { ...request, target: request.target + WAITS };
  // In one piece: when the first is answered, the second has come.
  client.send(Buffer.concat([formatRequest(request), formatRequest(waiting)]));
  const first = await client.response();
  if (verdictOf(first) !== "404 MessageNotExist") throw new Error(`the topic was not empty: ${first.body}`);
  return client;
}

/** A client that sent a poll, read its answer as far as this and reads no more. */
async function readingClient({ endpoint }: BrokerProcess, request: AnyRequest, bytes: number): Promise<RawClient> {
  const client = await RawClient.connect(endpoint);
  client.send(formatRequest(request));
  await client.received(bytes);
  client.socket.pause();
  return client;
}

/** How often what a poll gets was delivered; as text, since no reader has to judge 20 MiB for that. */
async function consumedTimes({ endpoint }: BrokerProcess, request: AnyRequest): Promise<string[]> {
  const client = await RawClient.connect(endpoint);
  client.send(formatRequest({ ...request, target: request.target + WAITS }));
  const response = await client.response();
  client.close();
  return elementsOf(response, "ConsumedTimes");
}

const WAYS_TO_LEAVE = [
  ["is cut off", (client: RawClient) => client.close(), [1, 3_000_000]],
  ["closes its half", (client: RawClient) => client.halfClose(), [3_000_000]],
] as const;

const SORTS = [
  ["a plain poll", ""],
  ["an ordered poll", "trans=order"],
] as const;

describe.concurrent("a client that goes away", () => {
  for (const [how, leave, places] of WAYS_TO_LEAVE) {
    for (const [sort, trans] of SORTS) {
      const name = `${how}-${sort}`.replaceAll(" ", "-");

      it(`DEL-8.1 and WIRE-79: one that ${how} while ${sort} waits loses nothing`, async ({ expect }) => {
        const request = poll(`waited-${name}`, "GID_a", trans);
        const client = await waitingClient(broker, request);
        leave(client);
        await ask(broker, publish(`waited-${name}`));
        expect(await consumedTimes(broker, request)).toEqual(["1"]);
      });

      for (const bytes of places) {
        const where = bytes === 1 ? "after the status line" : "in the middle of a large answer";
        it(`DEL-8.1 and DEL-8.2: one that ${how} ${where} to ${sort} has received nothing`, async ({ expect }) => {
          const topic = `large-${name}-${bytes}`;
          await ask(broker, publish(topic, { body: LARGE }));
          const client = await readingClient(broker, poll(topic, "GID_a", trans), bytes);
          leave(client);
          expect(await consumedTimes(broker, poll(topic, "GID_a", trans))).toEqual(["1"]);
          client.close();
        });
      }
    }
  }

  it("DEL-8.1 and TX-3.4: one that leaves while it waits for half messages costs no check", async ({ expect }) => {
    const own = await BrokerProcess.start({ args: ["--clock", "simulated"] });
    const request = poll("payments", "GID_a", "trans=pop");
    const client = await waitingClient(own, request);
    client.close();
    await ask(own, publish("payments", { properties: "__TransCheckT:10|" }));
    await own.advance("11s");
    expect(await consumedTimes(own, request)).toEqual(["1"]);
    await own.stop();
  });

  it("DEL-8.1: one that leaves with a small answer in the hands of the operating system has received it", async ({
    expect,
  }) => {
    const own = await BrokerProcess.start({ args: ["--clock", "simulated"] });
    await ask(own, publish("orders"));
    const client = await readingClient(own, poll("orders", "GID_a"), 1);
    client.close();
    expect(verdictOf(await ask(own, poll("orders", "GID_a")))).toBe("404 MessageNotExist");
    await own.advance("5m");
    expect(await consumedTimes(own, poll("orders", "GID_a"))).toEqual(["2"]);
    await own.stop();
  });

  it("DEL-8.1 and RUN-2.3: what a stop cuts off has been received by nobody, and comes after the next start", async ({
    expect,
  }) => {
    const dataDirectory = await newDirectory();
    const first = await BrokerProcess.start({ dataDirectory });
    await ask(first, publish("cut-by-stop", { body: LARGE }));
    const client = await readingClient(first, poll("cut-by-stop", "GID_a"), 3_000_000);
    expect(await first.stop()).toEqual({ code: 0, signal: null });
    client.close();
    const second = await BrokerProcess.start({ dataDirectory });
    expect(await consumedTimes(second, poll("cut-by-stop", "GID_a"))).toEqual(["1"]);
    await second.stop();
  });
});
