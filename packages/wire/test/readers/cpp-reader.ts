/** C++ SDK 1.0.3: pugixml with its default options, sibling after sibling; the status line is found by its looks. */
import { reader } from "./reader.ts";
import {
  type Fields,
  failureFields,
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
import { type Dialect, isBlank, parseTree, type XmlElement, type XmlNode } from "./xml.ts";

const pugixml: Dialect = { foldsLines: true, refuses: [] };

export const cppReader = reader("C++", (response, operation) => {
  const status = statusOf(response);
  switch (operation) {
    case "publish":
      if (status !== 201) return refused(documentOf(response));
      return { kind: "published", message: texts(documentOf(response), publishedFields) };
    case "consume":
      if (status !== 200) return refused(documentOf(response));
      return { kind: "messages", messages: elements(documentOf(response), "Message").map(message) };
    default:
      return status === 204 ? { kind: "acknowledged" } : failedAcknowledgement(documentOf(response));
  }
});

/** mq_network_tool.cpp:116-131: a line with a colon is a header, so the status of such a status line stays 0. */
function statusOf(response: RawResponse): number {
  return response.reason?.includes(":") ? 0 : response.status;
}

function documentOf(response: RawResponse): XmlElement {
  // The document is handed on as a C string.
  const end = response.body.indexOf(0);
  return parseTree(end < 0 ? response.body : response.body.subarray(0, end), pugixml);
}

function failedAcknowledgement(root: XmlElement): Seen {
  if (root.name === "Error") return refused(root);
  return {
    kind: "failed handles",
    as: "returned isSuccess() false, getAckMessageFailedItem()",
    failures: elements(root, "Error").map((error) => texts(error, failureFields)),
  };
}

function refused(root: XmlElement): Seen {
  if (root.name !== "Error") throw new Unreadable("MQExceptionBase: Unknown CommonError XML");
  return { kind: "refused", as: "thrown MQServerException", refusal: texts(root, refusalFields) };
}

/** Comments and text of raw white space never enter pugixml's tree; a reference is not raw white space. */
function nodesIn(element: XmlElement): XmlNode[] {
  return element.children.filter((node) => !(node.type === "comment" || (node.type === "text" && isBlank(node.raw))));
}

/** mq_protocol.cpp:19-24: what is no element is "continued" without a step to the next sibling. */
function elements(parent: XmlElement, name?: string): XmlElement[] {
  const found: XmlElement[] = [];
  for (const node of nodesIn(parent)) {
    if (node.type !== "element") throw new Unreadable(`loops for ever at text between the elements of ${parent.name}`);
    if (name === undefined || node.name === name) found.push(node);
  }
  return found;
}

function texts(parent: XmlElement, names: readonly string[]): Fields {
  const found = new Map(elements(parent).map((element) => [element.name, textOf(element)]));
  return withText(names.map((name) => [name, found.get(name)]));
}

/** Of several pieces of text only the first. */
function textOf(element: XmlElement): string {
  const first = nodesIn(element).find((node) => node.type !== "element");
  return first === undefined ? "" : first.value;
}

function message(element: XmlElement): SeenMessage {
  const fields = Object.entries(texts(element, messageFields)).map(([name, text]): [string, string] => [
    name,
    numberFields.has(name) ? atol(text) : text,
  ]);
  return { fields: withText(fields), properties: properties(texts(element, ["Properties"]).Properties ?? "") };
}

/** The digits at the front; whatever follows is passed over. */
function atol(text: string): string {
  return /^\s*([+-]?\d+)/.exec(text)?.[1] ?? "0";
}

/** mq_utils.cpp:106-117: a pair is what ends with a bar. */
function properties(text: string): Fields {
  const pairs = text.split("|").slice(0, -1);
  return withText(
    pairs.map((pair) => {
      const colon = pair.indexOf(":");
      return colon < 0 ? [pair, pair] : [pair.slice(0, colon), pair.slice(colon + 1)];
    }),
  );
}
