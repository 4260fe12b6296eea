/** What a response says, read with good will: the measure that each SDK's reading is held against. No SDK reads like this. */
import { gunzipSync } from "node:zlib";
import {
  type Fields,
  failureFields,
  headerOf,
  isTwoHundred,
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
import { elementsIn, lenient, ownText, parseTree, type XmlElement } from "./xml.ts";

/** What the sender meant; undefined when nobody could tell. */
export function meaningOf(response: RawResponse, operation: Operation): Seen | undefined {
  if (response.body.length === 0) return meaningOfNothing(response, operation);
  const root = documentOf(response);
  if (root === undefined) return undefined;
  const requestId = headerOf(response, "x-mq-request-id") ?? "";
  switch (root.name) {
    case "Error":
      return { kind: "refused", as: "meant", refusal: leaves(root, refusalFields) };
    case "Message":
      return operation === "publish" ? { kind: "published", message: leaves(root, publishedFields) } : undefined;
    case "Messages":
      return operation === "consume"
        ? { kind: "messages", messages: childrenNamed(root, "Message").map(messageOf), requestId }
        : undefined;
    case "Errors":
      return isAcknowledging(operation)
        ? {
            kind: "failed handles",
            as: "meant",
            failures: childrenNamed(root, "Error").map((error) => leaves(error, failureFields)),
            requestId,
          }
        : undefined;
    default:
      return undefined;
  }
}

/** Where the SDK's caller sees something else than the response says; undefined when it sees just that. */
export function differenceOf(seen: Seen, meant: Seen): string | undefined {
  if (seen.kind !== meant.kind) return `sees "${seen.kind}" where the response says "${meant.kind}"`;
  const heard = flatten(seen);
  const said = flatten(meant);
  for (const name of new Set([...Object.keys(said), ...Object.keys(heard)])) {
    // Not every SDK takes the request id from the header.
    if (name === "x-mq-request-id" && heard[name] === undefined) continue;
    if (heard[name] !== said[name])
      return `reads ${name} as ${shown(heard[name])}, the response says ${shown(said[name])}`;
  }
  return undefined;
}

function isAcknowledging(operation: Operation): boolean {
  return operation === "acknowledge" || operation === "end-transaction";
}

function meaningOfNothing(response: RawResponse, operation: Operation): Seen | undefined {
  if (!isTwoHundred(response)) return undefined;
  if (isAcknowledging(operation)) return { kind: "acknowledged" };
  return operation === "consume" ? { kind: "messages", messages: [] } : undefined;
}

function documentOf(response: RawResponse): XmlElement | undefined {
  const zipped = headerOf(response, "content-encoding") === "gzip";
  try {
    return parseTree(zipped ? gunzipSync(response.body) : response.body, lenient);
  } catch (error) {
    if (error instanceof Unreadable) return undefined;
    throw error;
  }
}

function childrenNamed(parent: XmlElement, name: string): XmlElement[] {
  return elementsIn(parent).filter((child) => child.name === name);
}

function leaves(parent: XmlElement, names: readonly string[]): Fields {
  const found = new Map(elementsIn(parent).map((child) => [child.name, ownText(child)]));
  return withText(names.map((name) => [name, found.get(name)]));
}

function messageOf(element: XmlElement): SeenMessage {
  const properties = leaves(element, ["Properties"]).Properties ?? "";
  return { fields: leaves(element, messageFields), properties: propertiesOf(properties) };
}

function propertiesOf(text: string): Fields {
  const pairs = text.split("|").filter((pair) => pair.includes(":"));
  return withText(pairs.map((pair) => [pair.slice(0, pair.indexOf(":")), pair.slice(pair.indexOf(":") + 1)]));
}

function flatten(seen: Seen): Record<string, string> {
  switch (seen.kind) {
    case "published":
      return { ...seen.message };
    case "acknowledged":
      return {};
    case "refused": {
      // Node's error and Java's null have no host id to show.
      const { HostId: _, ...shownByAll } = seen.refusal;
      return shownByAll;
    }
    case "failed handles":
      return { ...numbered("Error", failuresOnce(seen.failures)), ...requestIdOf(seen) };
    case "messages":
      return {
        ...numbered(
          "Message",
          seen.messages.map(({ fields, properties }) => ({
            ...withoutZeros(fields),
            ...Object.fromEntries(Object.entries(properties).map(([key, value]) => [`property ${key}`, value])),
          })),
        ),
        messages: String(seen.messages.length),
        ...requestIdOf(seen),
      };
  }
}

function requestIdOf(seen: { readonly requestId?: string }): Record<string, string> {
  return seen.requestId === undefined ? {} : { "x-mq-request-id": seen.requestId };
}

/** Some SDKs show a number that is not there as 0. */
function withoutZeros(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name, text]) => !(numberFields.has(name) && text === "0")));
}

/** Java keeps failures by handle: the same failure told twice is one. */
function failuresOnce(failures: readonly Fields[]): Fields[] {
  const once = new Map(
    failures.map((failure) => [failureFields.map((name) => failure[name] ?? "").join("\n"), failure]),
  );
  return [...once.keys()].sort().map((key) => once.get(key) ?? {});
}

function numbered(label: string, items: readonly Fields[]): Record<string, string> {
  return Object.fromEntries(
    items.flatMap((item, index) => Object.entries(item).map(([name, text]) => [`${label} ${index + 1} ${name}`, text])),
  );
}

function shown(text: string | undefined): string {
  if (text === undefined) return "nothing";
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
