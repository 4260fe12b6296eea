import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Client, type Decision, json, type Logger, type ReceivedMessage, RefusedError } from "../src/index.ts";
import type { TestedClientOptions } from "../src/read-options.ts";
import {
  ACKNOWLEDGED,
  delivered,
  HostileServer,
  handlesRefused,
  NOTHING_THERE,
  PUBLISHED,
  refusal,
  silence,
} from "./hostile-server.ts";
import { eventually, ManualWorld, manyTurns } from "./manual-world.ts";

let server: HostileServer;
let world: ManualWorld;
let client: Client;
let warnings: string[];

beforeEach(async () => {
  server = await HostileServer.start();
  world = new ManualWorld();
  warnings = [];
  const logger: Logger = { warn: (message) => warnings.push(message) };
  const options: TestedClientOptions = {
    endpoint: server.endpoint,
    accessKeyId: "id",
    accessKeySecret: "secret",
    environment: {},
    retry: false,
    world,
    logger,
  };
  client = new Client(options);
});

afterEach(async () => {
  const closed = client.close();
  await server.stop();
  await closed;
});

/** Deliveries whose time lasts this long from now on; `key` is the sharding key. */
function some(lengthMs: number, ...messages: readonly { id: string; key?: string }[]) {
  return delivered(
    ...messages.map(({ id, key }) => ({
      MessageId: id,
      ReceiptHandle: `handle-${id}`,
      MessageBody: id,
      NextConsumeTime: Math.round(world.wall() + lengthMs),
      ConsumedTimes: 1,
      Properties: key === undefined ? "" : `__SHARDINGKEY:${key}|`,
    })),
  );
}

/** The handles of each acknowledgement so far. */
function acknowledged(): string[][] {
  return server.seen
    .filter(({ line }) => line.startsWith("DELETE"))
    .map(({ body }) => [...body.matchAll(/<ReceiptHandle>handle-(.*?)</g)].map(([, id]) => id ?? ""));
}

/** A handler whose calls the test ends one by one. */
class Calls {
  readonly begun: string[] = [];
  readonly signals = new Map<string, AbortSignal>();
  readonly #ends = new Map<string, (error?: Error) => void>();

  readonly handler = (message: ReceivedMessage, { signal }: { signal: AbortSignal }): Promise<void> =>
    new Promise((resolve, reject) => {
      this.begun.push(message.body);
      this.signals.set(message.body, signal);
      this.#ends.set(message.body, (error) => (error ? reject(error) : resolve()));
    });

  end(id: string, error?: Error): void {
    this.#ends.get(id)?.(error);
  }
}

const MINUTE = 60_000;

