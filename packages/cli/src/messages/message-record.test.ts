import type { ReceivedMessage } from "@stagemq/client";
import { describe, expect, it } from "vitest";
import { parseMessageLine, toMessageRecord } from "./message-record.ts";
import { toJson } from "./to-one-line.ts";

const NOW = Date.parse("2026-11-21T03:41:00Z");

function aMessage(message: Partial<ReceivedMessage> = {}): ReceivedMessage {
  return {
    body: "hello",
    text: "hello",
    messageId: "0AF1",
    tag: "",
    keys: [],
    properties: {},
    publishedAt: new Date(NOW),
    firstDeliveredAt: new Date(NOW),
    nextConsumeAt: new Date(NOW + 300_000),
    attempt: 1,
    handle: "handle",
    bodyMd5: "5D41",
    ...message,
  };
}

const sentAgain = (message: ReceivedMessage) => parseMessageLine(toJson(toMessageRecord(message)), NOW);

describe("what consume prints, send takes", () => {
  it("all that a sender can say", () => {
    const said = { tag: "paid", keys: ["o-1", "o-2"], properties: { shop: "7" }, deliverAt: new Date(NOW + 1) };
    expect(sentAgain(aMessage({ ...said, text: "支付", checkAfterSeconds: 10 }))).toEqual({ body: "支付", ...said });
    expect(sentAgain(aMessage({ shardingKey: "o-1" }))).toEqual({ body: "hello", shardingKey: "o-1" });
  });

  it("odd bodies", () => {
    for (const text of ["a\nb\r\nc", "\t", '"]]>&', "\u0085\u009b31m", "\u2028\u202e", "\u{1F600}", "{}"]) {
      expect(sentAgain(aMessage({ text })).body).toBe(text);
    }
  });

  it("dead letters", () => {
    const deadLetter = { topic: "orders", messageId: "0AF0", reason: "attempts", attempts: 16 };
    expect(toMessageRecord(aMessage({ deadLetter }))).toMatchObject({ deadLetter });
    expect(sentAgain(aMessage({ deadLetter }))).toEqual({ body: "hello" });
  });

  it("the line has what is known of the delivery, but not the handle, and nothing that is empty", () => {
    expect(toMessageRecord(aMessage())).toEqual({
      messageId: "0AF1",
      body: "hello",
      publishedAt: new Date(NOW),
      attempt: 1,
      nextConsumeAt: new Date(NOW + 300_000),
      bodyMd5: "5D41",
    });
  });
});

describe("a line of a file", () => {
  it("needs a body alone", () => {
    expect(parseMessageLine('{"body":""}\r', NOW)).toEqual({ body: "" });
  });

  it("can say from when on it is delivered", () => {
    expect(parseMessageLine('{"body":"x","deliverAt":"+30s"}', NOW).deliverAt).toEqual(new Date(NOW + 30_000));
  });

  it.each([
    ["nope", 'This is not JSON; a line is like {"body":"hello","tag":"paid","keys":["o-1"]}.'],
    ["[]", "This is not a JSON object; a line is like"],
    ["null", "This is not a JSON object; a line is like"],
    ['"hello"', "This is not a JSON object; a line is like"],
    ["{}", "There is no body; a line is like"],
    ['{"body":{}}', "body is an object; it must be a string."],
    ['{"body":null}', "body is null; it must be a string."],
    ['{"body":"x","tag":1}', "tag is a number; it must be a string."],
    ['{"body":"x","keys":"o-1"}', "keys is a string; it must be a list of strings."],
    ['{"body":"x","keys":[1]}', "One of keys is a number; it must be a string."],
    ['{"body":"x","properties":[]}', "properties is a list; it must be names and strings."],
    ['{"body":"x","properties":{"a":1}}', "The property a is a number; it must be a string."],
    ['{"body":"x","deliverAt":1}', "deliverAt is a number; it must be a string."],
    ['{"body":"x","deliverAt":"soon"}', 'deliverAt is "soon"; it must be like +30s'],
    [
      '{"body":"x","tagg":"y"}',
      'A message has no field "tagg"; it has body, tag, keys, properties, shardingKey, deliverAt.',
    ],
  ])("%s is refused", (line, sentence) => {
    expect(() => parseMessageLine(line, NOW)).toThrow(sentence);
  });
});
