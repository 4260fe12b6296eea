import { describe, expect, it } from "vitest";
import { facts, tableOfFacts } from "./facts.ts";
import { judge, readers } from "./judge.ts";
import {
  acknowledged,
  compact,
  consumed,
  type Exchange,
  edited,
  emptyPoll,
  failedHandles,
  halfPublished,
  published,
  refusal,
  topicMissing,
  withBody,
  withHeader,
  withMessageBody,
  withOperation,
  without,
  withProperties,
} from "./responses.ts";
import { type Seen, sdks } from "./seen.ts";

const ROOT = '<?xml version="1.0" ?>\n';
const message = /<Message>[\s\S]*<\/Message>/.exec(consumed.response.body.toString("utf8"))?.[0] ?? "";

const good: readonly (readonly [title: string, exchange: Exchange])[] = [
  ["a published message", published],
  ["a published half message with its handle", halfPublished],
  ["a consumed message", consumed],
  ["two consumed messages", edited(consumed, message, `${message}\n  ${message.replace("hello", "again")}`)],
  ["a half message with its check time", withProperties("KEYS:k|__TransCheckT:10|__STARTDELIVERTIME:1767225600000|")],
  ["an acknowledgement", acknowledged],
  [
    "an acknowledgement with Content-Type and Content-Length",
    withHeader(withHeader(acknowledged, "Content-Type", "text/xml"), "Content-Length", "0"),
  ],
  ["a commit", withOperation(acknowledged, "end-transaction")],
  ["a failed handle", failedHandles],
  ["a failed commit", withOperation(edited(failedHandles, "ReceiptHandleError", "MessageNotExist"), "end-transaction")],
  ["an empty poll", emptyPoll],
  ["a missing topic", topicMissing],
  ["a refused acknowledgement", refusal("acknowledge", 400, "MissingReceiptHandle", "ReceiptHandle is required.")],
  ["a failure of ours", refusal("publish", 500, "InternalError", "Interal error.")],
  ["Connection: close", withHeader(published, "Connection", "close")],
  ["3.1.2: application/xml", withHeader(consumed, "Content-Type", "application/xml")],
  ["3.1.9: elements that are not indented", compact(consumed)],
  ["3.1.10: no prolog", withBody(consumed, consumed.response.body.toString("utf8").replace(ROOT, ""))],
  [
    "3.1.10: a prolog with an encoding",
    edited(consumed, ROOT, '<?xml version="1.0" encoding="UTF-8" standalone="no"?>'),
  ],
  ["3.1.11: escaped & < > and quotation marks", withMessageBody("&amp;amp; &lt;b&gt; &quot;c&quot; 'd'")],
  ["3.1.11: CR as a reference, TAB and LF raw", withMessageBody("a&#13;\n\tb&#13;c")],
  ["characters of two to four bytes", withMessageBody("é 中文 😀 \uFFFD")],
  ["3.1.12: an unknown element", edited(consumed, "<MessageTag>", "<BornHost>h</BornHost><MessageTag>")],
  [
    "3.1.12: another order",
    edited(without(consumed, "MessageTag"), "<MessageId>", "<MessageTag>TagA</MessageTag><MessageId>"),
  ],
  ["3.3: no MessageBodyMD5", without(consumed, "MessageBodyMD5")],
  ["3.3: an empty MessageTag", edited(consumed, ">TagA<", "><")],
  ["3.3: no MessageTag", without(consumed, "MessageTag")],
  ["3.3: empty Properties", withProperties("")],
  ["3.3: no Properties", without(consumed, "Properties")],
  ["3.3: FirstConsumeTime 0", edited(consumed, "1767225601000", "0")],
  ["3.3: a body of 4 MiB", withMessageBody("x".repeat(4 * 1024 * 1024))],
  [
    "3.5: a handle listed twice",
    edited(
      failedHandles,
      "</Error>",
      "</Error><Error><ErrorCode>ReceiptHandleError</ErrorCode><ErrorMessage>The receipt handle you provide is not valid.</ErrorMessage><ReceiptHandle>adfadfadfadf</ReceiptHandle></Error>",
    ),
  ],
  [
    "4.1: an error with empty values",
    edited(
      edited(topicMissing, "http://1000000000000001.mqrest.example.com", ""),
      "The topic you provided does not exist.",
      "",
    ),
  ],
];

