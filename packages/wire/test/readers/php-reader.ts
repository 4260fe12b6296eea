/** PHP SDK 1.0.4: XMLReader, one step after an element's start and only if it lands on a text node; exact statuses. */
import { propertiesBetweenBars } from "./properties.ts";
import { reader } from "./reader.ts";
import {
  type Fields,
  failureFields,
  headerOf,
  messageFields,
  publishedFields,
  type RawResponse,
  refusalFields,
  type Seen,
  type SeenMessage,
  Unreadable,
  withText,
} from "./seen.ts";
import { isBlank, PullReader, strict, type Token } from "./xml.ts";

const TYPED: Readonly<Record<"publish" | "consume" | "acknowledge", readonly string[]>> = {
  publish: ["TopicNotExist", "InvalidArgument", "MalformedXML"],
  consume: ["TopicNotExist", "MessageNotExist"],
  acknowledge: ["InvalidArgument", "TopicNotExist", "ReceiptHandleError"],
};

export const phpReader = reader("PHP", (response, operation) => {
  switch (operation) {
    case "publish":
      if (response.status !== 201) return refused(pull(response), TYPED.publish);
      return { kind: "published", message: only(leaves(pull(response), messageLeaves, "Message"), publishedFields) };
    case "consume":
      if (response.status !== 200) return refused(pull(response), TYPED.consume);
      return { kind: "messages", messages: messages(response), requestId: requestIdOf(response) };
    default:
      return response.status === 204 ? { kind: "acknowledged" } : failedAcknowledgement(response);
  }
});

const messageLeaves: ReadonlySet<string> = new Set([...messageFields, "Properties"]);

function requestIdOf(response: RawResponse): string {
  return headerOf(response, "x-mq-request-id") ?? "";
}

function pull(response: RawResponse): PullReader {
  if (response.body.length === 0)
    throw new Unreadable("ValueError: XMLReader::XML() must not be given an empty document");
  return new PullReader(response.body, strict);
}

function messages(response: RawResponse): SeenMessage[] {
  let xml: PullReader;
  try {
    xml = pull(response);
  } catch (error) {
    if (!(error instanceof Unreadable) || response.body.length === 0) throw error;
    // Since 1.0.4 the entries that are well-formed by themselves ride on the exception.
    throw new Unreadable(`MessageResolveException instead of messages, ${error.message}`);
  }
  const found: SeenMessage[] = [];
  while (xml.read()) if (isStart(xml.token, "Message")) found.push(message(xml));
  return found;
}

function failedAcknowledgement(response: RawResponse): Seen {
  const xml = pull(response);
  xml.read();
  if (isStart(xml.token, "Error")) return refused(xml, TYPED.acknowledge);
  const failures: Fields[] = [];
  while (xml.read()) if (isStart(xml.token, "Error")) failures.push(leaves(xml, new Set(failureFields), "Error"));
  return { kind: "failed handles", as: "AckMessageException AckFail", failures, requestId: requestIdOf(response) };
}

function refused(xml: PullReader, typed: readonly string[]): Seen {
  const refusal = leaves(xml, new Set(refusalFields));
  const code = refusal.Code ?? "";
  return { kind: "refused", as: typed.includes(code) ? `${code}Exception` : "MQException", refusal };
}

function message(xml: PullReader): SeenMessage {
  const fields = leaves(xml, messageLeaves, "Message");
  return {
    fields: only(fields, messageFields),
    properties: propertiesBetweenBars(fields.Properties),
  };
}

/** Reads up to the end of `last`. The step after a start is taken whatever comes: after `<X/>` it swallows a neighbour. */
function leaves(xml: PullReader, names: ReadonlySet<string>, last?: string): Fields {
  const found: Record<string, string> = {};
  while (xml.read()) {
    const token = xml.token;
    if (token?.type === "close" && token.name === last) break;
    if (token?.type !== "open" || !names.has(token.name)) continue;
    xml.read();
    // CDATA has another node type than text, and so has a text of white space only.
    if (xml.token?.type === "text" && !isBlank(xml.token.value)) found[token.name] = xml.token.value;
  }
  return found;
}

function only(fields: Fields, names: readonly string[]): Fields {
  return withText(names.map((name) => [name, fields[name]]));
}

function isStart(token: Token | undefined, name: string): boolean {
  return token?.type === "open" && token.name === name;
}
