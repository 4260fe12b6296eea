import { describe, expect, it } from "vitest";
import { formatTarget, type Operation, parseOperation } from "./operations.ts";

const poll = (query: string): Operation => operationOf("GET", `/topics/T/messages?${query}`);

function operationOf(method: string, target: string): Operation {
  const route = parseOperation(method, target);
  if (!("operation" in route)) throw new Error(`${method} ${target} is refused: ${JSON.stringify(route)}`);
  return route.operation;
}

describe("where a request leads", () => {
  it("WIRE-1: a POST without a query publishes to the default instance", () => {
    expect(operationOf("POST", "/topics/T/messages")).toEqual({ name: "publish-message", topic: "T" });
  });

  it.each([
    ["POST", "/topics/T/messages?ns="],
    ["GET", "/topics/T/messages?ns=&consumer=g"],
    ["DELETE", "/topics/T/messages?consumer=g&ns="],
  ])("WIRE-2: an empty ns equals no ns (%s)", (method, target) => {
    expect(operationOf(method, target)).not.toHaveProperty("instance");
    expect(operationOf(method, target.replace("ns=", "ns=i"))).toHaveProperty("instance", "i");
  });

  it("WIRE-3: a target that ends in a bare ? routes like one without", () => {
    expect(operationOf("POST", "/topics/T/messages?")).toEqual(operationOf("POST", "/topics/T/messages"));
  });

  it("WIRE-4: query parameters work in any order", () => {
    const sorted = poll("consumer=g&ns=i&numOfMessages=3&tag=a&trans=order&waitseconds=5");
    expect(poll("trans=order&numOfMessages=3&waitseconds=5&tag=a&ns=i&consumer=g")).toEqual(sorted);
    expect(sorted).toEqual({
      name: "consume-messages",
      instance: "i",
      topic: "T",
      consumer: "g",
      mode: "ordered",
      tag: "a",
      maxMessages: 3,
      waitSeconds: 5,
    });
  });

  it("WIRE-5: query names match in any case", () => {
    expect(poll("CONSUMER=g&NumOfMessages=3&waitSeconds=5")).toEqual(poll("consumer=g&numOfMessages=3&waitseconds=5"));
    expect(poll("consumer=g&waitSeconds=5")).toHaveProperty("waitSeconds", 5);
  });

  it("WIRE-6: unknown query parameters are ignored", () => {
    expect(poll("consumer=g&foo=bar&baz&=&&")).toEqual(poll("consumer=g"));
  });

  it.each([
    ["Go", "Tag+A%7C%7CTagB%2A", "Tag A||TagB*"],
    ["Node", "Tag%20A%7C%7CTagB*", "Tag A||TagB*"],
    ["Java", "Tag+A%7C%7CTagB*", "Tag A||TagB*"],
    ["Python, a slash", "a/b", "a/b"],
    ["UTF-8", "%E4%B8%AD~%7E", "中~~"],
  ])("WIRE-7: a tag is decoded as form data (%s)", (_, sent, tag) => {
    expect(poll(`consumer=g&tag=${sent}`)).toHaveProperty("tag", tag);
  });

  it("WIRE-19: //topics, from Node with a slash at the end of its endpoint, leads to the topic", () => {
    expect(operationOf("POST", "//topics/T/messages")).toEqual(operationOf("POST", "/topics/T/messages"));
  });

  it.each(["/topics/%DLQ%GID_x/messages", "/topics/%25DLQ%25GID_x/messages"])(
    "WIRE-21: %s reaches the dead-letter topic",
    (target) => {
      expect(operationOf("POST", target)).toHaveProperty("topic", "%DLQ%GID_x");
    },
  );

  it("WIRE-21: a name that only looks as if it had an escape, %DLQ%4142, is left alone", () => {
    expect(operationOf("POST", "/topics/%DLQ%4142/messages")).toHaveProperty("topic", "%DLQ%4142");
  });

  it("a topic in raw UTF-8 is read as UTF-8", () => {
    const asHttpHandsItOver = Buffer.from("/topics/中/messages").toString("latin1");
    expect(operationOf("POST", asHttpHandsItOver)).toHaveProperty("topic", "中");
  });

  it.each(["-1", "0", "", "abc", "1.5"])("WIRE-76: waitseconds %j does not wait", (text) => {
    expect(poll(`consumer=g&waitseconds=${text}`)).toHaveProperty("waitSeconds", 0);
    expect(poll("consumer=g")).toHaveProperty("waitSeconds", 0);
  });

  it.each([
    ["0", 1],
    ["-3", 1],
    ["", 1],
    ["x", 1],
    ["undefined", 1],
    ["16", 16],
    ["17", 16],
    ["99999999999999999999", 16],
  ])("WIRE-80: numOfMessages %j counts as %d", (text, maxMessages) => {
    expect(poll(`consumer=g&numOfMessages=${text}`)).toHaveProperty("maxMessages", maxMessages);
  });

  it("WIRE-80: an absent numOfMessages counts as 1, a waitseconds above 30 as 30", () => {
    expect(poll("consumer=g")).toHaveProperty("maxMessages", 1);
    expect(poll("consumer=g&waitseconds=31")).toHaveProperty("waitSeconds", 30);
  });

  it("WIRE-98: commit and rollback need no consumer", () => {
    const target = "/topics/T/messages?consumer=&trans=";
    const end = { name: "end-transaction", topic: "T" };
    expect(operationOf("DELETE", `${target}commit`)).toEqual({ ...end, resolution: "commit" });
    expect(operationOf("DELETE", `${target}rollback`)).toEqual({ ...end, resolution: "rollback" });
    expect(operationOf("DELETE", "/topics/T/messages?trans=commit&consumer=g")).toHaveProperty("consumer", "g");
  });

  it("trans=pop asks for half messages", () => {
    expect(poll("consumer=g&trans=pop&numOfMessages=2")).toEqual({
      name: "consume-half-messages",
      topic: "T",
      consumer: "g",
      maxMessages: 2,
      waitSeconds: 0,
    });
  });

  it("a DELETE without trans acknowledges", () => {
    expect(operationOf("DELETE", "/topics/T/messages?consumer=g&ns=i")).toEqual({
      name: "acknowledge-messages",
      instance: "i",
      topic: "T",
      consumer: "g",
    });
  });
});

