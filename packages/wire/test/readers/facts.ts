/**
 * Every fact about what an SDK cannot read in a response (protocol 3.1 to 3.6 and 4.1), each with the response that shows it.
 * LAB: seen by running that SDK. code: it follows from the SDK's source, or its XML parser's.
 */
import { gzipSync } from "node:zlib";
import {
  acknowledged,
  compact,
  consumed,
  type Exchange,
  edited,
  emptyPoll,
  failedHandles,
  published,
  refusal,
  topicMissing,
  withBody,
  withHeader,
  withMessageBody,
  without,
  withProperties,
  withReason,
  withStatus,
} from "./responses.ts";
import { type Sdk, sdks } from "./seen.ts";

export type Evidence = "LAB" | "code";

export interface Fact {
  /** Section of the protocol, and the rule in it where they are numbered. */
  readonly section: string;
  /** What is wrong with the response. */
  readonly spoiledBy: string;
  readonly good: Exchange;
  readonly spoiled: Exchange;
  /** The SDKs that cannot read it; all others can. */
  readonly refusedBy: Readonly<Partial<Record<Sdk, Evidence>>>;
}

const ALL_LAB = all("LAB");
const ALL_CODE = all("code");
const NAMESPACE = ' xmlns="http://mq.aliyuncs.com/doc/v1"';
const EMPTY = "";

