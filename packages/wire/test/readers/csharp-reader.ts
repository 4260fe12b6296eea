/** C# SDK 1.0.5: XmlTextReader, the value one step after an element's start whatever is there; numbers must parse. */
import { reader } from "./reader.ts";
import {
  failureFields,
  headerOf,
  isTwoHundred,
  messageFields,
  numberFields,
  publishedFields,
  type RawResponse,
  refusalFields,
  type Seen,
  type SeenMessage,
  Unreadable,
  withText,
} from "./seen.ts";
import { type Dialect, PullReader } from "./xml.ts";

/** XmlTextReader without Normalization: no folding of lines, no look at what a reference stands for. */
const xmlTextReader: Dialect = {
  foldsLines: false,
  refuses: ["an illegal character", "an ampersand that begins no reference", "]]> in text"],
};

const TYPED: Readonly<Record<"publish" | "consume" | "acknowledge", readonly string[]>> = {
  publish: ["TopicNotExist", "MalformedXML", "InvalidArgument"],
  consume: ["TopicNotExist", "SubscriptionNotExist", "MessageNotExist"],
  acknowledge: ["SubscriptionNotExist", "TopicNotExist", "InvalidArgument", "ReceiptHandleError"],
};

export const csharpReader = reader("C#", (response, operation) => {
  if (operation === "acknowledge" || operation === "end-transaction") {
    return isTwoHundred(response) ? { kind: "acknowledged" } : failedAcknowledgement(response);
  }
  const xml = pull(response);
  if (!isTwoHundred(response)) return refused(xml, TYPED[operation]);
  if (operation === "consume") return { kind: "messages", messages: messages(xml), requestId: requestIdOf(response) };
  const message = new Map<string, string>();
  while (xml.read()) readLeaf(xml, publishedFields, message);
  return { kind: "published", message: withText(message) };
});

function requestIdOf(response: RawResponse): string {
  return headerOf(response, "x-mq-request-id") ?? "";
}

function pull(response: RawResponse): PullReader {
  return new PullReader(response.body, xmlTextReader);
}

/** The value under the cursor after one more step: empty when that is a start or an end. */
function valueAfter(xml: PullReader): string {
  xml.read();
  const token = xml.token;
  return token === undefined || token.type === "open" || token.type === "close" ? "" : token.value;
}

function readLeaf(xml: PullReader, names: readonly string[], into: Map<string, string>): void {
  const token = xml.token;
  if (token?.type === "open" && names.includes(token.name)) into.set(token.name, valueAfter(xml));
}

function messages(xml: PullReader): SeenMessage[] {
  const found: SeenMessage[] = [];
  let fields = new Map<string, string>();
  while (xml.read()) {
    const token = xml.token;
    if (token?.type === "open" && token.name === "Message") fields = new Map();
    else if (token?.type === "close" && token.name === "Message") found.push(message(fields));
    else readLeaf(xml, [...messageFields, "Properties"], fields);
  }
  return found;
}

function message(given: Map<string, string>): SeenMessage {
  for (const name of numberFields) {
    const text = given.get(name);
    if (text !== undefined && !/^\s*[+-]?\d+\s*$/.test(text)) {
      throw new Unreadable(`FormatException: long.Parse("${text}") of ${name}`);
    }
  }
  const properties = new Map<string, string>();
  for (const pair of (given.get("Properties") ?? "").split("|")) {
    const [key = "", value = "", ...more] = pair.split(":");
    if (!pair.includes(":") || more.length > 0) continue;
    // AliyunSDKUtils.cs:383: Dictionary.Add
    if (properties.has(key)) throw new Unreadable(`ArgumentException: an item with the key "${key}" was already added`);
    properties.set(key, value);
  }
  given.delete("Properties");
  return { fields: withText(given), properties: withText(properties) };
}

function failedAcknowledgement(response: RawResponse): Seen {
  const xml = pull(response);
  xml.read();
  if (xml.token?.type === "open" && xml.token.name === "Error") return refused(xml, TYPED.acknowledge);
  const failures: Map<string, string>[] = [];
  let failure = new Map<string, string>();
  while (xml.read()) {
    const token = xml.token;
    if (token?.type === "open" && token.name === "Error") failure = new Map();
    else if (token?.type === "close" && token.name === "Error") failures.push(failure);
    else readLeaf(xml, failureFields, failure);
  }
  return {
    kind: "failed handles",
    as: "AckMessageException AckMessageFail",
    failures: failures.map((found) => withText(found)),
    requestId: requestIdOf(response),
  };
}

function refused(xml: PullReader, typed: readonly string[]): Seen {
  const refusal = new Map<string, string>();
  // One question after the other, not either-or: an element that a step swallowed may answer the next (ErrorResponseUnmarshaller.cs).
  while (xml.read()) for (const name of refusalFields) readLeaf(xml, [name], refusal);
  const code = refusal.get("Code") ?? "";
  return { kind: "refused", as: typed.includes(code) ? `${code}Exception` : "MQException", refusal: withText(refusal) };
}
