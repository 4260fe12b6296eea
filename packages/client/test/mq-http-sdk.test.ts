import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConnectionError, InvalidArgumentError, InvalidMessageError, TimeoutError } from "../src/index.ts";
import {
  MessageProperties,
  MQClient,
  MQConsumer,
  MQError,
  MQProducer,
  MQTransProducer,
} from "../src/mq-http-sdk/index.ts";
import {
  ACKNOWLEDGED,
  delivered,
  HostileServer,
  handlesRefused,
  NOTHING_THERE,
  PUBLISHED,
  REQUEST_ID,
  refusal,
  reply,
} from "./hostile-server.ts";

let server: HostileServer;
let client: MQClient;

beforeEach(async () => {
  server = await HostileServer.start();
  client = new MQClient(server.endpoint, "dev", "dev-secret");
});

afterEach(() => server.stop());

const failureOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("what the official SDK does not do", () => {
  it.each([
    { what: "with ]]>", body: "a]]>b", sent: "a]]&gt;b" },
    { what: "of bytes", body: new TextEncoder().encode("größer"), sent: "größer" },
    // What JavaScript lets through, and the official SDK too.
    { what: "that is a number", body: 42 as unknown as string, sent: "42" },
  ])("a body $what is sent as it is", async ({ body, sent }) => {
    server.next(PUBLISHED);
    await client.getProducer("", "orders").publishMessage(body);
    expect(server.seen[0]?.body).toContain(`<MessageBody>${sent}</MessageBody>`);
  });

  it.each([
    { what: "an object", body: { a: 1 } },
    { what: "null", body: null },
    { what: "missing", body: undefined },
    { what: "no UTF-8", body: Uint8Array.of(0xff) },
  ])("a body that is $what is refused, and not sent", async ({ body }) => {
    const publish = client.getProducer("", "orders").publishMessage(body as unknown as string);
    expect(await failureOf(publish)).toBeInstanceOf(InvalidMessageError);
    expect(server.seen).toEqual([]);
  });

  const put = (name: string, value: string): MessageProperties => {
    const properties = new MessageProperties();
    properties.putProperty(name, value);
    return properties;
  };
  const keyed = new MessageProperties();
  keyed.messageKey("k\ufffe");
  it.each<{ part: string; message: Parameters<MQProducer["publishMessage"]> }>([
    { part: "The body has U+0001 as its 2nd character", message: ["a\u0001"] },
    { part: "The tag has U+0000 as its 1st character", message: ["a", "\u0000"] },
    { part: "The key has U+FFFE as its 2nd character", message: ["a", "", keyed] },
    { part: "The property p has U+D800 as its 3rd character", message: ["a", "", put("p", "xy\ud800")] },
    { part: 'The property name "n\\u001b" has U+001B as its 2nd character', message: ["a", "", put("n\u001b", "v")] },
  ])("what XML cannot carry is refused with the broker's code, and not sent: $part", async ({ part, message }) => {
    for (const producer of [client.getProducer("", "orders"), client.getTransProducer("", "orders", "GID_a")]) {
      const error = await failureOf(producer.publishMessage(...message));
      expect(error).toBeInstanceOf(MQError);
      expect(error).toMatchObject({
        Code: "MalformedXML",
        RequestId: undefined,
        message: expect.stringContaining(`POST ${server.endpoint}/topics/orders/messages failed. ${part}`),
      });
    }
    expect(server.seen).toEqual([]);
  });

  it("a reply of a gateway's is thrown, whatever was asked", async () => {
    const gateway = reply(502, "<html>Bad Gateway</html>", { "Content-Type": "text/html" });
    server.next(gateway);
    const publish = await failureOf(client.getProducer("", "orders").publishMessage("a"));
    server.next(gateway, gateway, gateway);
    const consume = await failureOf(client.getConsumer("", "orders", "GID_a").consumeMessage(1));
    for (const [error, method] of [
      [publish, "POST"],
      [consume, "GET"],
    ] as const) {
      expect(error).toBeInstanceOf(MQError);
      const start = `${method} ${server.endpoint}/topics/orders/messages failed. The reply, 502 `;
      expect((error as MQError).message.slice(0, start.length)).toBe(start);
      expect(error).toMatchObject({ Code: undefined, RequestId: REQUEST_ID });
    }
  });

  it("an endpoint may end in a slash", async () => {
    server.next(refusal(404, "TopicNotExist"));
    const producer = new MQClient(`${server.endpoint}/`, "dev", "dev-secret").getProducer("", "orders");
    const { message } = (await failureOf(producer.publishMessage("a"))) as MQError;
    expect(server.seen[0]?.line).toBe("POST /topics/orders/messages HTTP/1.1");
    expect(message).toContain(`POST ${server.endpoint}/topics/orders/messages failed`);
  });

  it("topics and tags are escaped", async () => {
    server.next(NOTHING_THERE);
    await failureOf(client.getConsumer("MQ_INST_a", "%DLQ%GID_a", "GID_a", "it's").consumeMessage(3, 1));
    expect(server.seen[0]?.line).toBe(
      "GET /topics/%25DLQ%25GID_a/messages?ns=MQ_INST_a&consumer=GID_a&numOfMessages=3&waitseconds=1&tag=it's HTTP/1.1",
    );
  });

  it("StartDeliverTime is only ever the time of delivery", async () => {
    server.next(delivered({ Properties: "__STARTDELIVERTIME:7|" }, { Properties: "__TransCheckT:10|" }));
    const { body } = await client.getConsumer("", "orders", "GID_a").consumeMessage(2);
    expect(body[0]).toMatchObject({ StartDeliverTime: 7, Properties: {} });
    expect(body[1]).toMatchObject({ TransCheckImmunityTime: 10, Properties: {} });
    expect(body[1]).not.toHaveProperty("StartDeliverTime");
  });

  it("a value with a colon is read whole", async () => {
    server.next(delivered({ Properties: "KEYS:order:1|a:b:c|" }));
    const { body } = await client.getConsumer("", "orders", "GID_a").consumeMessage(1);
    expect(body).toMatchObject([{ MessageKey: "order:1", Properties: { a: "b:c" } }]);
  });

  it("MQTransProducer is exported, and what is made by hand is what the client makes", async () => {
    server.next(ACKNOWLEDGED, ACKNOWLEDGED, PUBLISHED);
    expect(await new MQTransProducer(client, "", "orders", "GID_a").rollback("H")).toMatchObject({ code: 204 });
    expect(await new MQConsumer(client, "", "orders", "GID_a").ackMessage(["H"])).toMatchObject({ code: 204 });
    expect(await new MQProducer(client, "", "orders").publishMessage("a")).toMatchObject({ code: 201 });
    expect(server.seen.map(({ line }) => line)).toEqual([
      "DELETE /topics/orders/messages?consumer=GID_a&trans=rollback HTTP/1.1",
      "DELETE /topics/orders/messages?consumer=GID_a HTTP/1.1",
      "POST /topics/orders/messages HTTP/1.1",
    ]);
    // One connection for all that is made of one client.
    expect(server.connections).toBe(1);
  });
});