describe("run", () => {
  it("acknowledges what was handled, and leaves what failed to come again", async () => {
    server.nextPolls(some(MINUTE, { id: "a" }, { id: "b" })).next(ACKNOWLEDGED);
    const run = client.consumer("T", "G").run({ concurrency: 2 }, (message) => {
      if (message.body === "b") throw new Error("not today");
    });
    await eventually(() => acknowledged().length === 1);
    await run.stop();
    expect(acknowledged()).toEqual([["a"]]);
    expect(warnings).toEqual(["The handler failed at message b of T for G, which comes again: Error: not today"]);
  });

  it("blames the body that the codec cannot read, not the handler; and the handler for what it throws itself", async () => {
    server.nextPolls(some(MINUTE, { id: "a" }, { id: "b" }));
    const consumer = client.consumer("T", "G", { codec: json<object>() });
    const run = consumer.run({ concurrency: 2 }, (message) => {
      if (message.messageId === "b") throw new Error("not today");
      return message.body;
    });
    await eventually(() => warnings.length === 2);
    await run.stop();
    expect(warnings[0]).toMatch(
      /^The body of message a of T for G could not be decoded; the message comes again: SyntaxError: /,
    );
    expect(warnings[1]).toBe("The handler failed at message b of T for G, which comes again: Error: not today");
  });

  it("has as many messages in hand as it was told, and asks for no more than it can begin", async () => {
    const calls = new Calls();
    server.nextPolls(some(MINUTE, { id: "a" }, { id: "b" }, { id: "c" }));
    const run = client.consumer("T", "G").run({ concurrency: 3 }, calls.handler);
    await eventually(() => calls.begun.length === 3);
    expect(server.seen).toHaveLength(1);
    server.next(ACKNOWLEDGED, ACKNOWLEDGED, ACKNOWLEDGED);
    calls.end("a");
    await eventually(() => server.seen.length === 3);
    const polls = server.seen.filter(({ line }) => line.startsWith("GET"));
    expect(polls.map(({ line }) => /numOfMessages=(\d+)/.exec(line)?.[1])).toEqual(["3", "1"]);
    calls.end("b");
    calls.end("c");
    await run.stop();
    expect(acknowledged().flat().sort()).toEqual(["a", "b", "c"]);
  });

  it("sends together what was handled while an acknowledgement was under way", async () => {
    const calls = new Calls();
    server.nextPolls(some(MINUTE, { id: "a" }, { id: "b" }, { id: "c" }));
    let answer = (): void => undefined;
    const run = client.consumer("T", "G").run({ concurrency: 3 }, calls.handler);
    await eventually(() => calls.begun.length === 3);
    server.next((socket, request) => {
      answer = () => ACKNOWLEDGED(socket, request);
    }, ACKNOWLEDGED);
    calls.end("a");
    await eventually(() => acknowledged().length === 1);
    calls.end("b");
    calls.end("c");
    await eventually(() => server.seen.length === 3);
    answer();
    await eventually(() => acknowledged().length === 2);
    await run.stop();
    expect(acknowledged()).toEqual([["a"], ["b", "c"]]);
  });

  it("takes no more messages once it is stopped, but ends those in hand", async () => {
    const calls = new Calls();
    server.nextPolls(some(MINUTE, { id: "a" }));
    const run = client.consumer("T", "G").run({ concurrency: 2 }, calls.handler);
    await eventually(() => calls.begun.length === 1 && server.seen.length === 2);
    let isStopped = false;
    const stopped = run.stop().then(() => {
      isStopped = true;
    });
    await manyTurns();
    expect(isStopped).toBe(false);
    server.next(ACKNOWLEDGED);
    calls.end("a");
    await stopped;
    await run.stopped;
    expect(acknowledged()).toEqual([["a"]]);
    expect(server.seen).toHaveLength(3);
  });

  it("is stopped by its signal", async () => {
    const abort = new AbortController();
    const run = client.consumer("T", "G").run({ signal: abort.signal }, () => undefined);
    await eventually(() => server.seen.length === 1);
    abort.abort();
    await run.stopped;
  });

  it("receives nothing where its signal was aborted before", async () => {
    await client.consumer("T", "G").run({ signal: AbortSignal.abort() }, () => undefined).stopped;
    expect(server.seen).toEqual([]);
  });

  it("is stopped by the client's close, which waits for what is in hand and lets it make calls", async () => {
    const calls = new Calls();
    server.nextPolls(some(MINUTE, { id: "a" })).next(PUBLISHED, ACKNOWLEDGED);
    client.consumer("T", "G").run(async (message, context) => {
      await calls.handler(message, context);
      await client.producer("T").publish({ body: "done" });
    });
    await eventually(() => calls.begun.length === 1);
    const closed = client.close();
    calls.end("a");
    await closed;
    expect(server.seen.map(({ line }) => line.split(" ")[0])).toEqual(["GET", "POST", "DELETE"]);
  });

  it("warns once where a handler is busy longer than the message's time, and tells the handler", async () => {
    const calls = new Calls();
    server.nextPolls(some(MINUTE, { id: "a" }));
    const run = client.consumer("T", "G").run(calls.handler);
    await eventually(() => calls.begun.length === 1);
    world.advance(MINUTE - 1_000);
    expect(warnings).toEqual([]);
    world.advance(2_000);
    expect(warnings).toEqual(["A handler is still busy with message a of T for G, whose time is up: it comes again."]);
    expect(calls.signals.get("a")?.aborted).toBe(true);
    server.next(handlesRefused("handle-a"));
    calls.end("a");
    await eventually(() => acknowledged().length === 1);
    await run.stop();
    expect(warnings).toHaveLength(1);
  });

  it("says which handled messages were not acknowledged in spite of being in time", async () => {
    server.nextPolls(some(MINUTE, { id: "a" })).next(handlesRefused("handle-a"));
    const run = client.consumer("T", "G").run(() => undefined);
    await eventually(() => warnings.length === 1);
    await run.stop();
    expect(warnings[0]).toMatch(/^1 handled messages were not acknowledged, and come again: 1 of 1 messages/);
  });

  it("goes on trying to acknowledge while the broker is away and the message's time lasts", async () => {
    server.nextPolls(some(MINUTE, { id: "a" })).next(refusal(503, "InternalServerError"));
    const run = client.consumer("T", "G").run({ concurrency: 1 }, () => undefined);
    await world.timer(100);
    server.next(ACKNOWLEDGED);
    world.advance(100);
    await eventually(() => acknowledged().length === 2);
    await run.stop();
    expect(warnings).toEqual([]);
  });

  it("outlives a function that fails to give credentials, to receive as well as to acknowledge", async () => {
    let isVaultAway = true;
    const options: TestedClientOptions = {
      endpoint: server.endpoint,
      credentials: async () => {
        if (isVaultAway) throw new Error("no vault");
        return { accessKeyId: "id", accessKeySecret: "secret" };
      },
      environment: {},
      retry: false,
      world,
      logger: { warn: (message) => warnings.push(message) },
    };
    const own = new Client(options);
    server.nextPolls(some(MINUTE, { id: "a" })).next(ACKNOWLEDGED);
    const run = own.consumer("T", "G").run(() => {
      isVaultAway = true;
    });
    for (const pause of [250, 100]) {
      await world.timer(pause);
      isVaultAway = false;
      world.advance(pause);
    }
    await eventually(() => acknowledged().length === 1);
    await run.stop();
    await own.close();
    expect(new Set(warnings)).toEqual(
      new Set([
        "Receiving T for G failed, and is tried until it succeeds: no vault",
        "Receiving T for G succeeds again.",
      ]),
    );
  });

  it("waits longer and longer while the broker cannot be reached, says so once, and once that it is back", async () => {
    server.next(refusal(503, "InternalServerError"), refusal(503, "InternalServerError"), NOTHING_THERE, silence);
    const run = client.consumer("T", "G").run(() => undefined);
    for (const pause of [250, 500]) {
      await world.timer(pause);
      world.advance(pause);
    }
    await eventually(() => server.seen.length === 4);
    await run.stop();
    expect(warnings).toEqual([
      "Receiving T for G failed, and is tried until it succeeds: No.",
      "Receiving T for G succeeds again.",
    ]);
  });

  it("says of a refused connection one sentence, without the error's stack", async () => {
    const told: unknown[][] = [];
    const logger: Logger = { warn: (...what) => told.push(what) };
    const endpoint = server.endpoint;
    await server.stop();
    const options: TestedClientOptions = {
      endpoint,
      accessKeyId: "id",
      accessKeySecret: "secret",
      environment: {},
      retry: false,
      world,
      logger,
    };
    const own = new Client(options);
    const run = own.consumer("T", "G").run(() => undefined);
    await world.timer(250);
    await run.stop();
    await own.close();
    expect(told).toEqual([[expect.stringMatching(/^Receiving T for G failed, and is tried until it succeeds: .+\.$/)]]);
  });

  it("stops where waiting cures nothing, once what is in hand has ended", async () => {
    const calls = new Calls();
    server.nextPolls(some(MINUTE, { id: "a" }), refusal(404, "TopicNotExist"));
    const run = client.consumer("T", "G").run({ concurrency: 2 }, calls.handler);
    let failure: unknown;
    const stopped = run.stopped.catch((error: unknown) => {
      failure = error;
    });
    await eventually(() => server.seen.length === 2);
    expect(failure).toBeUndefined();
    server.next(ACKNOWLEDGED);
    calls.end("a");
    await stopped;
    expect(failure).toBeInstanceOf(RefusedError);
    expect(acknowledged()).toEqual([["a"]]);
  });

  it("refuses to run without a handler, or with none at a time", () => {
    const consumer = client.consumer("T", "G");
    expect(() => consumer.run({} as never, undefined as never)).toThrow("run() has no handler: run(options, handler).");
    expect(() => consumer.run({ concurrency: 0 }, () => undefined)).toThrow("concurrency is 0");
    expect(() => consumer.run({ maxMessages: 17 }, () => undefined)).toThrow("maxMessages is 17");
    expect(() => consumer.run({ wait: "31s" }, () => undefined)).toThrow('wait is "31s"; it may be 0s to 30s.');
  });
});

