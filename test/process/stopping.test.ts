import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, it } from "vitest";
import { ask, askOn, elementsOf, expectReadable, headerOf, verdictOf } from "./ask.ts";
import { BrokerProcess, cleanUp, newDirectory } from "./broker-process.ts";
import { isAlive, npmStart } from "./npm-start.ts";
import { RawClient } from "./raw-client.ts";
import { aMessage, formatRequest, poll, publish } from "./signed-request.ts";

afterAll(cleanUp);

const OPEN_POLLS = 5_000;
const EPHEMERAL = ["--silent", "--", "--http", "127.0.0.1:0", "--ephemeral", "--ready-json"];

/** A publish of which all but the last byte was sent, and has come: the broker waits for that byte before it ends. */
async function unfinishedPublish(broker: BrokerProcess): Promise<RawClient> {
  const client = await RawClient.connect(broker.endpoint);
  client.send(formatRequest({ ...publish("orders"), headers: { Expect: "100-continue" } }).subarray(0, -1));
  await client.response();
  return client;
}

/** Sends TERM and waits until the broker has begun to stop. */
async function beginToStop(broker: BrokerProcess): Promise<void> {
  broker.signal("SIGTERM");
  const isListening = () =>
    RawClient.connect(broker.endpoint).then(
      (client) => {
        client.close();
        return true;
      },
      () => false,
    );
  while (await isListening()) await sleep(10);
}

describe.concurrent("npm start", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`RUN-2.3: ${signal} sent to npm ends it with 0, and no process is left`, async ({ expect }) => {
      const { npm, ready, ended } = await npmStart("start", ...EPHEMERAL);
      npm.kill(signal);
      expect(await ended).toEqual({ code: 0, signal: null });
      expect(isAlive(ready.pid)).toBe(false);
    });
  }

  it("RUN-2.4: Ctrl-C, which reaches the broker from the terminal and from npm, is one signal", async ({ expect }) => {
    const { npm, ready, ended } = await npmStart("start", ...EPHEMERAL);
    process.kill(-(npm.pid ?? 0), "SIGINT");
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(isAlive(ready.pid)).toBe(false);
  });

  it("writes the ready line alone on standard output when silent, else after npm's banner", async ({ expect }) => {
    const [silent, loud] = await Promise.all([
      npmStart("start", ...EPHEMERAL),
      npmStart("start", ...EPHEMERAL.slice(1)),
    ]);
    for (const { npm, ready } of [silent, loud]) {
      await ask({ endpoint: ready.http }, publish("orders"));
      npm.kill("SIGTERM");
    }
    await Promise.all([silent.ended, loud.ended]);
    expect(silent.banner).toEqual([]);
    expect(loud.banner.filter((line) => !/^(> .*)?$/.test(line))).toEqual([]);
    expect(loud.banner).not.toEqual([]);
    expect([...silent.rest(), ...loud.rest()]).toEqual([]);
  });
});

