import type { Property } from "../violation.ts";
import {
  checked,
  commit,
  committed,
  dead,
  delivered,
  EPOCH,
  ended,
  endedInOrder,
  fault,
  firstDeliveredInOrder,
  half,
  inOrder,
  polled,
  polledInOrder,
  published,
  type Request,
  request,
  rollback,
  twoInOrder,
} from "./make-history.ts";

type Case = readonly [property: Property, what: string, requests: () => readonly Request[]];

/** For each property some that keep it, often only just. */
export const GOOD: readonly Case[] = [
  ["C1", "confirmed, delivered and acknowledged", () => [...delivered(), ended("a 1", 200)]],
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
  ["C1", "acknowledged without an answer, and never again", () => [...delivered(), ended("a 1", 200, { as: "info" })]],
  [
    "C1",
    "acknowledged without an answer, in vain",
    () => [...delivered(), ended("a 1", 200, { as: "info" }), polled(2_200, [["a", 2]]), ended("a 2", 2_300)],
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
      ...delivered(),
      polled(150, [["a", 2]], { takes: 2_000, waitMs: 3_000 }),
      ended("a 1", 2_000, { takes: 400, refused: true }),
      ended("a 2", 2_500),
    ],
  ],

  [
    "C4",
    "again at its NextConsumeTime, by a clock of whole milliseconds",
    () => [...delivered(), polled(2_096, [["a", 2]]), ended("a 2", 2_200)],
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
      ...delivered(),
      fault("clock", 500, 10, { offsetMs: 5_000 }),
      polled(600, [["a", 2, { next: EPOCH + 7_605 }]]),
      ended("a 2", 700),
    ],
  ],
  ["C4", "the same handle twice", () => [...delivered(), ended("a 1", 200), ended("a 1", 300)]],
  [
    "C4",
    "a handle of another group, refused",
    () => [
      ...delivered(),
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
    () => [...delivered(), polled(2_150, [], { as: "info" }), polled(2_300, [["a", 2]]), ended("a 2", 2_400)],
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
      ...twoInOrder(),
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
      ...twoInOrder(),
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
      ...firstDeliveredInOrder(),
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
    () => [...delivered(), ended("a 1", 200, { as: "info" }), ended("a 1", 2_200, { refused: true })],
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