describe("run, in order", () => {
  const run = (calls: Calls, concurrency: number) =>
    client.consumer("T", "G", { ordered: true }).run({ concurrency }, calls.handler);

  it("handles the messages of one sharding key one after the other, those of others beside them", async () => {
    const calls = new Calls();
    const messages = [
      { id: "a1", key: "a" },
      { id: "b1", key: "b" },
      { id: "a2", key: "a" },
    ];
    server.nextPolls(some(MINUTE, ...messages));
    const running = run(calls, 2);
    await eventually(() => calls.begun.length === 2);
    expect(calls.begun).toEqual(["a1", "b1"]);
    server.next(ACKNOWLEDGED, ACKNOWLEDGED, ACKNOWLEDGED);
    calls.end("a1");
    await eventually(() => calls.begun.length === 3);
    expect(calls.begun).toEqual(["a1", "b1", "a2"]);
    calls.end("b1");
    calls.end("a2");
    await running.stop();
    expect(acknowledged().flat().sort()).toEqual(["a1", "a2", "b1"]);
  });

  it("leaves what follows a failure of the same key, and acknowledges what came before", async () => {
    const calls = new Calls();
    server.nextPolls(some(MINUTE, { id: "a1", key: "a" }, { id: "a2", key: "a" }, { id: "a3", key: "a" }));
    const running = run(calls, 1);
    await eventually(() => calls.begun.length === 1);
    server.next(ACKNOWLEDGED);
    calls.end("a1");
    await eventually(() => calls.begun.length === 2);
    calls.end("a2", new Error("no"));
    await eventually(() => server.seen.length === 3);
    await running.stop();
    expect(calls.begun).toEqual(["a1", "a2"]);
    expect(acknowledged()).toEqual([["a1"]]);
  });

  it("does not begin a message beside an earlier delivery of its key, nor one whose time is up", async () => {
    const calls = new Calls();
    server.nextPolls(some(20_000, { id: "a1", key: "a" }, { id: "a2", key: "a" }));
    const running = run(calls, 3);
    await eventually(() => calls.begun.length === 1 && server.seen.length === 2);
    world.advance(20_000);
    server.polled(some(20_000, { id: "a1 again", key: "a" }));
    // The next poll: the new delivery is in hand.
    await eventually(() => server.seen.length === 3);
    expect(calls.begun).toEqual(["a1"]);
    server.next(ACKNOWLEDGED, ACKNOWLEDGED);
    calls.end("a1");
    await eventually(() => calls.begun.length === 2);
    expect(calls.begun).toEqual(["a1", "a1 again"]);
    calls.end("a1 again");
    await running.stop();
  });
});

