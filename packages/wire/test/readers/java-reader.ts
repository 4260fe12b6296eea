/** Java SDK 1.0.3.2: Xerces DOM by tag name at any depth; errors of publish and consume by JAXB, which wants its namespace. */
import { propertiesBetweenBars } from "./properties.ts";
import { reader } from "./reader.ts";
import {
  type Fields,
  failureFields,
  headerExactly,
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
import { elementsIn, elementsNamed, ownText, parseTree, strict, type XmlElement } from "./xml.ts";

const NAMESPACE = "http://mq.aliyuncs.com/doc/v1";

export const javaReader = reader("Java", (response, operation) => {
  // ResponseMessage.java: any 2xx
  if (operation === "acknowledge" || operation === "end-transaction") {
    return isTwoHundred(response) ? { kind: "acknowledged" } : failedAcknowledgement(response);
  }
  if (!isTwoHundred(response)) return refused(response, operation === "consume");
  const root = parseTree(response.body, strict);
  if (operation === "publish") return { kind: "published", message: contents(root, publishedFields) };
  const messages = elementsNamed(root, "Message").map(message);
  // MessageListDeserializer answers null, ConsumeMessageAction walks through it.
  if (messages.length === 0)
    throw new Unreadable("ResultParseException: NullPointerException, no Message in the response");
  return { kind: "messages", messages, requestId: requestIdOf(response) };
});

/** HttpCallback.java:105-111 keeps the headers in a plain HashMap. */
function requestIdOf(response: RawResponse): string {
  return headerExactly(response, "x-mq-request-id") ?? "";
}

function failedAcknowledgement(response: RawResponse): Seen {
  const root = parseTree(response.body, strict);
  if (root.name === "Error") {
    return { kind: "refused", as: "ServiceException", refusal: contents(root, refusalFields) };
  }
  const errors = root.name === "Errors" ? elementsNamed(root, "Error") : [];
  if (errors.length === 0) throw new Unreadable("NullPointerException: the failure has no exception");
  // A map: of two failures with one handle the later stays.
  const byHandle = new Map(errors.map((error) => [contentOf(error, "ReceiptHandle"), contents(error, failureFields)]));
  return {
    kind: "failed handles",
    as: "AckMessageException",
    failures: [...byHandle.values()],
    requestId: requestIdOf(response),
  };
}

function refused(response: RawResponse, isConsume: boolean): Seen {
  const root = parseTree(response.body, strict);
  if (namespaceOf(root) !== NAMESPACE || root.name !== "Error") {
    // ExceptionResultParser.java:36-47: the whole content becomes the message.
    return {
      kind: "refused",
      as: "ServiceException",
      refusal: { Code: "InternalServerError", Message: response.body.toString("utf8") },
    };
  }
  const bound = elementsIn(root).filter((child) => namespaceOf(child, NAMESPACE) === NAMESPACE);
  const refusal = contents({ ...root, children: bound }, refusalFields);
  const isEmptyPoll = isConsume && refusal.Code === "MessageNotExist";
  return { kind: "refused", as: isEmptyPoll ? "null" : "ServiceException", refusal };
}

function namespaceOf(element: XmlElement, inherited = ""): string {
  return element.attributes.get("xmlns") ?? inherited;
}

function contents(root: XmlElement, names: readonly string[]): Fields {
  return withText(names.map((name) => [name, contentOf(root, name)]));
}

function contentOf(root: XmlElement, name: string): string | undefined {
  const first = elementsIn(root).flatMap((child) => elementsNamed(child, name))[0];
  return first === undefined ? undefined : allText(first);
}

function allText(element: XmlElement): string {
  return ownText(element) + elementsIn(element).map(allText).join("");
}

function message(element: XmlElement): SeenMessage {
  if (contentOf(element, "MessageId") === undefined) {
    throw new Unreadable("a message without MessageId is an error entry (isErrorMessage)");
  }
  for (const name of numberFields) {
    const text = contentOf(element, name);
    if (text !== undefined && !/^[+-]?\d+$/.test(text)) {
      throw new Unreadable(`ResultParseException: NumberFormatException for ${name} "${text}"`);
    }
  }
  return {
    fields: contents(element, messageFields),
    properties: propertiesBetweenBars(contentOf(element, "Properties")),
  };
}