describe("a good response is read by all seven SDKs", () => {
  it.each(good)("%s", (_, { response, operation }) => {
    expect(judge(response, operation)).toEqual([]);
  });
});

describe("a spoiled response is refused by the SDKs that cannot read it, and by no other", () => {
  it.each(facts.map((fact) => [`${fact.section}: ${fact.spoiledBy}`, fact] as const))("%s", (_, fact) => {
    const refusing = ({ response, operation }: Exchange) =>
      readers.filter((reader) => reader.read(response, operation).problem !== undefined).map(({ sdk }) => sdk);
    expect(refusing(fact.good)).toEqual([]);
    expect(refusing(fact.spoiled)).toEqual(sdks.filter((sdk) => fact.refusedBy[sdk] !== undefined));
  });

  it("facts.txt is the table of facts", async () => {
    await expect(tableOfFacts()).toMatchFileSnapshot("facts.txt");
  });
});

describe("what the caller sees of a failure (3.5, 4.2)", () => {
  const forms = ({ response, operation }: Exchange) => {
    const form = (seen: Seen | undefined) => (seen !== undefined && "as" in seen ? seen.as : "");
    return Object.fromEntries(readers.map((reader) => [reader.sdk, form(reader.read(response, operation).ok)]));
  };

  it("a failed handle is an exception in five SDKs, a return value in Node and C++", () => {
    expect(forms(failedHandles)).toEqual({
      Go: "error 102 with Detail",
      Node: "returned { code: 404, body: […] }",
      Java: "AckMessageException",
      Python: "MQServerException ReceiptHandleError with sub_errors",
      PHP: "AckMessageException AckFail",
      "C#": "AckMessageException AckMessageFail",
      "C++": "returned isSuccess() false, getAckMessageFailedItem()",
    });
  });

  it("an empty poll is null in Java, an exception elsewhere", () => {
    expect(forms(emptyPoll)).toEqual({
      Go: "error 101",
      Node: "thrown Error with Code and RequestId",
      Java: "null",
      Python: "MQServerException",
      PHP: "MessageNotExistException",
      "C#": "MessageNotExistException",
      "C++": "thrown MQServerException",
    });
  });

  it("a missing topic is an exception everywhere", () => {
    expect(forms(topicMissing)).toEqual({
      Go: "error 101",
      Node: "thrown Error with Code and RequestId",
      Java: "ServiceException",
      Python: "MQServerException",
      PHP: "TopicNotExistException",
      "C#": "TopicNotExistException",
      "C++": "thrown MQServerException",
    });
  });

  it("the handles that failed are named to all seven", () => {
    for (const reader of readers) {
      expect(reader.read(failedHandles.response, failedHandles.operation).ok).toMatchObject({
        failures: [{ ErrorCode: "ReceiptHandleError", ReceiptHandle: "adfadfadfadf" }],
      });
    }
  });
});

it("3.3: Node shows a half message's check time as its delivery time", () => {
  const { response, operation } = withProperties("__STARTDELIVERTIME:1767225600000|__TransCheckT:10|");
  const seen = readers.find(({ sdk }) => sdk === "Node")?.read(response, operation).ok;
  expect(seen).toMatchObject({ messages: [{ startDeliverTime: "10" }] });
});

describe("a response that says nothing is refused by all seven", () => {
  it.each([
    ["a page of HTML", withBody(consumed, "<html><body>Bad Gateway</body></html>")],
    ["a document that breaks off", withBody(consumed, "<Messages><Message>")],
    ["two roots", withBody(consumed, "<Messages></Messages><Messages></Messages>")],
    ["no document but text", withBody(published, "OK")],
    ["no document at all", withBody(published, "")],
    ["the document of another operation", withOperation(published, "consume")],
    ["Errors for a publish", withOperation(failedHandles, "publish")],
  ])("%s", (_, { response, operation }) => {
    expect(judge(response, operation)).toHaveLength(sdks.length);
  });
});

it("a problem names the SDK and what its caller runs into", () => {
  const { response, operation } = withMessageBody("a\r\nb");
  expect(judge(response, operation)).toContain(
    'Go: reads Message 1 MessageBody as "a\\nb", the response says "a\\r\\nb"',
  );
});