describe("batches", () => {
  it("gives batches that are not empty, and ends when the signal is aborted", async () => {
    const abort = new AbortController();
    server.next(NOTHING_THERE, some(MINUTE, { id: "a" }), silence);
    const seen: string[][] = [];
    const loop = (async () => {
      for await (const batch of client.consumer("T", "G").batches({ signal: abort.signal })) {
        seen.push([...batch].map(({ body }) => body));
      }
    })();
    await eventually(() => server.seen.length === 3);
    abort.abort();
    await loop;
    expect(seen).toEqual([["a"]]);
  });

  it("ends when the client is closed", async () => {
    server.next(silence);
    const loop = client.consumer("T", "G").batches().next();
    await eventually(() => server.seen.length === 1);
    await client.close();
    expect(await loop).toEqual({ done: true, value: undefined });
  });

  it("waits and goes on after what waiting may cure, and throws the rest", async () => {
    server.next(refusal(500, "InternalError"), refusal(403, "SignatureDoesNotMatch"));
    const next = client.consumer("T", "G").batches().next();
    await world.timer(250);
    world.advance(250);
    await expect(next).rejects.toMatchObject({ code: "SignatureDoesNotMatch" });
  });
});

describe("back-checks", () => {
  it("end what is decided, leave what is not, and tell of what failed", async () => {
    const decisions: Record<string, Decision> = { a: "commit", b: "rollback", c: "unknown" };
    server.nextPolls(some(10_000, { id: "a" }, { id: "b" }, { id: "c" }, { id: "d" }));
    server.next(ACKNOWLEDGED, ACKNOWLEDGED);
    const checker = client.transactionalProducer("T", "G").onCheck(
      ({ body }) => {
        const decision = decisions[body];
        if (decision === undefined) throw new Error("database away");
        return decision;
      },
      { concurrency: 4 },
    );
    await eventually(() => server.seen.length === 4);
    await checker.stop();
    expect(server.seen[0]?.line).toMatch(/numOfMessages=4&waitseconds=30&trans=pop/);
    const ended = server.seen.filter(({ line }) => line.startsWith("DELETE"));
    expect(ended.map(({ line, body }) => [/trans=(\w+)/.exec(line)?.[1], /handle-(\w)/.exec(body)?.[1]])).toEqual([
      ["commit", "a"],
      ["rollback", "b"],
    ]);
    expect(warnings).toEqual(["Half message d of T was not ended, and is asked about again: Error: database away"]);
  });

  it("stop once the decision in hand is made", async () => {
    let decide: ((decision: Decision) => void) | undefined;
    server.nextPolls(some(10_000, { id: "a" })).next(ACKNOWLEDGED);
    const checker = client.transactionalProducer("T", "G").onCheck(
      () =>
        new Promise((resolve) => {
          decide = resolve;
        }),
      { concurrency: 2 },
    );
    await eventually(() => decide !== undefined && server.seen.length === 2);
    let isStopped = false;
    const stopped = checker.stop().then(() => {
      isStopped = true;
    });
    await manyTurns();
    expect(isStopped).toBe(false);
    decide?.("commit");
    await stopped;
    await checker.stopped;
    expect(server.seen.map(({ line }) => line.split(" ")[0])).toEqual(["GET", "GET", "DELETE"]);
  });

  it("warn where a decision comes too late", async () => {
    server.nextPolls(some(10_000, { id: "a" })).next(handlesRefused("handle-a"));
    const checker = client.transactionalProducer("T", "G").onCheck(() => "commit");
    await eventually(() => warnings.length === 1);
    await checker.stop();
    expect(warnings[0]).toBe("Half message a of T was not ended, and is asked about again: RefusedError: Too late.");
  });
});
