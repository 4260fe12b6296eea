/** Go SDK 1.0.3: encoding/xml into structs by local name; success is one of three statuses. */
import { propertiesBetweenBars } from "./properties.ts";
import { reader } from "./reader.ts";
import {
  type Fields,
  failureFields,
  headerOf,
  messageFields,
  numberFields,
  type Operation,
  publishedFields,
  type RawResponse,
  refusalFields,
  type Seen,
  type SeenMessage,
  Unreadable,
  withText,
} from "./seen.ts";
import { elementsIn, ownText, parseTree, strict, type XmlElement } from "./xml.ts";

const HANDLE_CODES: ReadonlySet<string> = new Set(["ReceiptHandleError", "MessageNotExist"]);

export const goReader = reader("Go", (response, operation) => {
  // client.go:226-228
  const succeeded = [200, 201, 204].includes(response.status);
  if (operation === "acknowledge" || operation === "end-transaction") {
    return succeeded ? { kind: "acknowledged" } : failedAcknowledgement(response, operation);
  }
  const root = parseTree(response.body, strict);
  if (!succeeded) return refused(expected(root, "Error"));
  if (operation === "publish")
    return { kind: "published", message: struct(expected(root, "Message"), publishedFields) };
  return {
    kind: "messages",
    messages: elementsIn(expected(root, "Messages"))
      .filter((child) => child.name === "Message")
      .map(message),
    requestId: headerOf(response, "x-mq-request-id") ?? "",
  };
});

function failedAcknowledgement(response: RawResponse, operation: Operation): Seen {
  const root = parseTree(response.body, strict);
  if (root.name !== "Errors") {
    const seen = refused(expected(root, "Error"));
    // The official samples cast the context "Detail" of every failure, and only a list has it (mq-http-samples go/*.go).
    if (HANDLE_CODES.has(seen.refusal.Code ?? "")) {
      throw new Unreadable(`the handle's failure has no Detail, the sample's ${operation} panics`);
    }
    return seen;
  }
  const failures = elementsIn(root)
    .filter((child) => child.name === "Error")
    .map((error) => struct(error, failureFields));
  // decoder.go:82-86 looks at the first without counting.
  if (failures.length === 0) throw new Unreadable("panics: index out of range [0] with an empty Errors");
  return {
    kind: "failed handles",
    as: "error 102 with Detail",
    failures,
    requestId: headerOf(response, "x-mq-request-id") ?? "",
  };
}

function refused(error: XmlElement): Extract<Seen, { kind: "refused" }> {
  return { kind: "refused", as: "error 101", refusal: struct(error, refusalFields) };
}

function expected(root: XmlElement, name: string): XmlElement {
  if (root.name !== name) throw new Unreadable(`expected element type <${name}> but have <${root.name}>`);
  return root;
}

/** Repeated elements overwrite each other: the last wins. */
function struct(element: XmlElement, names: readonly string[]): Fields {
  const found = new Map(elementsIn(element).map((child) => [child.name, ownText(child)]));
  return withText(names.map((name) => [name, numberFields.has(name) ? int64(found.get(name)) : found.get(name)]));
}

function int64(text = ""): string {
  if (text === "") return "0";
  if (!/^[+-]?\d+$/.test(text.trim())) throw new Unreadable(`strconv.ParseInt: parsing "${text}": invalid syntax`);
  return text.trim();
}

function message(element: XmlElement): SeenMessage {
  return {
    fields: struct(element, messageFields),
    properties: propertiesBetweenBars(struct(element, ["Properties"]).Properties),
  };
}