describe.concurrent("a clean stop", () => {
  it("RUN-2.1 and RUN-2.2: nobody new is let in, and a new request on an open connection is 503", async ({
    expect,
  }) => {
    const broker = await BrokerProcess.start();
    const idle = await RawClient.connect(broker.endpoint);
    expect(verdictOf(await askOn(idle, poll("orders", "GID_a")))).toBe("404 MessageNotExist");
    const publisher = await unfinishedPublish(broker);
    await beginToStop(broker);
    await expect(RawClient.connect(broker.endpoint)).rejects.toThrow("ECONNREFUSED");
    const refused = await askOn(idle, publish("orders", { body: "late" }));
    expect(verdictOf(refused)).toBe("503 InternalServerError");
    expect(headerOf(refused, "Connection")).toBe("close");
    expect(await idle.untilEnd()).toBe("");
    publisher.close();
    expect(await broker.ended).toEqual({ code: 0, signal: null });
  });

  it("RUN-2.3 and RUN-2.2: what was confirmed while it stopped is kept, what was refused is not", async ({
    expect,
  }) => {
    const dataDirectory = await newDirectory();
    const broker = await BrokerProcess.start({ dataDirectory });
    const confirmed: string[] = [];
    const refused: string[] = [];
    const unanswered: string[] = [];
    const body = (name: string) => name + "x".repeat(20_000);
    const publishUntilTheEnd = async (name: string) => {
      const client = await RawClient.connect(broker.endpoint);
      for (let n = 0; ; n++) {
        const sent = `${name}-${n} `;
        const response = await askOn(client, publish("orders", { body: body(sent) })).catch(() => undefined);
        const list = response === undefined ? unanswered : response.status === 201 ? confirmed : refused;
        list.push(sent);
        if (response?.status !== 201 || headerOf(response, "Connection") === "close") return;
      }
    };
    const publishers = Array.from({ length: 16 }, (_, name) => publishUntilTheEnd(`p${name}`));
    while (confirmed.length < 100) await sleep(5);
    expect(await broker.stop()).toEqual({ code: 0, signal: null });
    await Promise.all(publishers);

    const again = await BrokerProcess.start({ dataDirectory });
    const kept: string[] = [];
    for (;;) {
      const response = await ask(again, poll("orders", "GID_a"));
      if (response.status !== 200) break;
      kept.push(...elementsOf(response, "MessageBody").map((text) => text.replace(/x+$/, "")));
    }
    expect(kept).toEqual(expect.arrayContaining(confirmed));
    expect(new Set([...confirmed, ...unanswered])).toEqual(new Set([...kept, ...unanswered]));
    expect(kept.filter((name) => refused.includes(name))).toEqual([]);
    await again.stop();
  });

  it("RUN-2.3: with 5,000 open polls all are answered empty, and it ends with 0 within 10 s", async ({ expect }) => {
    const broker = await BrokerProcess.start({ args: ["--ephemeral"] });
    const clients: RawClient[] = [];
    const now = formatRequest(poll("orders", "GID_a"));
    const later = formatRequest(poll("orders", "GID_a", "waitseconds=30"));
    const openPoll = async () => {
      const client = await RawClient.connect(broker.endpoint);
      clients.push(client);
      // In one piece: when the first is answered, the second has come.
      client.send(Buffer.concat([now, later]));
      await client.response();
    };
    for (let n = 0; n < OPEN_POLLS; n += 250) await Promise.all(Array.from({ length: 250 }, openPoll));
    expect(clients).toHaveLength(OPEN_POLLS);

    const stoppedAt = performance.now();
    const ended = broker.stop();
    const answers = await Promise.all(clients.map((client) => client.response()));
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(performance.now() - stoppedAt).toBeLessThan(10_000);
    expect(new Set(answers.map(verdictOf))).toEqual(new Set(["404 MessageNotExist"]));
    for (const answer of answers.slice(0, 3)) expectReadable(answer, { method: "GET" });
  });

  it("RUN-2.3: an idle connection and half a request do not hold it up", async ({ expect }) => {
    const broker = await BrokerProcess.start();
    const idle = await RawClient.connect(broker.endpoint);
    const slow = await RawClient.connect(broker.endpoint);
    slow.send("POST /topics/orders/messages HTTP/1.1\r\nHost: x\r\n");
    await ask(broker, poll("orders", "GID_a"));
    expect(await broker.stop()).toEqual({ code: 0, signal: null });
    expect([await idle.untilEnd(), await slow.untilEnd()]).toEqual(["", ""]);
  });

  it("RUN-2.4: a second signal half a second after the first ends it at once, with 1", async ({ expect }) => {
    const broker = await BrokerProcess.start();
    const publisher = await unfinishedPublish(broker);
    await beginToStop(broker);
    await sleep(600);
    broker.signal("SIGINT");
    expect(await broker.ended).toEqual({ code: 1, signal: null });
    publisher.close();
  });

  it("RUN-2.4: one that comes at once is the same Ctrl-C: the clean stop goes on", async ({ expect }) => {
    const broker = await BrokerProcess.start();
    const publisher = await unfinishedPublish(broker);
    broker.signal("SIGINT");
    await beginToStop(broker);
    publisher.send(aMessage().slice(-1));
    expect(verdictOf(await publisher.response())).toBe("503 InternalServerError");
    expect(await broker.ended).toEqual({ code: 0, signal: null });
  });
});