describe("what the official SDK does", () => {
  it("refused handles are not thrown but returned", async () => {
    const refused = [{ ErrorCode: "MessageNotExist", ErrorMessage: "Too late.", ReceiptHandle: "H1" }];
    server.next(handlesRefused("H1"), handlesRefused("H1"), handlesRefused("H1"));
    const consumer = client.getConsumer("", "orders", "GID_a");
    const producer = client.getTransProducer("", "orders", "GID_a");
    for (const result of [
      await consumer.ackMessage(["H1", "H2"]),
      await producer.commit("H1"),
      await producer.rollback("H1"),
    ])
      expect(result).toEqual({ code: 404, requestId: REQUEST_ID, body: refused });
  });

  it("a poll that finds nothing is thrown", async () => {
    server.next(NOTHING_THERE);
    const error = await failureOf(client.getConsumer("", "orders", "GID_a").consumeMessage(1));
    expect(error).toBeInstanceOf(MQError);
    expect(error).toMatchObject({
      name: "Error",
      Code: "MessageNotExist",
      RequestId: REQUEST_ID,
      message: `GET ${server.endpoint}/topics/orders/messages failed with 404. RequestId: ${REQUEST_ID}, ErrorCode: MessageNotExist, ErrorMsg: Message not exist.`,
    });
  });

  it("what the broker refuses is thrown, with its Code and the RequestId", async () => {
    server.next(refusal(404, "TopicNotExist", "No such topic."));
    const error = await failureOf(client.getConsumer("", "orders", "GID_a").ackMessage(["H"]));
    expect(error).toMatchObject({
      Code: "TopicNotExist",
      RequestId: REQUEST_ID,
      message: `DELETE ${server.endpoint}/topics/orders/messages failed with 404. RequestId: ${REQUEST_ID}, ErrorCode: TopicNotExist, ErrorMsg: No such topic.`,
    });
  });

  it("a failed connection has Node's code, a late reply the name of the official SDK's error", () => {
    const refused = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
    const cut = new MQError("GET http://h/", new ConnectionError("No.", { outcomeUnknown: false, cause: refused }));
    expect(cut).toMatchObject({
      name: "Error",
      code: "ECONNREFUSED",
      Code: undefined,
      message: "GET http://h/ failed. No.",
    });
    const late = new MQError("GET http://h/", new TimeoutError("Late.", { outcomeUnknown: true, cause: undefined }));
    expect(late).toMatchObject({ name: "RequestTimeoutError", code: undefined, Code: undefined });
  });

  it("the access key of a client may be changed between calls", async () => {
    server.next(PUBLISHED, PUBLISHED);
    const producer = client.getProducer("", "orders");
    await producer.publishMessage("a");
    Object.assign(client, { accessKeyId: "STS.1", accessKeySecret: "s", securityToken: "token" });
    await producer.publishMessage("a");
    const [before, after] = server.seen.map(({ headers }) => headers);
    expect(before?.authorization).toMatch(/^MQ dev:/);
    expect(before).not.toHaveProperty("security-token");
    expect(after?.authorization).toMatch(/^MQ STS\.1:/);
    expect(after).toMatchObject({ "security-token": "token" });
  });

  it("what is missing is refused at once, and so is an endpoint that is none", () => {
    const empty = "";
    expect(() => new MQClient(empty, "dev", "dev-secret")).toThrow('"endpoint" must be passed in');
    expect(() => new MQClient("http://h", empty, "s")).toThrow('"accessKeyId" must be passed in');
    expect(() => new MQClient("http://h", "dev", empty)).toThrow('"accessKeySecret" must be passed in');
    expect(() => client.getProducer("", empty)).toThrow('"topic" must be passed in');
    expect(() => client.getTransProducer("", "orders", empty)).toThrow('"groupId" must be passed in');
    expect(() => client.getConsumer("", "orders", empty)).toThrow('"consumer" must be passed in');
    expect(() => new MQClient("localhost:8080", "dev", "dev-secret")).toThrow(InvalidArgumentError);
  });
});

