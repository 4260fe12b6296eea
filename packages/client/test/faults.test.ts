import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  Client,
  type ClientOptions,
  ClosedError,
  ConnectionError,
  OpenTransactionError,
  PartialAcknowledgeError,
  RefusedError,
  type StagemqError,
  TimeoutError,
  UnreadableReplyError,
} from "../src/index.ts";
import type { TestedClientOptions } from "../src/read-options.ts";
import {
  ACKNOWLEDGED,
  type Answer,
  cut,
  cutInReply,
  delivered,
  HostileServer,
  handlesRefused,
  NOTHING_THERE,
  PUBLISHED,
  REQUEST_ID,
  refusal,
  reply,
  silence,
} from "./hostile-server.ts";
import { eventually, ManualWorld } from "./manual-world.ts";

let server: HostileServer;
let world: ManualWorld;
let client: Client;

beforeEach(async () => {
  server = await HostileServer.start();
  world = new ManualWorld();
  client = open();
});

afterEach(async () => {
  const closed = client.close();
  await server.stop();
  await closed;
});

function open(options: ClientOptions = {}): Client {
  const all: TestedClientOptions = {
    endpoint: server.endpoint,
    accessKeyId: "id",
    accessKeySecret: "secret",
    environment: {},
    world,
    ...options,
  };
  return new Client(all);
}

function failureOf(call: Promise<unknown>): Promise<StagemqError> {
  return call.then(
    () => Promise.reject(new Error("it did not fail")),
    (error: StagemqError) => error,
  );
}

/** Lets the pause before the next try pass. With chance 0 it is half of what it may be. */
async function pass(pauseMs: number): Promise<void> {
  await world.timer(pauseMs);
  world.advance(pauseMs);
}