describe("what leads nowhere", () => {
  it.each([
    "/",
    "",
    "/topics",
    "/topics/T",
    "/topics//messages",
    "/topics/T/messages/",
    "/topics/a/b/messages",
    "/x/topics/T/messages",
    "/Topics/T/messages",
    "/topics/T/messagesX",
    "http://h/topics/T/messages",
  ])("the path %j is unknown", (target) => {
    expect(parseOperation("GET", target)).toEqual({ refusal: "InvalidRequestURL" });
  });

  it.each(["HEAD", "PUT", "OPTIONS", "get"])(
    "the method %s is not for messages, and the answer says which are",
    (method) => {
      const refusal = { refusal: "InvalidRequestURL", allow: "GET, POST, DELETE" };
      expect(parseOperation(method, "/topics/T/messages?consumer=g")).toEqual(refusal);
    },
  );

  it.each([
    ["GET", ""],
    ["GET", "?consumer="],
    ["GET", "?trans=order"],
    ["GET", "?trans=pop"],
    ["DELETE", ""],
    ["DELETE", "?consumer="],
  ])("a poll or acknowledgement needs a consumer: %s %j", (method, query) => {
    const refusal = { refusal: "InvalidArgument", missing: "consumer" };
    expect(parseOperation(method, `/topics/T/messages${query}`)).toEqual(refusal);
  });

  it.each([
    ["GET", "commit"],
    ["GET", "x"],
    ["DELETE", "pop"],
    ["DELETE", "order"],
    ["DELETE", "Commit"],
  ])("%s with trans=%s is not taken for something else", (method, trans) => {
    const route = parseOperation(method, `/topics/T/messages?consumer=g&trans=${trans}`);
    expect(route).toEqual({ refusal: "InvalidQueryString", item: "trans" });
  });
});

describe("targets for clients", () => {
  const place = { instance: "MQ INST", topic: "%DLQ%GID_x" };
  const batch = { consumer: "GID_g", maxMessages: 16, waitSeconds: 30 };
  it.each<Operation>([
    { name: "publish-message", topic: "T" },
    { name: "publish-message", ...place },
    { name: "consume-messages", ...place, ...batch, mode: "concurrent", tag: "中 a||b*+&=" },
    { name: "consume-messages", topic: "T", ...batch, waitSeconds: 0, mode: "ordered", tag: "" },
    { name: "consume-half-messages", ...place, ...batch },
    { name: "acknowledge-messages", ...place, consumer: "GID_g" },
    { name: "end-transaction", ...place, consumer: "GID_g", resolution: "commit" },
    { name: "end-transaction", topic: "T", resolution: "rollback" },
  ])("what is formatted is parsed back: $name", (operation) => {
    const { method, target } = formatTarget(operation);
    expect(target).toMatch(/^[!-~]+$/);
    expect(parseOperation(method, target)).toEqual({ operation });
  });
});
