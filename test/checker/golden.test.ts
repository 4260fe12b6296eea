import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MalformedHistory } from "./evidence.ts";
import type { Got, HistoryEvent, PublishRequest, Settings } from "./history.ts";
import { HistoryWriter } from "./history-writer.ts";
import { judgeHistory, judgeHistoryFile } from "./judge-history.ts";
import { PROPERTIES, type Property } from "./violation.ts";

/** Histories made by hand: for each property some that keep it, often only just, and some that break it and nothing else. */

const SETTINGS: Settings = {
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
const EPOCH = 1_790_000_000_000;
const TAKES = 10;
const DRAIN_AT = 30_000;

type Request = readonly HistoryEvent[];
interface Parts {
  /** Milliseconds until its end. */
  readonly takes?: number;
  readonly as?: "ok" | "fail" | "info";
}

let processes = 0;

function request(
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

function published(uid: string, at: number, { topic = "t", ...more }: Partial<PublishRequest> & Parts = {}): Request {
  const { takes = TAKES, as = "ok", ...rest } = more;
  const h = rest.immunityMs === undefined ? {} : { h: `publish ${uid}` };
  return request("publish", at, { topic, uid, ...contentOf(uid), ...rest }, { id: idOf(uid), ...h }, { takes, as });
}

const inOrder = (uid: string, at: number, more: Partial<PublishRequest> & Parts = {}): Request =>
  published(uid, at, { topic: "o", key: "k", ...more });

const half = (uid: string, at: number, more: Partial<PublishRequest> & Parts = {}): Request =>
  published(uid, at, { topic: "tx", immunityMs: 500, ...more });

type Item = readonly [uid: string, count: number, more?: Partial<Got>];

interface PollParts extends Parts {
  readonly topic?: string;
  readonly group?: string;
  readonly mode?: "plain" | "ordered";
  readonly waitMs?: number;
  readonly tag?: string;
}

/** Delivered half way between its begin and its end. */
function polled(at: number, items: readonly Item[], parts: PollParts = {}): Request {
  const { topic = "t", group = "g", mode = "plain", waitMs = 0, tag = "*", takes = TAKES } = parts;
  const got = items.map((item) => gotOf(item, at + takes - 5, SETTINGS.invisibleForMs[mode], `${topic} ${group} `));
  return request("consume", at, { topic, group, mode, max: 16, waitMs, tag }, { got }, parts);
}

const polledInOrder = (at: number, items: readonly Item[], parts: PollParts = {}): Request =>
  polled(at, items, { topic: "o", mode: "ordered", ...parts });

function checked(at: number, items: readonly Item[], parts: Parts = {}): Request {
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

interface EndParts extends Parts {
  readonly topic?: string;
  readonly group?: string;
  readonly f?: "ack" | "commit" | "rollback";
  readonly refused?: boolean;
}

/** With the handle of that delivery to group g of topic t. */
function ended(
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

const endedInOrder = (what: string, at: number, parts: EndParts = {}): Request =>
  ended(what, at, { topic: "o", ...parts });
const commit = (what: string, at: number, parts: EndParts = {}): Request =>
  ended(what, at, { topic: "tx", f: "commit", ...parts });
const rollback = (what: string, at: number, parts: EndParts = {}): Request =>
  ended(what, at, { topic: "tx", f: "rollback", ...parts });
const fault = (kind: string, at: number, takes = TAKES, more: object = {}): Request =>
  request("fault", at, { kind, ...more }, {}, { takes });
const drain = (at = DRAIN_AT, parts: Parts = {}): Request => request("admin", at, { kind: "drain" }, {}, parts);
const committed = (items: readonly Item[], at: number): Request => polled(at, items, { topic: "tx" });
const dead = (at: number, items: readonly Item[]): Request => polled(at, items, { topic: "%DLQ%few", group: "few" });

function contentOf(uid: string): { sum: number; props: number; tag: string } {
  return { sum: uid.length, props: 7, tag: uid.startsWith("tagged ") ? uid.slice(7) : "" };
}

function idOf(uid: string): string {
  return `ID-${uid}`;
}

function historyOf(requests: readonly Request[], settings = SETTINGS): HistoryEvent[] {
  const head = request("admin", -1, { kind: "settings", settings }, {}, { takes: 0 });
  return [...head, ...requests.flat().sort((a, b) => a.t - b.t)];
}

function broken(requests: readonly Request[]): string {
  const { violations, notes } = judgeHistory(historyOf([...requests, drain()]));
  expect(notes).toEqual([]);
  for (const { evidence } of violations) expect(evidence.length).toBeGreaterThan(0);
  return [...new Set(violations.map(({ property }) => property))].join(", ");
}

type Case = readonly [property: Property, what: string, requests: () => readonly Request[]];

const GOOD: readonly Case[] = [
  [
    "C1",
    "confirmed, delivered and acknowledged",
    () => [published("a", 0), polled(100, [["a", 1]]), ended("a 1", 200)],
  ],
  [
    "C1",
    "not confirmed, and came all the same, or never",
    () => [
      published("a", 0, { as: "info" }),
      published("b", 0, { as: "info" }),
      polled(100, [["a", 1]]),
      ended("a 1", 200),
    ],
  ],
  ["C1", "refused, and never came", () => [published("a", 0, { as: "fail" }), polled(100, [])]],
  [
    "C1",
    "acknowledged without an answer, and never again",
    () => [published("a", 0), polled(100, [["a", 1]]), ended("a 1", 200, { as: "info" })],
  ],
  [
    "C1",
    "acknowledged without an answer, in vain",
    () => [
      published("a", 0),
      polled(100, [["a", 1]]),
      ended("a 1", 200, { as: "info" }),
      polled(2_200, [["a", 2]]),
      ended("a 2", 2_300),
    ],
  ],
  ["C1", "passed over by a filter", () => [published("tagged b", 0), polled(100, [], { tag: "a" })]],
  [
    "C1",
    "a dead letter, though nobody received one of its deliveries",
    () => [
      published("a", 0),
      polled(100, [], { group: "few", as: "info" }),
      polled(2_200, [["a", 2]], { group: "few" }),
      dead(4_300, [["a", 1]]),
    ],
  ],
  [
    "C1",
    "its commit has no answer, and it comes",
    () => [
      half("a", 0),
      commit("publish a", 50, { as: "info" }),
      committed([["a", 1]], 100),
      ended("a 1", 200, { topic: "tx" }),
    ],
  ],

  [
    "C2",
    "sent twice, since nobody knew, and came under two ids",
    () => [
      published("a", 0, { as: "info" }),
      published("a", 50),
      polled(100, [
        ["a", 1],
        ["a", 1, { id: "other", h: "x" }],
      ]),
      ended("a 1", 200),
      request("ack", 200, { topic: "t", group: "g", h: ["x"] }, { refused: [] }),
    ],
  ],

  [
    "C3",
    "a long poll brings it again before the acknowledgement is sent",
    () => [
      published("a", 0),
      polled(100, [["a", 1]]),
      polled(150, [["a", 2]], { takes: 2_000, waitMs: 3_000 }),
      ended("a 1", 2_000, { takes: 400, refused: true }),
      ended("a 2", 2_500),
    ],
  ],

  [
    "C4",
    "again at its NextConsumeTime, by a clock of whole milliseconds",
    () => [published("a", 0), polled(100, [["a", 1]]), polled(2_096, [["a", 2]]), ended("a 2", 2_200)],
  ],
  [
    "C4",
    "a handle refused, and another good, at its last millisecond",
    () => [
      published("a", 0),
      published("b", 0),
      polled(100, [
        ["a", 1],
        ["b", 1],
      ]),
      ended("a 1", 2_098, { refused: true }),
      ended("b 1", 2_098),
      polled(2_200, [["a", 2]]),
      ended("a 2", 2_300),
    ],
  ],
  [
    "C4",
    "an answer that came after its time",
    () => [
      published("a", 0),
      polled(100, [["a", 1, { next: EPOCH + 2_105, first: EPOCH + 105 }]], { takes: 4_000 }),
      polled(2_110, [["a", 2, { first: EPOCH + 105 }]]),
      ended("a 2", 2_200),
    ],
  ],
  [
    "C4",
    "a clock that was set forward ends a wait early, once",
    () => [
      published("a", 0),
      polled(100, [["a", 1]]),
      fault("clock", 500, 10, { offsetMs: 5_000 }),
      polled(600, [["a", 2, { next: EPOCH + 7_605 }]]),
      ended("a 2", 700),
    ],
  ],
  [
    "C4",
    "the same handle twice",
    () => [published("a", 0), polled(100, [["a", 1]]), ended("a 1", 200), ended("a 1", 300)],
  ],
  [
    "C4",
    "a handle of another group, refused",
    () => [
      published("a", 0),
      polled(100, [["a", 1]]),
      request("ack", 150, { topic: "t", group: "h", h: ["t g a 1"] }, { refused: ["t g a 1"] }),
      ended("a 1", 200),
    ],
  ],

  [
    "C5",
    "a delivery that nobody received counts",
    () => [published("a", 0), polled(50, [], { as: "info" }), polled(2_200, [["a", 2]]), ended("a 2", 2_300)],
  ],
  [
    "C5",
    "a client hung up, and the delivery did not count",
    () => [
      published("a", 0),
      polled(100, [["a", 1]]),
      polled(2_150, [], { as: "info" }),
      polled(2_300, [["a", 2]]),
      ended("a 2", 2_400),
    ],
  ],
  [
    "C5",
    "dead after its last attempt",
    () => [
      published("a", 0),
      polled(100, [["a", 1]], { group: "few" }),
      polled(2_200, [["a", 2]], { group: "few" }),
      dead(4_300, [["a", 1]]),
    ],
  ],

  [
    "C6",
    "published at once, seen in one order by all",
    () => [
      inOrder("a", 0),
      inOrder("b", 5),
      polledInOrder(100, [
        ["b", 1],
        ["a", 1],
      ]),
      endedInOrder("b 1", 200),
      endedInOrder("a 1", 200),
      polledInOrder(
        100,
        [
          ["b", 1],
          ["a", 1],
        ],
        { group: "h" },
      ),
      endedInOrder("b 1", 200, { group: "h" }),
      endedInOrder("a 1", 200, { group: "h" }),
    ],
  ],
  [
    "C6",
    "an answer so late that the next batch was there before",
    () => [
      inOrder("a", 0),
      inOrder("b", 20),
      polledInOrder(100, [["a", 1, { next: EPOCH + 1_105, first: EPOCH + 105 }]], { takes: 3_000 }),
      polledInOrder(1_200, [["a", 2, { first: EPOCH + 105 }]]),
      endedInOrder("a 2", 1_300),
      polledInOrder(1_400, [["b", 1]]),
      endedInOrder("b 1", 1_500),
    ],
  ],

  [
    "C7",
    "exactly the unacknowledged again, one poll taking fewer, then what is newer",
    () => [
      ...["a", "b", "c", "d"].map((uid, index) => inOrder(uid, index * 20)),
      polledInOrder(100, [
        ["a", 1],
        ["b", 1],
        ["c", 1],
      ]),
      endedInOrder("b 1", 150),
      polledInOrder(1_200, [["a", 2]]),
      endedInOrder("a 2", 1_300),
      polledInOrder(1_400, [["c", 2]]),
      endedInOrder("c 2", 1_500),
      polledInOrder(1_600, [["d", 1]]),
      endedInOrder("d 1", 1_700),
    ],
  ],
  [
    "C7",
    "acknowledged without an answer, again in its place, by polls that take fewer",
    () => [
      ...["a", "b", "c"].map((uid, index) => inOrder(uid, index * 20)),
      polledInOrder(100, [
        ["a", 1],
        ["b", 1],
        ["c", 1],
      ]),
      endedInOrder("a 1", 200, { as: "info" }),
      endedInOrder("b 1", 200, { as: "info" }),
      polledInOrder(1_200, [["a", 2]]),
      polledInOrder(2_300, [
        ["a", 3],
        ["b", 2],
        ["c", 2],
      ]),
      endedInOrder("a 3", 2_400),
      polledInOrder(3_400, [
        ["b", 3],
        ["c", 3],
      ]),
      endedInOrder("b 3", 3_500),
      endedInOrder("c 3", 3_500),
    ],
  ],
  [
    "C7",
    "a batch that nobody received, then a part of it",
    () => [
      inOrder("a", 0),
      inOrder("b", 20),
      polledInOrder(100, [], { as: "info" }),
      polledInOrder(1_200, [["a", 2]]),
      endedInOrder("a 2", 1_300),
      polledInOrder(1_400, [["b", 2]]),
      endedInOrder("b 2", 1_500),
    ],
  ],
  [
    "C7",
    "an acknowledgement without an answer opened the gate",
    () => [
      inOrder("a", 0),
      inOrder("b", 20),
      polledInOrder(100, [["a", 1]]),
      endedInOrder("a 1", 200, { as: "info" }),
      polledInOrder(300, [["b", 1]]),
      endedInOrder("b 1", 400),
    ],
  ],

  [
    "C8",
    "a commit that takes long, and is seen before its answer",
    () => [
      half("a", 0),
      commit("publish a", 50, { takes: 300 }),
      committed([["a", 1]], 100),
      ended("a 1", 200, { topic: "tx" }),
    ],
  ],
  ["C8", "rolled back, and never seen", () => [half("a", 0), rollback("publish a", 50), committed([], 100)]],

  [
    "C9",
    "the same end twice, the opposite one refused",
    () => [
      half("a", 0),
      rollback("publish a", 50),
      rollback("publish a", 100),
      commit("publish a", 150, { refused: true }),
    ],
  ],
  [
    "C9",
    "both at once: one wins",
    () => [
      half("a", 0),
      rollback("publish a", 50, { takes: 50 }),
      commit("publish a", 60, { takes: 50, refused: true }),
    ],
  ],
  [
    "C9",
    "a commit without an answer, then a rollback refused",
    () => [
      half("a", 0),
      commit("publish a", 50, { as: "info" }),
      rollback("publish a", 100, { refused: true }),
      committed([["a", 1]], 200),
      ended("a 1", 300, { topic: "tx" }),
    ],
  ],

  [
    "C10",
    "asked about when its immunity, rounded up, has passed, and each second",
    () => [half("a", 0), checked(606, [["a", 1]]), checked(1_612, [["a", 2]]), rollback("check a 2", 1_700)],
  ],

  [
    "C11",
    "delayed, at its time",
    () => [
      published("a", 0, { dueAt: EPOCH + 500 }),
      polled(100, [["a", 1]], { waitMs: 1_000, takes: 405 }),
      ended("a 1", 600),
    ],
  ],

  [
    "C12",
    "each to those who asked",
    () => [
      published("tagged a", 0),
      published("tagged b", 0),
      polled(
        100,
        [
          ["tagged a", 1],
          ["tagged b", 1],
        ],
        { tag: "a || b" },
      ),
      ended("tagged a 1", 200),
      ended("tagged b 1", 200),
      polled(100, [["tagged b", 1]], { tag: "b", group: "h" }),
      ended("tagged b 1", 200, { group: "h" }),
    ],
  ],

  [
    "C13",
    "an acknowledgement that took effect between two that were refused",
    () => [
      published("a", 0),
      polled(100, [["a", 1]]),
      ended("a 1", 200, { as: "info" }),
      ended("a 1", 2_200, { refused: true }),
    ],
  ],

  [
    "C14",
    "an empty poll, since what was there was taken by one whose answer was lost",
    () => [
      published("a", 0),
      polled(50, [], { as: "info" }),
      polled(100, [], { waitMs: 1_500, takes: 1_505 }),
      polled(2_100, [["a", 2]]),
      ended("a 2", 2_200),
    ],
  ],
  [
    "C14",
    "an empty poll while the broker was paused",
    () => [fault("pause", 50, 5_000), polled(100, [], { waitMs: 100, takes: 4_980 })],
  ],
];

const BAD: readonly (readonly [properties: string, what: string, requests: () => readonly Request[]])[] = [
  ["C1", "a confirmed message that never came", () => [published("a", 0), polled(100, [], { takes: 5 })]],
  [
    "C1",
    "came to one group and never to another",
    () => [
      published("a", 0, { as: "info" }),
      polled(100, [["a", 1]]),
      ended("a 1", 200),
      polled(100, [], { group: "h" }),
    ],
  ],
  [
    "C1",
    "without an end, and did not come again",
    () => [published("a", 0), polled(100, [["a", 1]]), ended("a 1", 2_300, { refused: true })],
  ],
  ["C1", "committed, and never came", () => [half("a", 0), commit("publish a", 50), committed([], 100)]],
  ["C1", "a half message that nobody was asked about", () => [half("a", 29_000), checked(100, [])]],
  [
    "C1",
    "used up, and no dead letter",
    () => [
      published("a", 0),
      polled(100, [["a", 1]], { group: "few" }),
      polled(2_200, [["a", 2]], { group: "few" }),
      dead(4_300, []),
    ],
  ],

  ["C2", "nobody published it", () => [polled(100, [["a", 1]]), ended("a 1", 200)]],
  [
    "C2",
    "its publish was refused",
    () => [published("a", 0, { as: "fail" }), polled(100, [["a", 1]]), ended("a 1", 200)],
  ],
  ["C2", "other bytes", () => [published("a", 0), polled(100, [["a", 1, { sum: 99 }]]), ended("a 1", 200)]],
  ["C2", "another tag", () => [published("a", 0), polled(100, [["a", 1, { tag: "x" }]]), ended("a 1", 200)]],
  ["C2", "other properties", () => [published("a", 0), polled(100, [["a", 1, { props: 8 }]]), ended("a 1", 200)]],
  [
    "C2",
    "two ids",
    () => [
      published("a", 0),
      polled(100, [
        ["a", 1],
        ["a", 1, { id: "other", h: "x" }],
      ]),
      ended("a 1", 200),
      request("ack", 200, { topic: "t", group: "g", h: ["x"] }, { refused: [] }),
    ],
  ],

  [
    "C3, C13",
    "again, however late, after it was acknowledged",
    () => [
      published("a", 0),
      polled(100, [["a", 1]]),
      ended("a 1", 200),
      polled(3_000, [["a", 2]]),
      ended("a 2", 3_100),
    ],
  ],
  ["C3, C9", "asked about after its end", () => [half("a", 0), rollback("publish a", 50), checked(700, [["a", 1]])]],

  [
    "C4, C13",
    "again before its NextConsumeTime",
    () => [published("a", 0), polled(100, [["a", 1]]), polled(2_060, [["a", 2]]), ended("a 2", 2_300)],
  ],
  [
    "C4, C13",
    "a NextConsumeTime that is too near",
    () => [published("a", 0), polled(100, [["a", 1, { next: EPOCH + 600, first: EPOCH - 1_400 }]]), ended("a 1", 200)],
  ],
  [
    "C4, C13",
    "a handle refused in time",
    () => [
      published("a", 0),
      polled(100, [["a", 1]]),
      ended("a 1", 500, { refused: true }),
      polled(2_200, [["a", 2]]),
      ended("a 2", 2_300),
    ],
  ],
  ["C4, C13", "a handle good after its time", () => [published("a", 0), polled(100, [["a", 1]]), ended("a 1", 2_500)]],
  ["C4", "a handle that nobody was given", () => [ended("a 1", 100)]],
  [
    "C4",
    "a handle of another group",
    () => [
      published("a", 0),
      polled(100, [["a", 1]]),
      ended("a 1", 200),
      request("ack", 150, { topic: "t", group: "h", h: ["t g a 1"] }, { refused: [] }),
    ],
  ],
  [
    "C4",
    "a handle given twice",
    () => [
      published("a", 0),
      published("b", 0),
      polled(100, [
        ["a", 1],
        ["b", 1, { h: "t g a 1" }],
      ]),
      ended("a 1", 200),
    ],
  ],

  [
    "C5, C13",
    "a number is left out, and no answer was lost",
    () => [published("a", 0), polled(100, [["a", 1]]), polled(2_200, [["a", 3]]), ended("a 3", 2_300)],
  ],
  [
    "C5, C13",
    "two counts in less than an invisible time, though an answer was lost",
    () => [
      published("a", 0),
      polled(100, [["a", 1]]),
      polled(2_150, [], { as: "info" }),
      polled(2_300, [["a", 3]]),
      ended("a 3", 2_400),
    ],
  ],
  [
    "C5, C13",
    "the same number twice",
    () => [
      published("a", 0),
      polled(100, [["a", 1]]),
      polled(2_200, [["a", 1, { h: "x", first: EPOCH + 105 }]]),
      request("ack", 2_300, { topic: "t", group: "g", h: ["x"] }, { refused: [] }),
    ],
  ],
  [
    "C5",
    "another FirstConsumeTime",
    () => [
      published("a", 0),
      polled(100, [["a", 1]]),
      polled(2_200, [["a", 2, { first: EPOCH + 2_000 }]]),
      ended("a 2", 2_300),
    ],
  ],
  [
    "C5",
    "one delivery too many",
    () => [
      published("a", 0),
      ...[1, 2, 3].map((c) => polled(100 + (c - 1) * 2_100, [["a", c]], { group: "few" })),
      dead(6_500, [["a", 1]]),
    ],
  ],
  [
    "C5",
    "a dead letter too early",
    () => [published("a", 0), polled(100, [["a", 1]], { group: "few" }), dead(2_200, [["a", 1]])],
  ],
  [
    "C5",
    "acknowledged, and a dead letter all the same",
    () => [
      published("a", 0),
      polled(100, [["a", 1]], { group: "few" }),
      polled(2_200, [["a", 2]], { group: "few" }),
      ended("a 2", 2_300, { group: "few" }),
      dead(4_300, [["a", 1]]),
    ],
  ],

  [
    "C6",
    "before an earlier one of its key",
    () => [
      inOrder("a", 0),
      inOrder("b", 20),
      polledInOrder(100, [
        ["b", 1],
        ["a", 1],
      ]),
      endedInOrder("a 1", 200),
      endedInOrder("b 1", 200),
    ],
  ],
  [
    "C6",
    "published at once, and two groups see it differently",
    () => [
      inOrder("a", 0),
      inOrder("b", 5),
      polledInOrder(100, [
        ["b", 1],
        ["a", 1],
      ]),
      endedInOrder("b 1", 200),
      endedInOrder("a 1", 200),
      polledInOrder(
        100,
        [
          ["a", 1],
          ["b", 1],
        ],
        { group: "h" },
      ),
      endedInOrder("b 1", 200, { group: "h" }),
      endedInOrder("a 1", 200, { group: "h" }),
    ],
  ],

  [
    "C7",
    "something newer while an earlier one has no end",
    () => [
      inOrder("a", 0),
      inOrder("b", 20),
      polledInOrder(100, [["a", 1]]),
      polledInOrder(200, [["b", 1]]),
      endedInOrder("a 1", 300),
      endedInOrder("b 1", 300),
    ],
  ],
  [
    "C7",
    "something newer joins what comes again",
    () => [
      inOrder("a", 0),
      inOrder("b", 20),
      polledInOrder(100, [["a", 1]]),
      endedInOrder("a 1", 150, { as: "info" }),
      polledInOrder(1_200, [
        ["a", 2],
        ["b", 1],
      ]),
      endedInOrder("a 2", 1_300),
      endedInOrder("b 1", 1_300),
    ],
  ],
  [
    "C7",
    "again in another order",
    () => [
      inOrder("a", 0),
      inOrder("b", 20),
      polledInOrder(100, [
        ["a", 1],
        ["b", 1],
      ]),
      polledInOrder(1_200, [
        ["b", 2],
        ["a", 2],
      ]),
      endedInOrder("a 2", 1_300),
      endedInOrder("b 2", 1_300),
    ],
  ],
  [
    "C7",
    "the second of the unacknowledged without the first",
    () => [
      inOrder("a", 0),
      inOrder("b", 20),
      polledInOrder(100, [
        ["a", 1],
        ["b", 1],
      ]),
      polledInOrder(1_200, [["b", 2]]),
      endedInOrder("b 2", 1_300),
      polledInOrder(2_400, [["a", 2]]),
      endedInOrder("a 2", 2_500),
    ],
  ],
  [
    "C7",
    "something newer came, so it had ended, and comes again",
    () => [
      inOrder("a", 0),
      inOrder("b", 20),
      polledInOrder(100, [["a", 1]]),
      endedInOrder("a 1", 150, { as: "info" }),
      polledInOrder(200, [["b", 1]]),
      endedInOrder("b 1", 300),
      polledInOrder(1_200, [["a", 2]]),
      endedInOrder("a 2", 1_300),
    ],
  ],

  [
    "C8",
    "rolled back, and delivered",
    () => [half("a", 0), rollback("publish a", 50), committed([["a", 1]], 100), ended("a 1", 200, { topic: "tx" })],
  ],
  [
    "C8",
    "delivered before its commit",
    () => [half("a", 0), committed([["a", 1]], 100), commit("publish a", 300), ended("a 1", 200, { topic: "tx" })],
  ],
  [
    "C8",
    "delivered, though nobody committed it",
    () => [half("a", 0), committed([["a", 1]], 100), ended("a 1", 200, { topic: "tx" })],
  ],

  ["C9", "committed and rolled back", () => [half("a", 0), rollback("publish a", 50), commit("publish a", 60)]],
  [
    "C9",
    "a commit refused in time",
    () => [
      half("a", 0),
      commit("publish a", 50, { refused: true }),
      checked(700, [["a", 1]]),
      rollback("check a 1", 800),
    ],
  ],

  [
    "C10, C9",
    "asked about within the immunity",
    () => [half("a", 0), checked(450, [["a", 1]]), rollback("check a 1", 500)],
  ],
  [
    "C10, C9",
    "asked about when the immunity had passed, and before it was rounded up",
    () => [half("a", 20), checked(560, [["a", 1]]), rollback("check a 1", 600)],
  ],
  [
    "C10, C9, C4",
    "asked about twice within its time",
    () => [half("a", 0), checked(700, [["a", 1]]), checked(1_300, [["a", 2]]), rollback("check a 2", 1_400)],
  ],
  [
    "C10",
    "asked about after the last check",
    () => [
      half("a", 0),
      ...[1, 2, 3, 4, 5, 6, 7].map((c) => checked(c * 1_010, [["a", c]])),
      rollback("check a 7", 7_100),
    ],
  ],

  [
    "C11",
    "before its time",
    () => [published("a", 0, { dueAt: EPOCH + 500 }), polled(400, [["a", 1]]), ended("a 1", 600)],
  ],

  [
    "C12",
    "what the filter does not match",
    () => [published("tagged b", 0), polled(100, [["tagged b", 1]], { tag: "a" }), ended("tagged b 1", 200)],
  ],

  ["C14", "a start that takes too long", () => [fault("start", 0, 2_100)]],
  [
    "C14",
    "empty, and something was there from begin to end",
    () => [published("a", 0), polled(100, []), polled(200, [["a", 1]]), ended("a 1", 300)],
  ],
  [
    "C14",
    "not woken by what was published",
    () => [
      polled(0, [], { waitMs: 5_000, takes: 5_005 }),
      published("a", 100),
      polled(5_006, [["a", 1]]),
      ended("a 1", 5_100),
    ],
  ],
  [
    "C14",
    "not woken by what was due again",
    () => [
      published("a", 0),
      polled(100, [["a", 1]]),
      polled(200, [], { waitMs: 5_000, takes: 5_005 }),
      polled(5_210, [["a", 2]]),
      ended("a 2", 5_300),
    ],
  ],
  ["C14", "empty before its wait has passed", () => [polled(0, [], { waitMs: 1_000 })]],
  ["C14", "empty long after its wait has passed", () => [polled(0, [], { waitMs: 1_000, takes: 2_100 })]],
  [
    "C1, C14",
    "a queue that stands still",
    () => [
      inOrder("a", 0),
      inOrder("b", 20),
      inOrder("c", 40),
      polledInOrder(100, [["a", 1]]),
      endedInOrder("a 1", 200),
    ],
  ],
];

describe("a history without fault", () => {
  it.each(GOOD)("%s: %s", (_property, _what, requests) => {
    expect(broken(requests())).toBe("");
  });

  it("there is for each property", () => {
    expect(new Set(GOOD.map(([property]) => property))).toEqual(new Set(Object.keys(PROPERTIES)));
  });
});

describe("a history with a fault", () => {
  it.each(BAD)("%s: %s", (properties, _what, requests) => {
    expect(broken(requests()).split(", ").sort()).toEqual(properties.split(", ").sort());
  });

  it("there is for each property", () => {
    expect(new Set(BAD.flatMap(([properties]) => properties.split(", ")))).toEqual(new Set(Object.keys(PROPERTIES)));
  });

  it("is shown by the fewest events", () => {
    const all = [
      published("a", 0),
      published("b", 0),
      polled(100, [
        ["a", 1],
        ["b", 1],
      ]),
      ended("b 1", 200),
      ended("a 1", 2_500),
    ];
    const [violation] = judgeHistory(historyOf([...all, drain()])).violations;
    const shown = violation?.evidence.map(({ f, type }) => `${f} ${type}`);
    expect(shown).toEqual(["consume invoke", "consume ok", "ack invoke", "ack ok"]);
    expect(violation?.evidence[1]?.res).toMatchObject({ got: [{ uid: "a" }] });
  });
});

describe("what became of messages", () => {
  it("is told in classes", () => {
    const { classes } = judgeHistory(
      historyOf([
        ...["ok", "lost", "rotten"].map((uid) => published(uid, 0)),
        published("recovered", 0, { as: "info" }),
        published("absent", 0, { as: "info" }),
        published("twice", 0, { as: "info" }),
        polled(100, [
          ["ok", 1],
          ["recovered", 1],
          ["rotten", 1, { sum: 0 }],
          ["foreign", 1],
          ["twice", 1],
          ["twice", 1, { id: "x", h: "y" }],
        ]),
        ...["ok", "recovered", "rotten", "foreign", "twice"].map((uid) => ended(`${uid} 1`, 200)),
        request("ack", 200, { topic: "t", group: "g", h: ["y"] }, { refused: [] }),
        drain(),
      ]),
    );
    expect(classes).toEqual({ ok: 1, lost: 1, recovered: 1, duplicated: 1, unexpected: 1, corrupted: 1 });
  });

  it("is not known without a drain, and that is said", () => {
    const { violations, notes } = judgeHistory(historyOf([published("a", 0)]));
    expect([violations.length, notes.length]).toEqual([0, 1]);
  });

  it("a drain without an end breaks C14", () => {
    const { counts } = judgeHistory(historyOf([drain(0, { as: "fail" })]));
    expect(counts).toEqual({ C14: 1 });
  });
});

describe("a long history", () => {
  it("of 50,000 events is judged as a short one is", () => {
    const uids = Array.from({ length: 8_333 }, (_, index) => `m${index}`);
    const requests = uids.flatMap((uid, index) => [
      inOrder(uid, index * 40),
      polledInOrder(index * 40 + 12, [[uid, 1]]),
      endedInOrder(`${uid} 1`, index * 40 + 25),
    ]);
    const after = uids.length * 40;
    const { events, violations, classes } = judgeHistory(historyOf([...requests, drain(after)]));
    expect(events).toBeGreaterThan(50_000);
    expect(violations).toEqual([]);
    expect(classes.ok).toBe(uids.length);
    const again = polledInOrder(after, [["m4000", 2, { first: EPOCH + 160_017 }]]);
    const { counts } = judgeHistory(historyOf([...requests, again, drain(after + 100)]));
    expect(counts).toEqual({ C3: 1, C7: 1, C13: 1 });
  });
});

describe("a file", () => {
  it("is judged as its events are, written by a HistoryWriter", async () => {
    const folder = await mkdtemp(join(tmpdir(), "stagemq-history-"));
    const file = join(folder, "history.jsonl");
    const writer = new HistoryWriter({ file });
    writer.settings(SETTINGS);
    writer.invoke("p", "publish", { topic: "t", uid: "a", sum: 1, props: 2, tag: "" }).ok({ id: "A" });
    writer.invoke("c", "consume", { topic: "t", group: "g", mode: "plain", max: 1, waitMs: 0 }).ok({ got: [] });
    await expect(writer.fault({ kind: "start" }, () => Promise.reject(new Error("it fell")))).rejects.toThrow(
      "it fell",
    );
    await writer.fault({ kind: "start" }, () => Promise.resolve());
    writer.invoke("d", "admin", { kind: "drain" }).ok({});
    writer.close();
    expect(await judgeHistoryFile(file)).toEqual(judgeHistory(writer.events));
    await writeFile(file, "{}\nno event\n");
    await expect(judgeHistoryFile(file)).rejects.toThrow(MalformedHistory);
    await rm(folder, { recursive: true });
  });

  it("is refused where a process does two things at once, or ends what it has not begun", () => {
    const [settings = [], a = [], b = []] = [historyOf([]), published("a", 0), published("b", 5)];
    const [invoke, ok] = a as [HistoryEvent, HistoryEvent];
    expect(() => judgeHistory([...settings, invoke, { ...b[0], p: invoke.p } as HistoryEvent])).toThrow(
      MalformedHistory,
    );
    expect(() => judgeHistory([...settings, ok])).toThrow(MalformedHistory);
    expect(() => judgeHistory(a)).toThrow(MalformedHistory);
  });
});