export const facts: readonly Fact[] = [
  fact(
    "3.1.1",
    "X-Mq-Request-Id in capitals on Errors",
    failedHandles,
    withHeader(failedHandles, "X-Mq-Request-Id", "5D"),
    {
      Python: "LAB",
      Java: "code",
    },
  ),
  fact("3.1.1", "no x-mq-request-id on Errors", failedHandles, withHeader(failedHandles, "x-mq-request-id"), {
    Python: "LAB",
  }),
  fact("3.1.1", "X-Mq-Request-Id in capitals on messages", consumed, withHeader(consumed, "X-Mq-Request-Id", "5D"), {
    Java: "code",
  }),
  fact("3.1.2", "no Content-Type on messages", consumed, withHeader(consumed, "Content-Type"), { Node: "LAB" }),
  fact(
    "3.1.2",
    "Content-Type text/plain on an empty poll",
    emptyPoll,
    withHeader(emptyPoll, "Content-Type", "text/plain"),
    {
      Node: "LAB",
    },
  ),
  fact("3.1.2", "no Content-Type on a published message", published, withHeader(published, "Content-Type"), {
    Node: "code",
  }),
  fact("3.1.2", "no Content-Type on Errors", failedHandles, withHeader(failedHandles, "Content-Type"), {
    Node: "code",
  }),
  fact("3.1.3", "a compressed document", consumed, zipped(consumed), allBut("code", "Node")),
  fact("3.1.4", "a colon in the reason phrase", published, withReason(published, "Created: yes"), { "C++": "code" }),
  fact("3.1.5", "Error in the namespace with a slash", topicMissing, edited(topicMissing, 'doc/v1"', 'doc/v1/"'), {
    Java: "LAB",
  }),
  fact("3.1.5", "Error in no namespace", topicMissing, edited(topicMissing, NAMESPACE, EMPTY), { Java: "LAB" }),
  fact("3.1.5", "an empty poll in the namespace with a slash", emptyPoll, edited(emptyPoll, 'doc/v1"', 'doc/v1/"'), {
    Java: "LAB",
  }),
  fact("3.1.6", "an attribute on an inner element", consumed, edited(consumed, "<Message>", `<Message${NAMESPACE}>`), {
    Node: "LAB",
  }),
  fact(
    "3.1.6",
    "an attribute on an Error of Errors",
    failedHandles,
    edited(failedHandles, "<Error>", '<Error n="1">'),
    {
      Node: "code",
    },
  ),
  fact(
    "3.1.7",
    "<MessageTag/>",
    compact(consumed),
    edited(compact(consumed), "<MessageTag>TagA</MessageTag>", "<MessageTag/>"),
    {
      PHP: "LAB",
      "C#": "LAB",
    },
  ),
  fact("3.1.8", "CDATA", consumed, withMessageBody("<![CDATA[hello]]>"), { PHP: "LAB" }),
  fact("3.1.9", "a comment between elements", consumed, edited(consumed, "<MessageTag>", "<!-- tag --><MessageTag>"), {
    Python: "LAB",
  }),
  fact("3.1.9", "a comment inside a text", consumed, withMessageBody("hel<!-- l -->lo"), {
    Python: "code",
    PHP: "code",
    "C#": "code",
    "C++": "code",
  }),
  fact("3.1.9", "text between elements", consumed, edited(consumed, "<MessageTag>", "and <MessageTag>"), {
    "C++": "code",
    Node: "code",
  }),
  fact("3.1.11", "a raw CR LF", withMessageBody("a&#13;\nb"), withMessageBody("a\r\nb"), {
    Go: "LAB",
    Python: "LAB",
    PHP: "LAB",
    Java: "LAB",
    "C++": "LAB",
  }),
  fact("3.1.11", "a raw CR", withMessageBody("a&#13;b"), withMessageBody("a\rb"), {
    Go: "LAB",
    Python: "LAB",
    PHP: "LAB",
    Java: "LAB",
    "C++": "LAB",
  }),
  fact("3.1.11", "& not escaped", withMessageBody("a &amp; b"), withMessageBody("a & b"), allBut("code", "C++")),
  fact("3.1.11", "< not escaped", withMessageBody("a &lt; b"), withMessageBody("a < b"), ALL_CODE),
  fact(
    "3.1.11",
    "]]> not escaped",
    withMessageBody("a ]]&gt; b"),
    withMessageBody("a ]]> b"),
    allBut("code", "Node", "C++"),
  ),

  fact("3.2", "200 instead of 201", published, withStatus(published, 200), { PHP: "LAB", "C++": "LAB" }),
  fact("3.2", "202 instead of 201", published, withStatus(published, 202), { Go: "code", PHP: "code", "C++": "code" }),
  fact("3.2", "no MessageId", published, without(published, "MessageId"), { Python: "code" }),
  fact("3.2", "no MessageBodyMD5", published, without(published, "MessageBodyMD5"), { Python: "code" }),

  fact("3.3", "no MessageId", consumed, without(consumed, "MessageId"), { Java: "code", Python: "code" }),
  fact("3.3", "no MessageBody", consumed, without(consumed, "MessageBody"), { Python: "LAB" }),
  fact("3.3", "an empty MessageBody", consumed, withMessageBody(""), { Python: "LAB" }),
  fact("3.3", "no ReceiptHandle", consumed, without(consumed, "ReceiptHandle"), { Python: "code" }),
  ...["PublishTime", "FirstConsumeTime", "NextConsumeTime"].flatMap((name) => [
    fact("3.3", `no ${name}`, consumed, without(consumed, name), { Python: "code" }),
    fact("3.3", `an empty ${name}`, consumed, withText(name, ""), { "C#": "code", Python: "code", Java: "code" }),
  ]),
  fact("3.3", "a PublishTime that is no integer", consumed, withText("PublishTime", "2026-01-01T00:00:00Z"), {
    ...allBut("code", "Node", "PHP"),
  }),
  fact("3.3", "no ConsumedTimes", consumed, without(consumed, "ConsumedTimes"), { Python: "code" }),
  fact("3.3", "no bar after the last property", consumed, withProperties("KEYS:order-1|a:1"), { "C++": "LAB" }),
  fact("3.3", "a property key twice", consumed, withProperties("KEYS:order-1|a:1|a:2|"), { "C#": "LAB" }),
  fact("3.3", "a colon in a property's value", consumed, withProperties("KEYS:order-1|a:1:2|"), allBut("code", "C++")),
  fact("3.3", "200 with an empty Messages", consumed, withBody(consumed, `<Messages${NAMESPACE}></Messages>`), {
    Node: "LAB",
    Java: "LAB",
  }),
  fact("3.3", "an empty poll as 204", emptyPoll, withStatus(withBody(emptyPoll, ""), 204), ALL_LAB),
  fact("3.3", "201 instead of 200", consumed, withStatus(consumed, 201), { PHP: "LAB", "C++": "LAB" }),
  fact("3.3", "a body of raw white space", consumed, withMessageBody(" \n "), { PHP: "LAB", "C++": "LAB" }),
  fact("3.3", "a body of white space, the first a reference", consumed, withMessageBody("&#32;\n "), { PHP: "LAB" }),

  fact("3.4", "200 instead of 204", acknowledged, withStatus(acknowledged, 200), { PHP: "LAB", "C++": "LAB" }),

  fact("3.5", "an empty Errors", failedHandles, withBody(failedHandles, `<Errors${NAMESPACE}></Errors>`), {
    Go: "LAB",
    Node: "code",
    Python: "code",
    Java: "code",
  }),
  fact("3.5", "an Error with an empty handle", failedHandles, edited(failedHandles, "adfadfadfadf", ""), {
    Python: "LAB",
  }),
  fact("3.5", "an Error without its message", failedHandles, without(failedHandles, "ErrorMessage"), {
    Python: "code",
  }),
  fact(
    "3.5",
    "an Error with a fourth child",
    failedHandles,
    edited(failedHandles, "<ErrorCode>", "<N>1</N><ErrorCode>"),
    {
      Python: "code",
    },
  ),
  fact("3.5", "200 instead of 404", failedHandles, withStatus(failedHandles, 200), {
    Go: "code",
    Java: "code",
    Python: "code",
    "C#": "code",
  }),
  fact("3.5", "a handle's failure as a single Error", failedHandles, singleError(), { Go: "code" }),

  fact("3.6", "U+0001 raw", consumed, withMessageBody("a\u0001b"), {
    Go: "LAB",
    Python: "LAB",
    Java: "LAB",
    PHP: "LAB",
    "C#": "LAB",
  }),
  fact("3.6", "U+FFFF raw", consumed, withMessageBody("a\uFFFFb"), {
    Go: "LAB",
    Python: "LAB",
    Java: "LAB",
    PHP: "LAB",
    "C#": "LAB",
  }),
  fact("3.6", "U+0000 raw", consumed, withMessageBody("a\u0000b"), { ...allBut("LAB", "Node"), "C++": "code" }),
  fact("3.6", "U+0001 as a reference", consumed, withMessageBody("a&#1;b"), {
    Go: "LAB",
    Python: "LAB",
    Java: "LAB",
    PHP: "LAB",
    Node: "LAB",
  }),
  fact("3.6", "U+FFFF as a reference", consumed, withMessageBody("a&#xFFFF;b"), {
    Go: "LAB",
    Python: "LAB",
    Java: "LAB",
    PHP: "LAB",
    Node: "LAB",
  }),

  fact("4.1", "no Code", topicMissing, without(topicMissing, "Code"), { Python: "LAB", Node: "LAB" }),
  fact("4.1", "no Message", topicMissing, without(topicMissing, "Message"), { Python: "LAB", Node: "LAB" }),
  fact("4.1", "no RequestId", topicMissing, without(topicMissing, "RequestId"), { Python: "LAB", Node: "LAB" }),
  fact("4.1", "no HostId", topicMissing, without(topicMissing, "HostId"), { Python: "LAB" }),
  fact("4.1", "an error without a document", topicMissing, withBody(topicMissing, ""), ALL_CODE),
];

