import {
  bothDeliveredInOrder,
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

/** For each property some that break it and nothing else. */
export const BAD: readonly (readonly [properties: string, what: string, requests: () => readonly Request[]])[] = [
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
  ["C1", "without an end, and did not come again", () => [...delivered(), ended("a 1", 2_300, { refused: true })]],
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
    () => [...delivered(), ended("a 1", 200), polled(3_000, [["a", 2]]), ended("a 2", 3_100)],
  ],
  ["C3, C9", "asked about after its end", () => [half("a", 0), rollback("publish a", 50), checked(700, [["a", 1]])]],

  [
    "C4, C13",
    "again before its NextConsumeTime",
    () => [...delivered(), polled(2_060, [["a", 2]]), ended("a 2", 2_300)],
  ],
  [
    "C4, C13",
    "a NextConsumeTime that is too near",
    () => [published("a", 0), polled(100, [["a", 1, { next: EPOCH + 600, first: EPOCH - 1_400 }]]), ended("a 1", 200)],
  ],
  [
    "C4, C13",
    "a handle refused in time",
    () => [...delivered(), ended("a 1", 500, { refused: true }), polled(2_200, [["a", 2]]), ended("a 2", 2_300)],
  ],
  ["C4, C13", "a handle good after its time", () => [...delivered(), ended("a 1", 2_500)]],
  ["C4", "a handle that nobody was given", () => [ended("a 1", 100)]],
  [
    "C4",
    "a handle of another group",
    () => [
      ...delivered(),
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
    () => [...delivered(), polled(2_200, [["a", 3]]), ended("a 3", 2_300)],
  ],
  [
    "C5, C13",
    "two counts in less than an invisible time, though an answer was lost",
    () => [...delivered(), polled(2_150, [], { as: "info" }), polled(2_300, [["a", 3]]), ended("a 3", 2_400)],
  ],
  [
    "C5, C13",
    "the same number twice",
    () => [
      ...delivered(),
      polled(2_200, [["a", 1, { h: "x", first: EPOCH + 105 }]]),
      request("ack", 2_300, { topic: "t", group: "g", h: ["x"] }, { refused: [] }),
    ],
  ],
  [
    "C5",
    "another FirstConsumeTime",
    () => [...delivered(), polled(2_200, [["a", 2, { first: EPOCH + 2_000 }]]), ended("a 2", 2_300)],
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
      ...twoInOrder(),
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
      ...firstDeliveredInOrder(),
      polledInOrder(200, [["b", 1]]),
      endedInOrder("a 1", 300),
      endedInOrder("b 1", 300),
    ],
  ],
  [
    "C7",
    "something newer joins what comes again",
    () => [
      ...firstDeliveredInOrder(),
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
      ...bothDeliveredInOrder(),
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
      ...bothDeliveredInOrder(),
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
      ...firstDeliveredInOrder(),
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
      ...delivered(),
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
    () => [...twoInOrder(), inOrder("c", 40), polledInOrder(100, [["a", 1]]), endedInOrder("a 1", 200)],
  ],
];