describe("message properties", () => {
  it("are sent as they were set; what is null, undefined or empty sets nothing", async () => {
    const properties = new MessageProperties();
    properties.messageKey("order-1");
    properties.shardingKey(7);
    properties.startDeliverTime(null);
    properties.transCheckImmunityTime(undefined);
    properties.putProperty("a", 1);
    properties.putProperty("b", "");
    properties.putProperty("", "c");
    properties.putProperty("d", null);
    expect(properties.getProperties()).toEqual({ KEYS: "order-1", __SHARDINGKEY: "7", a: "1" });
    server.next(PUBLISHED);
    await client.getProducer("", "orders").publishMessage("x", "paid", properties);
    expect(server.seen[0]?.body).toContain("<MessageTag>paid</MessageTag>");
    expect(server.seen[0]?.body).toContain("<Properties>KEYS:order-1|__SHARDINGKEY:7|a:1</Properties>");
  });

  it.each([..."\"'&<>|:"])("a property with %s is refused", (character) => {
    const properties = new MessageProperties();
    expect(() => properties.putProperty("a", `b${character}`)).toThrow("can not contains");
    expect(() => properties.putProperty(`b${character}`, "a")).toThrow("can not contains");
    expect(properties.getProperties()).toEqual({});
  });

  it("a key with a bar would be two properties, and is refused; one with a colon is the broker's affair", () => {
    const properties = new MessageProperties();
    expect(() => properties.messageKey("a|b")).toThrow("Property a|b can not contains: |");
    expect(() => properties.shardingKey("a|b")).toThrow("Property a|b can not contains: |");
    properties.shardingKey("user:1");
    expect(properties.getProperties()).toEqual({ __SHARDINGKEY: "user:1" });
  });
});