/** The table facts × SDK: LAB or code where the SDK cannot read it, a dot where it can. */
export function tableOfFacts(): string {
  const width = 6;
  const row = (section: string, title: string, cells: readonly string[]) =>
    `${section.padEnd(8)}${title.padEnd(46)}${cells.map((cell) => cell.padEnd(width + 1)).join("")}`.trimEnd();
  const counts = sdks.map((sdk) => String(facts.filter(({ refusedBy }) => refusedBy[sdk] !== undefined).length));
  return [
    row("section", "a response spoiled by", sdks),
    ...facts.map(({ section, spoiledBy, refusedBy }) =>
      row(
        section,
        spoiledBy,
        sdks.map((sdk) => refusedBy[sdk] ?? "."),
      ),
    ),
    row("", `${facts.length} facts, refused by`, counts),
    "",
  ].join("\n");
}

function fact(
  section: string,
  spoiledBy: string,
  good: Exchange,
  spoiled: Exchange,
  refusedBy: Fact["refusedBy"],
): Fact {
  return { section, spoiledBy, good, spoiled, refusedBy };
}

function all(evidence: Evidence): Fact["refusedBy"] {
  return allBut(evidence);
}

function allBut(evidence: Evidence, ...readable: readonly Sdk[]): Fact["refusedBy"] {
  return Object.fromEntries(sdks.filter((sdk) => !readable.includes(sdk)).map((sdk) => [sdk, evidence]));
}

function withText(name: string, text: string): Exchange {
  const document = consumed.response.body.toString("utf8");
  return withBody(consumed, document.replace(new RegExp(`<${name}>[^<]*<`), `<${name}>${text}<`));
}

function zipped(exchange: Exchange): Exchange {
  const { response } = withHeader(exchange, "Content-Encoding", "gzip");
  return { ...exchange, response: { ...response, body: gzipSync(response.body) } };
}

function singleError(): Exchange {
  return refusal("acknowledge", 404, "ReceiptHandleError", "The receipt handle you provide is not valid.");
}
