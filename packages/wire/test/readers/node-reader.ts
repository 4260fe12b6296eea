/** Node SDK 1.0.4: xml2js makes objects of arrays, `extract` unwraps them; the content type decides whether it looks at all. */
import { gunzipSync } from "node:zlib";
import { propertiesBetweenBars } from "./properties.ts";
import { reader } from "./reader.ts";
import {
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
import { type Dialect, elementsIn, isBlank, ownText, parseTree, type XmlElement } from "./xml.ts";

/** sax in its strict mode looks at references, not at characters. */
const sax: Dialect = {
  foldsLines: false,
  refuses: ["a reference to an illegal character", "an ampersand that begins no reference"],
};

type Tree = string | { readonly [name: string]: unknown };

export const nodeReader = reader("Node", (response, operation) => {
  const type = { publish: "Message", consume: "Messages", acknowledge: "Errors", "end-transaction": "Errors" }[
    operation
  ];
  const answer = request(response, type);
  if ("kind" in answer) return answer;
  const { body } = answer;
  switch (operation) {
    case "publish":
      if (body === undefined) throw new Unreadable(`returns { code: ${response.status} } without a body`);
      return { kind: "published", message: picked(body, publishedFields) };
    case "consume": {
      const messages = body?.Message;
      if (body === undefined)
        throw new Unreadable("TypeError: cannot read properties of undefined (reading 'Message')");
      if (!Array.isArray(messages)) throw new Unreadable("TypeError: forEach of what is no array of messages");
      return {
        kind: "messages",
        messages: messages.map(message),
        requestId: headerOf(response, "x-mq-request-id") ?? "",
      };
    }
    default: {
      const errors = body?.Error;
      if (Array.isArray(errors)) {
        return {
          kind: "failed handles",
          as: `returned { code: ${response.status}, body: […] }`,
          failures: errors.map((error) => picked(error, failureFields)),
          requestId: headerOf(response, "x-mq-request-id") ?? "",
        };
      }
      if (response.status >= 400) throw new Unreadable(`returns { code: ${response.status} } without saying why`);
      return { kind: "acknowledged" };
    }
  }
});

function request(response: RawResponse, type: string): Seen | { readonly body?: Readonly<Record<string, unknown>> } {
  const contentType = headerOf(response, "content-type") ?? "";
  const isXml = contentType.startsWith("text/xml") || contentType.startsWith("application/xml");
  if (response.body.length === 0 || !isXml) return {};
  const zipped = headerOf(response, "content-encoding") === "gzip";
  const root = parseTree(zipped ? gunzipSync(response.body) : response.body, sax);
  const tree = treeOf(root);
  if (root.name === "Error") return refused(tree);
  if (root.name !== type || (typeof tree === "string" && tree !== "")) {
    throw new Unreadable(`TypeError: there is no ${type} in the response`);
  }
  const kept = Object.entries(tree).filter(([key]) => key !== "$");
  return { body: Object.fromEntries(kept.map(([key, value]) => [key, extract(value)])) };
}

function refused(tree: Tree): Seen {
  const given = typeof tree === "string" ? {} : tree;
  const extracted = refusalFields
    .filter((name) => name !== "HostId")
    .map((name): [string, string] => [name, String(extract(given[name]))]);
  return { kind: "refused", as: "thrown Error with Code and RequestId", refusal: withText(extracted) };
}

/** As xml2js 0.4 has it: text under "_", attributes under "$", every child in an array, a mere text as a string. */
function treeOf(element: XmlElement): Tree {
  const tree: Record<string, unknown> = {};
  if (element.attributes.size > 0) tree.$ = Object.fromEntries(element.attributes);
  for (const child of elementsIn(element)) {
    const siblings = tree[child.name];
    if (Array.isArray(siblings)) siblings.push(treeOf(child));
    else tree[child.name] = [treeOf(child)];
  }
  const text = ownText(element);
  const isBare = Object.keys(tree).length === 0;
  if (isBare) return text;
  const hasCdata = element.children.some((child) => child.type === "cdata");
  return isBlank(text) && !hasCdata ? tree : { _: text, ...tree };
}

/** helper.js:16-28, which knows arrays of texts and arrays of elements, and throws on anything else. */
function extract(value: unknown): unknown {
  if ((Array.isArray(value) || typeof value === "string") && value.length === 1 && typeof value[0] === "string") {
    return value[0];
  }
  if (!Array.isArray(value))
    throw new Unreadable("TypeError: forEach is not a function (what should be an array is none)");
  return value.map((item: Tree) => {
    if (item === "") return item;
    if (typeof item === "string") throw new Unreadable("TypeError: cannot assign to a repeated text");
    return Object.fromEntries(Object.entries(item).map(([key, inner]) => [key, extract(inner)]));
  });
}

function picked(item: unknown, names: readonly string[]) {
  const tree = typeof item === "object" && item !== null ? new Map(Object.entries(item)) : new Map<string, unknown>();
  return withText(
    names.map((name) => {
      const text = tree.get(name);
      return [name, typeof text === "string" ? text : undefined];
    }),
  );
}

function message(item: unknown): SeenMessage {
  const properties = propertiesBetweenBars(picked(item, ["Properties"]).Properties);
  // helper.js:90-97 writes both into one attribute, the check time last.
  const startDeliverTime = properties.__TransCheckT ?? properties.__STARTDELIVERTIME;
  return {
    fields: picked(item, messageFields),
    properties,
    ...(startDeliverTime === undefined ? {} : { startDeliverTime }),
  };
}
