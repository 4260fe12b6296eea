/** One of the five things a request can ask for. Numbers are clamped (DEL-7), an empty instance is absent. */
export type Operation =
  | { name: "publish-message"; instance?: string; topic: string }
  | {
      name: "consume-messages";
      instance?: string;
      topic: string;
      consumer: string;
      mode: "concurrent" | "ordered";
      /** The tag expression as sent, decoded; empty when absent. */
      tag: string;
      maxMessages: number;
      waitSeconds: number;
    }
  | {
      name: "consume-half-messages";
      instance?: string;
      topic: string;
      consumer: string;
      maxMessages: number;
      waitSeconds: number;
    }
  | { name: "acknowledge-messages"; instance?: string; topic: string; consumer: string }
  | {
      name: "end-transaction";
      instance?: string;
      topic: string;
      /** The Go SDK sends none (TX-7). */
      consumer?: string;
      resolution: "commit" | "rollback";
    };

/** Where a request leads: to an operation, or to a refusal. `allow` is there when only the method is wrong. */
export type Route =
  | { operation: Operation }
  | { refusal: "InvalidRequestURL"; allow?: string }
  | { refusal: "InvalidQueryString"; item: "trans" }
  | { refusal: "InvalidArgument"; missing: "consumer" };

const MAX_MESSAGES = 16;
const MAX_WAIT_SECONDS = 30;
const ALLOWED_METHODS = "GET, POST, DELETE";

/** Names the operation of a request. `target` is the request target as received, one character per byte. */
export function parseOperation(method: string, target: string): Route {
  const { topic, query } = splitTarget(target);
  if (topic === undefined) return { refusal: "InvalidRequestURL" };
  const instance = query.get("ns");
  const place = instance ? { instance, topic } : { topic };
  switch (method) {
    case "POST":
      return { operation: { name: "publish-message", ...place } };
    case "GET":
      return parsePoll(place, query);
    case "DELETE":
      return parseEnd(place, query);
    default:
      return { refusal: "InvalidRequestURL", allow: ALLOWED_METHODS };
  }
}

/** Method and request target of an operation, for clients. What is formatted here is also what must be signed. */
export function formatTarget(operation: Operation): { method: string; target: string } {
  switch (operation.name) {
    case "publish-message":
      return { method: "POST", target: joinTarget(operation, []) };
    case "consume-messages":
      return {
        method: "GET",
        target: joinTarget(operation, [
          ...pollItems(operation),
          ["tag", operation.tag],
          ["trans", operation.mode === "ordered" ? "order" : ""],
        ]),
      };
    case "consume-half-messages":
      return { method: "GET", target: joinTarget(operation, [...pollItems(operation), ["trans", "pop"]]) };
    case "acknowledge-messages":
      return { method: "DELETE", target: joinTarget(operation, [["consumer", operation.consumer]]) };
    case "end-transaction":
      return {
        method: "DELETE",
        target: joinTarget(operation, [
          ["consumer", operation.consumer ?? ""],
          ["trans", operation.resolution],
        ]),
      };
  }
}

type Place = { instance?: string; topic: string };
type Query = ReadonlyMap<string, string>;

function parsePoll(place: Place, query: Query): Route {
  const trans = query.get("trans") ?? "";
  if (trans !== "" && trans !== "order" && trans !== "pop") return { refusal: "InvalidQueryString", item: "trans" };
  const consumer = query.get("consumer");
  if (!consumer) return { refusal: "InvalidArgument", missing: "consumer" };
  const maxMessages = Math.max(1, parseCount(query.get("numofmessages"), MAX_MESSAGES));
  const waitSeconds = parseCount(query.get("waitseconds"), MAX_WAIT_SECONDS);
  if (trans === "pop") {
    return { operation: { name: "consume-half-messages", ...place, consumer, maxMessages, waitSeconds } };
  }
  const mode = trans === "order" ? "ordered" : "concurrent";
  const tag = query.get("tag") ?? "";
  return { operation: { name: "consume-messages", ...place, consumer, mode, tag, maxMessages, waitSeconds } };
}

function parseEnd(place: Place, query: Query): Route {
  const trans = query.get("trans") ?? "";
  const consumer = query.get("consumer");
  if (trans === "commit" || trans === "rollback") {
    return { operation: { name: "end-transaction", ...place, ...(consumer ? { consumer } : {}), resolution: trans } };
  }
  // An unreadable sort must not be taken for an acknowledgement.
  if (trans !== "") return { refusal: "InvalidQueryString", item: "trans" };
  if (!consumer) return { refusal: "InvalidArgument", missing: "consumer" };
  return { operation: { name: "acknowledge-messages", ...place, consumer } };
}

/** WIRE-76, WIRE-80: what is negative or no number counts as 0. */
function parseCount(text: string | undefined, max: number): number {
  return text !== undefined && /^\d+$/.test(text) ? Math.min(Number(text), max) : 0;
}

function splitTarget(target: string): { topic?: string; query: Query } {
  const text = asUtf8(target);
  const queryStart = text.indexOf("?");
  const path = queryStart < 0 ? text : text.slice(0, queryStart);
  const query = parseQuery(queryStart < 0 ? "" : text.slice(queryStart + 1));
  const [, segment] = /^\/+topics\/([^/]+)\/messages$/.exec(path) ?? [];
  return segment === undefined ? { query } : { topic: decodeTolerantly(segment), query };
}

function parseQuery(text: string): Query {
  const query = new Map<string, string>();
  for (const item of text.split("&")) {
    const nameEnd = item.includes("=") ? item.indexOf("=") : item.length;
    const name = decodeTolerantly(item.slice(0, nameEnd)).toLowerCase(); // WIRE-5
    query.set(name, decodeTolerantly(item.slice(nameEnd + 1).replaceAll("+", " ")));
  }
  return query;
}

/** Percent-decoded; what holds an escape that cannot be one, as `%DLQ%GID_x` does, was never encoded. */
function decodeTolerantly(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Bytes beyond ASCII, which no escape announces, are UTF-8. */
function asUtf8(target: string): string {
  return /[\x80-\xff]/.test(target) ? Buffer.from(target, "latin1").toString("utf8") : target;
}

function pollItems(poll: { consumer: string; maxMessages: number; waitSeconds: number }): [string, string][] {
  return [
    ["consumer", poll.consumer],
    ["numOfMessages", String(poll.maxMessages)],
    ["waitseconds", poll.waitSeconds === 0 ? "" : String(poll.waitSeconds)],
  ];
}

function joinTarget(place: Place, items: [string, string][]): string {
  const query = [["ns", place.instance ?? ""] as const, ...items]
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join("&");
  const path = `/topics/${encodeURIComponent(place.topic)}/messages`;
  return query === "" ? path : `${path}?${query}`;
}
