import type { Got, HistoryEvent, PublishRequest, Settings } from "../history.ts";

/** Makers of histories by hand: each request is its two events. */

export const SETTINGS: Settings = {
  topics: {
    t: { kind: "normal", queues: 1 },
    o: { kind: "ordered", queues: 1 },
    tx: { kind: "transactional", queues: 1 },
  },
  groups: { few: { maxRetries: 1 } },
  invisibleForMs: { plain: 2_000, ordered: 1_000, half: 1_000 },
  maxRetries: 288,
  checkRoundedToMs: 100,
  checksForMs: 5_000,
  skewMs: 10,
  lateMs: 1_000,
  startWithinMs: 2_000,
  drainWithinMs: 60_000,
};
/** A multiple of what checks are rounded up to. */
export const EPOCH = 1_790_000_000_000;
const TAKES = 10;
const DRAIN_AT = 30_000;

export type Request = readonly HistoryEvent[];
export interface Parts {
  /** Milliseconds until its end. */
  readonly takes?: number;
  readonly as?: "ok" | "fail" | "info";
}

let processes = 0;

export function request(
  f: HistoryEvent["f"],
  at: number,
  req: object,
  res: object,
  { takes = TAKES, as = "ok" }: Parts = {},
): Request {
  const p = `p${++processes}`;
  const event = (type: string, ms: number, more: object) =>
    ({ p, f, type, t: (ms + 1) * 1e6, wall: EPOCH + ms, ...more }) as HistoryEvent;
  return [event("invoke", at, { req }), event(as, at + takes, { res: as === "ok" ? res : { why: "no answer" } })];
}

export function published(
  uid: string,
  at: number,
  { topic = "t", ...more }: Partial<PublishRequest> & Parts = {},
): Request {
  const { takes = TAKES, as = "ok", ...rest } = more;
  const h = rest.immunityMs === undefined ? {} : { h: `publish ${uid}` };
  return request("publish", at, { topic, uid, ...contentOf(uid), ...rest }, { id: idOf(uid), ...h }, { takes, as });
}

export const inOrder = (uid: string, at: number, more: Partial<PublishRequest> & Parts = {}): Request =>
  published(uid, at, { topic: "o", key: "k", ...more });

export const half = (uid: string, at: number, more: Partial<PublishRequest> & Parts = {}): Request =>
  published(uid, at, { topic: "tx", immunityMs: 500, ...more });

export type Item = readonly [uid: string, count: number, more?: Partial<Got>];

export interface PollParts extends Parts {
  readonly topic?: string;
  readonly group?: string;
  readonly mode?: "plain" | "ordered";
  readonly waitMs?: number;
  readonly tag?: string;
}

/** Delivered half way between its begin and its end. */
export function polled(at: number, items: readonly Item[], parts: PollParts = {}): Request {
  const { topic = "t", group = "g", mode = "plain", waitMs = 0, tag = "*", takes = TAKES } = parts;
  const got = items.map((item) => gotOf(item, at + takes - 5, SETTINGS.invisibleForMs[mode], `${topic} ${group} `));
  return request("consume", at, { topic, group, mode, max: 16, waitMs, tag }, { got }, parts);
}

export const polledInOrder = (at: number, items: readonly Item[], parts: PollParts = {}): Request =>
  polled(at, items, { topic: "o", mode: "ordered", ...parts });

export function checked(at: number, items: readonly Item[], parts: Parts = {}): Request {
  const got = items.map((item) => gotOf(item, at + 5, SETTINGS.invisibleForMs.half, "check "));
  return request("consumeHalf", at, { topic: "tx", group: "p", max: 16, waitMs: 0 }, { got }, parts);
}

/** When each delivery began first, as the broker would remember it. */
const firsts = new Map<string, number>();

function gotOf([uid, c, more]: Item, at: number, hiddenFor: number, of: string): Got {
  const who = of + uid;
  if (c === 1 || !firsts.has(who)) firsts.set(who, at);
  const first = EPOCH + (firsts.get(who) ?? at);
  return { uid, id: idOf(uid), h: `${who} ${c}`, c, first, next: EPOCH + at + hiddenFor, ...contentOf(uid), ...more };
}

export interface EndParts extends Parts {
  readonly topic?: string;
  readonly group?: string;
  readonly f?: "ack" | "commit" | "rollback";
  readonly refused?: boolean;
}

/** With the handle of that delivery to group g of topic t. */
export function ended(
  what: string,
  at: number,
  { topic = "t", group = "g", f = "ack", refused = false, ...parts }: EndParts = {},
): Request {
  const handle = f === "ack" ? `${topic} ${group} ${what}` : what;
  return request(
    f,
    at,
    { topic, group: f === "ack" ? group : "", h: [handle] },
    { refused: refused ? [handle] : [] },
    parts,
  );
}

export const endedInOrder = (what: string, at: number, parts: EndParts = {}): Request =>
  ended(what, at, { topic: "o", ...parts });
export const commit = (what: string, at: number, parts: EndParts = {}): Request =>
  ended(what, at, { topic: "tx", f: "commit", ...parts });
export const rollback = (what: string, at: number, parts: EndParts = {}): Request =>
  ended(what, at, { topic: "tx", f: "rollback", ...parts });
export const fault = (kind: string, at: number, takes = TAKES, more: object = {}): Request =>
  request("fault", at, { kind, ...more }, {}, { takes });
export const drain = (at = DRAIN_AT, parts: Parts = {}): Request => request("admin", at, { kind: "drain" }, {}, parts);
export const committed = (items: readonly Item[], at: number): Request => polled(at, items, { topic: "tx" });
export const dead = (at: number, items: readonly Item[]): Request =>
  polled(at, items, { topic: "%DLQ%few", group: "few" });

function contentOf(uid: string): { sum: number; props: number; tag: string } {
  return { sum: uid.length, props: 7, tag: uid.startsWith("tagged ") ? uid.slice(7) : "" };
}

function idOf(uid: string): string {
  return `ID-${uid}`;
}

export function historyOf(requests: readonly Request[], settings = SETTINGS): HistoryEvent[] {
  const head = request("admin", -1, { kind: "settings", settings }, {}, { takes: 0 });
  return [...head, ...requests.flat().sort((a, b) => a.t - b.t)];
}

/** A message as most histories begin with it: there, and given to g. */
export const delivered = (): readonly Request[] => [published("a", 0), polled(100, [["a", 1]])];

export const twoInOrder = (): readonly Request[] => [inOrder("a", 0), inOrder("b", 20)];

export const firstDeliveredInOrder = (): readonly Request[] => [...twoInOrder(), polledInOrder(100, [["a", 1]])];

export const bothDeliveredInOrder = (): readonly Request[] => [
  ...twoInOrder(),
  polledInOrder(100, [
    ["a", 1],
    ["b", 1],
  ]),
];
