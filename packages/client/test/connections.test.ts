import { createServer, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Client, type ClientOptions } from "../src/index.ts";
import type { TestedClientOptions } from "../src/read-options.ts";
import { Connection } from "../src/transport/connection.ts";
import { CERTIFICATE, PRIVATE_KEY } from "./fixtures/certificate.ts";
import { type Answer, HostileServer, NOTHING_THERE, PUBLISHED, REQUEST_ID } from "./hostile-server.ts";
import { eventually, ManualWorld } from "./manual-world.ts";

let server: HostileServer;
let clients: Client[];

beforeEach(async () => {
  server = await HostileServer.start();
  clients = [];
});

afterEach(async () => {
  const closed = clients.map((client) => client.close());
  await server.stop();
  await Promise.all(closed);
});

function open(options: ClientOptions & TestedClientOptions = {}): Client {
  const all: TestedClientOptions = {
    endpoint: server.endpoint,
    accessKeyId: "id",
    accessKeySecret: "secret",
    environment: {},
    world: new ManualWorld(),
    retry: false,
    ...options,
  };
  const client = new Client(all);
  clients.push(client);
  return client;
}

/** Keeps requests until the test answers them. */
function kept(): { readonly answer: Answer; readonly release: (reply: Answer) => void; readonly count: () => number } {
  const waiting: (readonly [Socket, Parameters<Answer>[1]])[] = [];
  return {
    answer: (socket, request) => waiting.push([socket, request]),
    release: (reply) => {
      for (const [socket, request] of waiting.splice(0)) reply(socket, request);
    },
    count: () => waiting.length,
  };
}

describe("connections", () => {
  it("are kept for the next call", async () => {
    server.next(PUBLISHED, PUBLISHED, PUBLISHED);
    const producer = open().producer("T");
    for (const body of ["a", "b", "c"]) await producer.publish({ body });
    expect(server.connections).toBe(1);
  });

  it("are never more than maxConnections; the rest of the calls wait for a free one", async () => {
    const store = kept();
    server.next(...Array.from({ length: 10 }, () => store.answer));
    const producer = open({ maxConnections: 3 }).producer("T");
    const published = Array.from({ length: 10 }, (_, n) => producer.publish({ body: `${n}` }));
    await eventually(() => store.count() === 3);
    for (let done = 0; done < 10; done += store.count()) {
      expect(server.openConnections).toBeLessThanOrEqual(3);
      const before = server.seen.length;
      store.release(PUBLISHED);
      await eventually(() => server.seen.length >= Math.min(10, before + 3));
      done = before;
    }
    store.release(PUBLISHED);
    await Promise.all(published);
    expect(server.connections).toBeLessThanOrEqual(3);
  });

  it("are never all taken by receives that wait: a publish always finds one", async () => {
    const polls = kept();
    server.nextPolls(...Array.from({ length: 20 }, () => polls.answer)).next(PUBLISHED);
    const client = open({ maxConnections: 8 });
    const received = Array.from({ length: 20 }, () => client.consumer("T", "G").receive({ wait: "30s" }));
    await eventually(() => polls.count() === 6);
    await client.producer("T").publish({ body: "a" });
    expect(polls.count()).toBe(6);
    polls.release(NOTHING_THERE);
    await eventually(() => polls.count() === 6);
    polls.release(NOTHING_THERE);
    await eventually(() => polls.count() === 6);
    polls.release(NOTHING_THERE);
    await eventually(() => polls.count() === 2);
    polls.release(NOTHING_THERE);
    await Promise.all(received);
  });

  it("that are waited for too long say so", async () => {
    const world = new ManualWorld();
    const store = kept();
    server.next(store.answer, store.answer);
    const producer = open({ maxConnections: 2, world }).producer("T");
    const first = [
      producer.publish({ body: "a" }, { timeout: "1h" }),
      producer.publish({ body: "b" }, { timeout: "1h" }),
    ];
    await eventually(() => store.count() === 2);
    const third = producer.publish({ body: "c" });
    await world.timer(10_000);
    world.advance(10_000);
    await expect(third).rejects.toMatchObject({
      code: "Timeout",
      outcomeUnknown: false,
      message:
        "publish to T took longer than 10 s; it was waiting for a connection, all of maxConnections being in use.",
    });
    store.release(PUBLISHED);
    await Promise.all(first);
  });
});

describe("a request in TLS", () => {
  it("counts as sent from its first byte: what is told of it later may come after its reply was lost", async () => {
    const broker = createTlsServer({ cert: CERTIFICATE, key: PRIVATE_KEY }, (socket) => {
      socket.on("error", () => undefined).resume();
    });
    await new Promise<void>((resolve) => broker.listen(0, "127.0.0.1", resolve));
    const { port } = broker.address() as AddressInfo;
    const socket = connectTls({ port, host: "127.0.0.1", servername: "broker.test", ca: CERTIFICATE });
    await new Promise((resolve) => socket.once("secureConnect", resolve));
    const connection = new Connection(socket, () => undefined);
    let isSent = false;
    const replied = connection.send("GET / HTTP/1.1\r\n\r\n", () => {
      isSent = true;
    });
    expect(isSent).toBe(true);
    connection.destroy();
    await expect(replied).rejects.toThrow("it was closed");
    await new Promise((resolve) => broker.close(resolve));
  });
});