describe("a publish", () => {
  const publish = (options = {}) => client.producer("T").publish({ body: "hello" }, options);

  it("is signed, and names its version, date and digest", async () => {
    server.next(PUBLISHED);
    await publish();
    expect(server.seen[0]).toMatchObject({
      line: "POST /topics/T/messages HTTP/1.1",
      headers: {
        host: new URL(server.endpoint).host,
        "x-mq-version": "2015-06-06",
        "content-type": "text/xml;charset=utf-8",
        date: expect.stringMatching(/ GMT$/),
        authorization: expect.stringMatching(/^MQ id:\S{28}$/),
        "content-md5": expect.stringMatching(/^\S{44}$/),
      },
    });
  });

  it("is tried again where nobody listened", async () => {
    await server.stop();
    const published = publish();
    await world.timer(50);
    await server.listen();
    server.next(PUBLISHED);
    world.advance(50);
    expect(await published).toEqual({
      messageId: "0123456789ABCDEF0123456789ABCDEF",
      bodyMd5: "5D41402ABC4B2A76B9719D911017C592",
      requestId: REQUEST_ID,
    });
  });

  it("fails with a ConnectionError after three tries where nobody listens, and surely did not arrive", async () => {
    await server.stop();
    const failure = failureOf(publish());
    await pass(50);
    await pass(100);
    expect(await failure).toBeInstanceOf(ConnectionError);
    expect(await failure).toMatchObject({
      code: "ConnectionFailed",
      retryable: true,
      outcomeUnknown: false,
      message: `There is no connection to ${server.endpoint} (ECONNREFUSED).`,
    });
    await server.listen();
  });

  const lost: [string, Answer][] = [
    ["the connection is cut before the reply", cut],
    ["the connection is cut in the reply", cutInReply],
  ];
  it.each(lost)("is never sent twice where %s", async (_, answer) => {
    server.next(answer, PUBLISHED);
    const failure = await failureOf(publish());
    expect(failure).toBeInstanceOf(ConnectionError);
    expect(failure).toMatchObject({ outcomeUnknown: true });
    expect(server.seen).toHaveLength(1);
  });

  it("is never sent twice after a 500, which may have come after the message was stored", async () => {
    server.next(refusal(500, "InternalError"), PUBLISHED);
    expect(await failureOf(publish())).toMatchObject({ code: "InternalError", status: 500, outcomeUnknown: true });
    expect(server.seen).toHaveLength(1);
  });

  it("is never sent twice after a gateway's 503, which may have come after the message was passed on", async () => {
    server.next(reply(503, "upstream connect error or disconnect/reset before headers"), PUBLISHED);
    expect(await failureOf(publish())).toMatchObject({ code: "UnreadableReply", status: 503, outcomeUnknown: true });
    expect(server.seen).toHaveLength(1);
  });

  const refusedBefore: [string, Answer][] = [
    ["503, with which nothing was stored", refusal(503, "InternalServerError")],
    ["a gateway's 429", reply(429, "<html>too many requests</html>")],
    ["too many requests", refusal(400, "QpsLimitExceeded")],
  ];
  it.each(refusedBefore)("is tried again after %s", async (_, answer) => {
    server.next(answer, PUBLISHED);
    const published = publish();
    await pass(50);
    await published;
    expect(server.seen).toHaveLength(2);
  });

  it("has no request id where neither the head nor the document of the refusal names one", async () => {
    server.next(reply(400, "<Error><Code>Strange</Code></Error>", { "x-mq-request-id": "" }));
    expect(await failureOf(publish())).toMatchObject({ code: "Strange", requestId: undefined });
  });

  it("whose date is too far off is told the broker's", async () => {
    server.next(
      reply(408, "<Error><Code>TimeExpired</Code><Message>The http request you sent is expired.</Message></Error>", {
        Date: "Sat, 21 Nov 2026 04:02:37 GMT",
      }),
    );
    const hint = "compare the clock of this machine with the broker's, which says Sat, 21 Nov 2026 04:02:37 GMT.";
    const message = `The http request you sent is expired. Hint: ${hint}`;
    expect(await failureOf(publish())).toMatchObject({ code: "TimeExpired", hint, message });
  });

  it("may have properties by any name, those that every object has among them", async () => {
    server.next(PUBLISHED);
    await client.producer("T").publish({ body: "b", properties: { constructor: "a", toString: "b" } });
    expect(server.seen[0]?.body).toContain("constructor:a|toString:b");
  });

  it("is not tried again where the broker said no, and says why", async () => {
    server.next(refusal(404, "TopicNotExist", "The topic does not exist. Hint: declare T; nearest name: U."));
    const failure = await failureOf(publish());
    expect(failure).toBeInstanceOf(RefusedError);
    expect(failure).toMatchObject({
      code: "TopicNotExist",
      status: 404,
      requestId: REQUEST_ID,
      retryable: false,
      outcomeUnknown: false,
      message: "The topic does not exist. Hint: declare T; nearest name: U.",
      hint: "declare T; nearest name: U.",
    });
  });

  const unreadable: [string, Answer][] = [
    ["no XML", reply(201, "OK")],
    ["another document", reply(201, "<html></html>")],
    ["half a document", reply(201, "<Message><MessageId>M</MessageId>")],
    ["a document without an id", reply(201, "<Message></Message>")],
    ["nothing", reply(201)],
  ];
  it.each(unreadable)("fails with an UnreadableReplyError where the reply is %s", async (_, answer) => {
    server.next(answer);
    const failure = await failureOf(publish());
    expect(failure).toBeInstanceOf(UnreadableReplyError);
    expect(failure).toMatchObject({ outcomeUnknown: true, requestId: REQUEST_ID, status: 201 });
    expect(failure.message).toMatch(/^The reply, 201 ".*", is not the broker's: .+\.$/);
  });

  it("fails where more comes than the reply said it has: neither it nor the connection is to be trusted", async () => {
    const body = "<Message><MessageId>M</MessageId></Message>";
    server.next(reply(201, `${body}AND MORE`, { "Content-Length": String(body.length) }), PUBLISHED);
    expect(await failureOf(publish())).toMatchObject({ code: "ConnectionFailed", outcomeUnknown: true });
    await publish();
    expect(server.connections).toBe(2);
  });

  it("ends in time where no reply comes", async () => {
    server.next(silence);
    const failure = failureOf(publish());
    await eventually(() => server.seen.length === 1);
    world.advance(10_000);
    expect(await failure).toBeInstanceOf(TimeoutError);
    expect(await failure).toMatchObject({
      outcomeUnknown: true,
      message: "publish to T took longer than 10 s; it was waiting for the reply.",
    });
    await eventually(() => server.openConnections === 0);
  });

  it("has the time that the call gives it, all tries together, and tells of the last", async () => {
    await server.stop();
    const failure = failureOf(publish({ timeout: "60ms" }));
    await pass(50);
    await world.timer(100);
    world.advance(10);
    expect(await failure).toMatchObject({
      code: "Timeout",
      outcomeUnknown: false,
      cause: { code: "ConnectionFailed" },
    });
    await server.listen();
  });

  it("ends when its signal is aborted, with the signal's reason", async () => {
    const abort = new AbortController();
    server.next(silence);
    const published = publish({ signal: abort.signal });
    await eventually(() => server.seen.length === 1);
    abort.abort("enough");
    await expect(published).rejects.toBe("enough");
    await expect(publish({ signal: abort.signal })).rejects.toBe("enough");
    expect(server.seen).toHaveLength(1);
    await eventually(() => server.openConnections === 0);
  });

  it.each([true, false])("ends whenever its signal is aborted, on a connection that was kept: %s", async (isKept) => {
    const onlyFirst: Answer = (socket, request) => request.body.includes(">first<") && PUBLISHED(socket, request);
    server.next(...Array.from({ length: 60 }, () => onlyFirst));
    for (let steps = 0; steps < 30; steps += 1) {
      if (isKept) await client.producer("T").publish({ body: "first" });
      const abort = new AbortController();
      const published = publish({ signal: abort.signal });
      for (let step = 0; step < steps; step += 1) await undefined;
      abort.abort("enough");
      await expect(published).rejects.toBe("enough");
    }
  });

  it("may be one of many that share a signal, and may have months: Node.js warns of nothing", async () => {
    const warnings: Error[] = [];
    const listener = (warning: Error): unknown => warnings.push(warning);
    process.on("warning", listener);
    const abort = new AbortController();
    const own = new Client({ endpoint: server.endpoint, accessKeyId: "id", accessKeySecret: "s" });
    const send = () => own.producer("T").publish({ body: "b" }, { signal: abort.signal, timeout: "60d" });
    const published = Promise.allSettled(Array.from({ length: 20 }, send));
    await eventually(() => server.seen.length === 20);
    abort.abort();
    await published;
    await own.close();
    process.off("warning", listener);
    expect(warnings).toEqual([]);
    expect(getEventListeners(abort.signal, "abort")).toEqual([]);
  });

  it("leaves no timer behind", async () => {
    server.next(PUBLISHED);
    await publish();
    expect(world.timerCount).toBe(0);
  });

  it("waits twice as long before each try, and a part of it by chance", async () => {
    client = open({ retry: { attempts: 6, baseDelay: "1s", maxDelay: "5s" }, timeout: "1h" });
    server.next(...Array.from({ length: 6 }, () => refusal(503, "InternalServerError")));
    const failure = failureOf(publish());
    world.chance = 0.999999;
    await eventually(() => world.set.length === 2);
    expect(world.set.at(-1)).toBeCloseTo(1_000, 0);
    world.advance(1_000);
    world.chance = 0;
    for (const pause of [1_000, 2_000, 2_500, 2_500]) await pass(pause);
    await failure;
    expect(server.seen).toHaveLength(6);
  });

  it("is tried once where retry is false", async () => {
    client = open({ retry: false });
    server.next(refusal(503, "InternalServerError"));
    await failureOf(publish());
    expect(server.seen).toHaveLength(1);
  });
});

describe("credentials", () => {
  it("are asked for before every request, and their token is sent", async () => {
    let count = 0;
    client = open({
      credentials: async () => ({ accessKeyId: `id-${++count}`, accessKeySecret: "s", securityToken: `t-${count}` }),
    });
    server.next(refusal(503, "InternalServerError"), PUBLISHED);
    const published = client.producer("T").publish({ body: "hello" });
    await pass(50);
    await published;
    const seen = server.seen.map(({ headers }) => [headers.authorization?.split(":")[0], headers["security-token"]]);
    expect(seen).toEqual([
      ["MQ id-1", "t-1"],
      ["MQ id-2", "t-2"],
    ]);
  });

  it("that cannot be had fail the call with what the function threw", async () => {
    client = open({ credentials: () => Promise.reject(new Error("no vault")) });
    await expect(client.producer("T").publish({ body: "b" })).rejects.toThrow("no vault");
  });

  it("that never come do not hold a call up for longer than its time", async () => {
    client = open({ credentials: () => new Promise(() => undefined) });
    const failure = failureOf(client.producer("T").publish({ body: "b" }));
    await world.timer(10_000);
    world.advance(10_000);
    expect((await failure).message).toBe("publish to T took longer than 10 s; it was waiting for credentials.");
  });
});

describe("a receive", () => {
  const lost: [string, Answer][] = [
    ["a cut before the reply", cut],
    ["a cut in the reply", cutInReply],
    ["a 500", refusal(500, "InternalError")],
    ["a 502 of a gateway", reply(502, "<html>bad gateway</html>")],
  ];
  it.each(lost)("is tried again after %s", async (_, answer) => {
    server.next(answer, NOTHING_THERE);
    const received = client.consumer("T", "G").receive();
    await pass(50);
    expect((await received).messages).toEqual([]);
  });

  it("may take its wait longer than other calls", async () => {
    server.next(silence);
    const failure = failureOf(client.consumer("T", "G").receive({ wait: "30s" }));
    await eventually(() => server.seen.length === 1);
    expect(server.seen[0]?.line).toBe("GET /topics/T/messages?consumer=G&numOfMessages=16&waitseconds=30 HTTP/1.1");
    world.advance(39_999);
    expect(server.openConnections).toBe(1);
    world.advance(1);
    expect((await failure).message).toBe("receive from T took longer than 40 s; it was waiting for the reply.");
  });

  it("reads what the official SDKs would read: unknown elements, comments, CDATA, strange characters", async () => {
    const body = "<![CDATA[a & b]]> &lt;c&gt; &#1;&#x1F600;";
    server.next(delivered({ MessageBody: body, New: "<!-- ? --><Deep>x</Deep>", ConsumedTimes: 3 }));
    const { messages } = await client.consumer("T", "G").receive();
    expect(messages).toMatchObject([{ body: "a & b <c> \u0001😀", attempt: 3 }]);
  });

  it("hands out the others where one body cannot be decoded", async () => {
    server.next(delivered({ MessageBody: '{"n":1}' }, { MessageBody: "no json" }));
    const codec = { encode: JSON.stringify, decode: (text: string) => JSON.parse(text) as { n: number } };
    const { messages } = await client.consumer("T", "G", { codec }).receive();
    expect(messages[0]?.body).toEqual({ n: 1 });
    expect(messages[1]?.text).toBe("no json");
    expect(() => messages[1]?.body).toThrow(SyntaxError);
  });

  it("takes what stands between blanks, and finds nothing where the reply has nothing", async () => {
    const blank = (text: string): string => `\n    ${text}\n  `;
    server.next(delivered({ MessageId: blank("M"), NextConsumeTime: blank("5") }));
    server.next(refusal(404, blank("MessageNotExist")), reply(204));
    const consumer = client.consumer("T", "G");
    const { messages } = await consumer.receive();
    expect(messages).toMatchObject([{ messageId: "M", body: "b", nextConsumeAt: new Date(5) }]);
    for (const _ of [404, 204]) expect((await consumer.receive()).messages).toEqual([]);
  });

  it("fails where an entry has no handle to acknowledge it by", async () => {
    server.next(delivered({ ReceiptHandle: "" }));
    expect(await failureOf(client.consumer("T", "G").receive())).toBeInstanceOf(UnreadableReplyError);
  });
});

describe("an acknowledgement", () => {
  it("is tried again after a cut", async () => {
    server.next(cut, ACKNOWLEDGED);
    const acknowledged = client.consumer("T", "G").acknowledge("H");
    await pass(50);
    await acknowledged;
  });

  it("goes out 16 handles at a time, and tells of all that failed", async () => {
    server.next(handlesRefused("h3"), ACKNOWLEDGED, handlesRefused("h33"));
    const messages = Array.from({ length: 35 }, (_, n) => ({ handle: `h${n}`, messageId: `m${n}` }));
    const failure = await failureOf(client.consumer("T", "G").acknowledge(messages));
    expect(failure).toBeInstanceOf(PartialAcknowledgeError);
    expect(failure).toMatchObject({
      code: "PartialAcknowledge",
      requestId: REQUEST_ID,
      failures: [
        { handle: "h3", messageId: "m3", code: "MessageNotExist", message: "Too late." },
        { handle: "h33", messageId: "m33", code: "MessageNotExist", message: "Too late." },
      ],
    });
    expect(server.seen.map(({ body }) => body.match(/<ReceiptHandle>/g)?.length)).toEqual([16, 16, 3]);
  });

  it("reads the list of what failed whatever else is in it, and whatever refusal it comes with", async () => {
    const error = "<Error><ErrorCode>ReceiptHandleError</ErrorCode><ReceiptHandle>H</ReceiptHandle></Error>";
    server.next(reply(400, `<Errors><RequestId>R</RequestId>${error}<HostId></HostId></Errors>`));
    expect(await failureOf(client.consumer("T", "G").acknowledge("H"))).toMatchObject({
      failures: [{ handle: "H", code: "ReceiptHandleError" }],
    });
  });

  it("of a group that is unknown is refused as a whole", async () => {
    server.next(refusal(404, "SubscriptionNotExist"));
    expect(await failureOf(client.consumer("T", "G").acknowledge("H"))).toBeInstanceOf(RefusedError);
  });

  it("of nothing asks nobody", async () => {
    await client.consumer("T", "G").acknowledge([]);
    expect(server.seen).toEqual([]);
  });
});

describe("a half message", () => {
  const HALF = reply(201, "<Message><MessageId>M</MessageId><ReceiptHandle>H</ReceiptHandle></Message>");
  const transact = (local: () => unknown) => client.transactionalProducer("T", "G").transaction({ body: "b" }, local);

  it.each([
    ["comes too late", handlesRefused("H"), "RefusedError: Too late.", 404],
    ["is lost", refusal(500, "InternalError"), "RefusedError: No.", 500],
  ])(
    "whose commit %s leaves its transaction open, which is no reason to run it again",
    async (_, answer, why, status) => {
      client = open({ retry: false });
      server.next(HALF, answer);
      let runs = 0;
      const failure = await failureOf(transact(() => ++runs));
      expect(failure).toBeInstanceOf(OpenTransactionError);
      expect(failure).toMatchObject({ code: "TransactionOpen", retryable: false, outcomeUnknown: true, status });
      expect(failure.message).toBe(
        `The local transaction is done, but half message M of T was not committed; the back-check will ask about it: ${why}`,
      );
      expect(runs).toBe(1);
    },
  );

  it("without a transaction handle in the reply is none", async () => {
    server.next(PUBLISHED);
    const failure = await failureOf(client.transactionalProducer("T", "G").publishHalf({ body: "b" }));
    expect(failure).toBeInstanceOf(UnreadableReplyError);
  });
});

describe("close", () => {
  it("waits for calls under way, ends receives that wait, and refuses what comes later", async () => {
    server.next(silence, silence);
    const received = failureOf(client.consumer("T", "G").receive({ wait: "30s" }));
    await eventually(() => server.seen.length === 1);
    const abort = new AbortController();
    const published = client.producer("T").publish({ body: "b" }, { signal: abort.signal });
    await eventually(() => server.seen.length === 2);
    let isClosed = false;
    const closed = client.close().then(() => {
      isClosed = true;
    });
    expect(await received).toBeInstanceOf(ClosedError);
    await eventually(() => server.openConnections === 1);
    expect(isClosed).toBe(false);
    abort.abort(new Error("enough"));
    await expect(published).rejects.toThrow("enough");
    await closed;
    expect(await failureOf(client.producer("T").publish({ body: "b" }))).toBeInstanceOf(ClosedError);
  });

  it("closes the connections that were kept", async () => {
    server.next(PUBLISHED);
    await client.producer("T").publish({ body: "b" });
    expect(server.openConnections).toBe(1);
    await client.close();
    await eventually(() => server.openConnections === 0);
  });
});