describe("messages with one sharding key", () => {
  it("go out one after the other, in the order of the calls; others do not wait for them", async () => {
    const store = kept();
    server.next(...Array.from({ length: 4 }, () => store.answer));
    const client = open();
    const bodies = (): (string | undefined)[] => server.seen.map(({ body }) => /Body>(\w+)</.exec(body)?.[1]);
    const published = [
      client.producer("T").publish({ body: "a1", shardingKey: "a" }),
      client.producer("T").publish({ body: "a2", shardingKey: "a" }),
      client.producer("T").publish({ body: "b1", shardingKey: "b" }),
      client.producer("T").publish({ body: "a3", shardingKey: "a" }),
    ];
    await eventually(() => store.count() === 2);
    expect(bodies().sort()).toEqual(["a1", "b1"]);
    store.release(PUBLISHED);
    await eventually(() => store.count() === 1);
    expect(bodies().at(-1)).toBe("a2");
    store.release(PUBLISHED);
    await eventually(() => store.count() === 1);
    expect(bodies().at(-1)).toBe("a3");
    store.release(PUBLISHED);
    await Promise.all(published);
  });

  it("do not wait for one that was given up or refused", async () => {
    const abort = new AbortController();
    const store = kept();
    server.next(store.answer, PUBLISHED);
    const producer = open().producer("T");
    const first = producer.publish({ body: "a1", shardingKey: "a" });
    const second = producer.publish({ body: "a2", shardingKey: "a" }, { signal: abort.signal });
    const third = producer.publish({ body: "a3", shardingKey: "a" });
    const refused = producer.publish({ body: "", shardingKey: "a" });
    await expect(refused).rejects.toMatchObject({ name: "InvalidMessageError" });
    await eventually(() => store.count() === 1);
    abort.abort(new Error("enough"));
    await expect(second).rejects.toThrow("enough");
    expect(server.seen).toHaveLength(1);
    store.release(PUBLISHED);
    await Promise.all([first, third]);
    expect(server.seen).toHaveLength(2);
  });
});

describe("a proxy", () => {
  let proxy: Server;
  let asked: { readonly line: string; readonly host: string | undefined; readonly authorization: string | undefined }[];
  let target: AddressInfo;
  let tunnels: Socket[];

  beforeEach(async () => {
    asked = [];
    proxy = createServer((request, response) => {
      const { method, url, headers } = request;
      asked.push({ line: `${method} ${url}`, host: headers.host, authorization: headers["proxy-authorization"] });
      request.resume();
      response.writeHead(201, { "x-mq-request-id": REQUEST_ID });
      response.end("<Message><MessageId>by proxy</MessageId></Message>");
    });
    tunnels = [];
    proxy.on("connect", ({ url, headers }, socket: Socket) => {
      tunnels.push(socket);
      asked.push({ line: `CONNECT ${url}`, host: headers.host, authorization: headers["proxy-authorization"] });
      if (url?.startsWith("refused")) {
        socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
        return;
      }
      const onward = connect(target.port, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        onward.pipe(socket).pipe(onward);
      });
      for (const [end, other] of [
        [onward, socket],
        [socket, onward],
      ] as const) {
        end.on("error", () => undefined).on("close", () => other.destroy());
      }
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  });

  afterEach(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await eventually(() => tunnels.every(({ destroyed }) => destroyed));
    proxy.closeAllConnections();
    await new Promise((resolve) => proxy.close(resolve));
  });

  const proxyUrl = (user = ""): string => `http://${user}127.0.0.1:${(proxy.address() as AddressInfo).port}`;

  it("of the environment is asked in the form of whole addresses", async () => {
    const client = open({
      endpoint: "http://broker.test:8080",
      environment: { http_proxy: proxyUrl("me:pass%20word@") },
    });
    expect(await client.producer("T").publish({ body: "a" })).toMatchObject({ messageId: "by proxy" });
    const authorization = `Basic ${Buffer.from("me:pass word").toString("base64")}`;
    expect(asked).toEqual([
      { line: "POST http://broker.test:8080/topics/T/messages", host: "broker.test:8080", authorization },
    ]);
  });

  it("leads TLS through a tunnel, which is kept, to the broker that the certificate names", async () => {
    const broker = createHttpsServer({ cert: CERTIFICATE, key: PRIVATE_KEY }, (request, response) => {
      request.resume();
      response.writeHead(201).end("<Message><MessageId>by tunnel</MessageId></Message>");
    });
    await new Promise<void>((resolve) => broker.listen(0, "127.0.0.1", resolve));
    target = broker.address() as AddressInfo;
    const environment = { HTTPS_PROXY: proxyUrl("me:pw@") };
    const client = open({ endpoint: "https://broker.test", environment, tls: { ca: CERTIFICATE } });
    for (const body of ["a", "b"]) {
      expect(await client.producer("T").publish({ body })).toMatchObject({ messageId: "by tunnel" });
    }
    expect(asked).toEqual([
      { line: "CONNECT broker.test:443", host: "broker.test:443", authorization: "Basic bWU6cHc=" },
    ]);
    const stranger = open({ endpoint: "https://other.test", environment, tls: { ca: CERTIFICATE } });
    await expect(stranger.producer("T").publish({ body: "a" })).rejects.toMatchObject({
      code: "ConnectionFailed",
      outcomeUnknown: false,
      message: "There is no connection to https://other.test (ERR_TLS_CERT_ALTNAME_INVALID).",
    });
    broker.closeAllConnections();
    await new Promise((resolve) => broker.close(resolve));
  });

  it("that refuses a tunnel is named in the failure", async () => {
    const client = open({ endpoint: "https://refused.test", environment: { https_proxy: proxyUrl() } });
    await expect(client.producer("T").publish({ body: "a" })).rejects.toMatchObject({
      code: "ConnectionFailed",
      outcomeUnknown: false,
      message: expect.stringMatching(/\(the proxy 127\.0\.0\.1:\d+ answered CONNECT with 407\)\.$/),
    });
  });
});
