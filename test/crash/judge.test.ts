import { describe, expect, it } from "vitest";
import type { Delivery, Ending, History, Poll, Publication } from "./history.ts";
import { judge, type Property } from "./judge.ts";

/** Records made by hand: one that keeps every promise, and one for each way to break one. */

const SETTINGS = {
  invisibleFor: { concurrent: 2_000, ordered: 1_000, half: 1_000 },
  immunity: 1_000,
  startWithin: 10_000,
};

function aHistory(parts: Partial<History>): History {
  return { settings: SETTINGS, publications: [], polls: [], endings: [], starts: [], ...parts };
}

/** Confirmed within 10 ms. */
function published(body: string, at: number, parts: Partial<Publication> = {}): Publication {
  return { topic: "t", body, messageId: idOf(body), outcome: "ok", invokedAt: at, endedAt: at + 10, ...parts };
}

function publishedInOrder(body: string, at: number, parts: Partial<Publication> = {}): Publication {
  return published(body, at, { shardingKey: "k", ...parts });
}

function publishedHalf(body: string, at: number, parts: Partial<Publication> = {}): Publication {
  return published(body, at, { isHalf: true, handle: `publish ${body}`, ...parts });
}

/** Answered within 10 ms with what `got` says: a body, and which delivery it is. */
function polled(at: number, got: readonly [body: string, consumedTimes: number][], parts: Partial<Poll> = {}): Poll {
  const sort = parts.sort ?? "concurrent";
  const deliveries = got.map(([body, consumedTimes]) => ({
    ...delivered(body, consumedTimes, at + 5 + SETTINGS.invisibleFor[sort]),
    ...(sort === "half" ? { receiptHandle: `check ${body} ${consumedTimes}` } : {}),
  }));
  return { topic: "t", group: "g", sort, outcome: "ok", invokedAt: at, endedAt: at + 10, deliveries, ...parts };
}

function polledInOrder(at: number, ...got: [body: string, consumedTimes: number][]): Poll {
  return polled(at, got, { sort: "ordered" });
}

function checked(at: number, body: string, consumedTimes: number): Poll {
  return polled(at, [[body, consumedTimes]], { sort: "half" });
}

function unanswered(at: number, parts: Partial<Poll> = {}): Poll {
  return polled(at, [], { outcome: "unknown", ...parts });
}

function delivered(body: string, consumedTimes: number, nextConsumeTime: number): Delivery {
  const receiptHandle = `${body} ${consumedTimes}`;
  return { messageId: idOf(body), body, receiptHandle, consumedTimes, firstConsumeTime: 0, nextConsumeTime };
}

/** Confirmed within 10 ms. */
function ended(handle: string, at: number, parts: Partial<Ending> = {}): Ending {
  return { as: "acknowledge", handle, outcome: "ok", invokedAt: at, endedAt: at + 10, ...parts };
}

function idOf(body: string): string {
  return `ID-${body}`;
}

function propertiesBroken(history: History): Property[] {
  return [...new Set(judge(history).map(({ property }) => property))];
}

describe("a history without fault", () => {
  it("is one in which everything confirmed was delivered and acknowledged", () => {
    const history = aHistory({
      publications: [published("a", 0)],
      polls: [polled(100, [["a", 1]])],
      endings: [ended("a 1", 200)],
      starts: [{ startedAt: 50, servesAt: 1_000 }],
    });
    expect(judge(history)).toEqual([]);
  });

  it("may have messages that were not confirmed and came all the same, or never came", () => {
    const history = aHistory({
      publications: [
        { topic: "t", body: "came", ...unansweredAt(0) },
        { topic: "t", body: "never came", ...unansweredAt(0) },
        { topic: "t", body: "half, never stored", isHalf: true, ...unansweredAt(0) },
      ],
      polls: [polled(100, [["came", 1]])],
      endings: [ended("came 1", 200)],
    });
    expect(judge(history)).toEqual([]);
  });

  it("may count a delivery whose answer was lost, once it is due again", () => {
    const history = aHistory({
      publications: [published("a", 0)],
      polls: [unanswered(100), polled(2_200, [["a", 2]])],
      endings: [ended("a 2", 2_300)],
    });
    expect(judge(history)).toEqual([]);
  });

  it("may deliver once more what was acknowledged without an answer, or do without", () => {
    const history = aHistory({
      publications: [published("a", 0), published("b", 0)],
      polls: [
        polled(100, [
          ["a", 1],
          ["b", 1],
        ]),
        polled(2_200, [["a", 2]]),
      ],
      endings: [
        ended("a 1", 200, { outcome: "unknown" }),
        ended("b 1", 200, { outcome: "unknown" }),
        ended("a 2", 2_300),
      ],
    });
    expect(judge(history)).toEqual([]);
  });

  it("has exactly the unacknowledged again, in order, and then what is newer", () => {
    const history = aHistory({
      publications: ["a", "b", "c", "d"].map((body, index) => publishedInOrder(body, index * 20)),
      polls: [
        polledInOrder(100, ["a", 1], ["b", 1], ["c", 1]),
        polledInOrder(1_200, ["a", 2]),
        polledInOrder(1_400, ["c", 2]),
        polledInOrder(1_600, ["d", 1]),
      ],
      endings: [ended("b 1", 150), ended("a 2", 1_300), ended("c 2", 1_500), ended("d 1", 1_700)],
    });
    expect(judge(history)).toEqual([]);
  });

  it("has what was acknowledged without an answer again, in its place, also when one poll takes only a part", () => {
    const history = aHistory({
      publications: ["a", "b", "c"].map((body, index) => publishedInOrder(body, index * 20)),
      polls: [
        polledInOrder(100, ["a", 1], ["b", 1], ["c", 1]),
        polledInOrder(1_200, ["a", 2]),
        polledInOrder(2_300, ["a", 3], ["b", 2], ["c", 2]),
        polledInOrder(3_400, ["b", 3], ["c", 3]),
      ],
      endings: [
        ended("a 1", 200, { outcome: "unknown" }),
        ended("b 1", 200, { outcome: "unknown" }),
        ended("a 3", 2_400),
        ended("b 3", 3_500),
        ended("c 3", 3_500),
      ],
    });
    expect(judge(history)).toEqual([]);
  });

  it("has half messages committed at the publish or at a check, rolled back, and asked about again", () => {
    const history = aHistory({
      publications: [publishedHalf("now", 0), publishedHalf("later", 0), publishedHalf("never", 0)],
      polls: [
        polled(100, [["now", 1]]),
        checked(1_100, "later", 1),
        checked(2_200, "later", 2),
        polled(2_400, [["later", 1]]),
      ],
      endings: [
        ended("publish now", 50, { as: "commit" }),
        ended("publish never", 50, { as: "rollback" }),
        ended("check later 2", 2_300, { as: "commit" }),
        ended("now 1", 200),
        ended("later 1", 2_500),
      ],
    });
    expect(judge(history)).toEqual([]);
  });
});

function unansweredAt(at: number): Pick<Publication, "outcome" | "invokedAt" | "endedAt"> {
  return { outcome: "unknown", invokedAt: at, endedAt: at + 10 };
}

/** What is broken, and nothing else. */
const BROKEN: readonly [properties: string, what: string, parts: Partial<History>][] = [
  [
    "never-published",
    "a message that nobody published",
    { polls: [polled(100, [["a", 1]])], endings: [ended("a 1", 200)] },
  ],
  [
    "never-published",
    "a message whose publish was refused",
    {
      publications: [{ topic: "t", body: "a", outcome: "refused", invokedAt: 0, endedAt: 10 }],
      polls: [polled(100, [["a", 1]])],
      endings: [ended("a 1", 200)],
    },
  ],
  [
    "never-published, lost",
    "a message under another id than was confirmed",
    {
      publications: [published("a", 0, { messageId: "another" })],
      polls: [polled(100, [["a", 1]])],
      endings: [ended("a 1", 200)],
    },
  ],
  ["lost", "a confirmed message that never came", { publications: [published("a", 0)], polls: [polled(100, [])] }],
  [
    "lost",
    "a message that came to one group and never to another",
    {
      publications: [{ topic: "t", body: "a", ...unansweredAt(0) }],
      polls: [polled(100, [["a", 1]]), polled(100, [], { group: "other" })],
      endings: [ended("a 1", 200)],
    },
  ],
  [
    "lost",
    "a message without an end that did not come again",
    {
      publications: [published("a", 0)],
      polls: [polled(100, [["a", 1]]), polled(5_000, [])],
      endings: [ended("a 1", 2_300, { outcome: "refused" })],
    },
  ],
  [
    "lost",
    "a committed message that never came",
    {
      publications: [publishedHalf("a", 0)],
      polls: [polled(100, [])],
      endings: [ended("publish a", 50, { as: "commit" })],
    },
  ],
  [
    "lost",
    "a half message that was never asked about",
    { publications: [publishedHalf("a", 0)], polls: [polled(5_000, [])] },
  ],
  [
    "rolled-back",
    "a message that was rolled back",
    {
      publications: [publishedHalf("a", 0)],
      polls: [polled(100, [["a", 1]])],
      endings: [ended("publish a", 50, { as: "rollback" }), ended("a 1", 200)],
    },
  ],
  [
    "uncommitted",
    "a half message before its commit",
    {
      publications: [publishedHalf("a", 0)],
      polls: [polled(100, [["a", 1]])],
      endings: [ended("publish a", 500, { as: "commit" }), ended("a 1", 200)],
    },
  ],
  [
    "lost, uncommitted",
    "a half message whose commit was refused",
    {
      publications: [publishedHalf("a", 0)],
      polls: [polled(1_600, [["a", 1]])],
      endings: [ended("publish a", 1_500, { as: "commit", outcome: "refused" }), ended("a 1", 1_700)],
    },
  ],
  [
    "two-outcomes",
    "a transaction that was committed and rolled back",
    {
      publications: [publishedHalf("a", 0)],
      endings: [ended("publish a", 50, { as: "commit" }), ended("publish a", 60, { as: "rollback" })],
    },
  ],
  [
    "order",
    "a message before an earlier one of its key",
    {
      publications: [publishedInOrder("a", 0), publishedInOrder("b", 20)],
      polls: [polledInOrder(100, ["b", 1], ["a", 1])],
      endings: [ended("a 1", 200), ended("b 1", 200)],
    },
  ],
  [
    "gate",
    "a newer message while an earlier one has no end",
    {
      publications: [publishedInOrder("a", 0), publishedInOrder("b", 20)],
      polls: [polledInOrder(100, ["a", 1]), polledInOrder(200, ["b", 1])],
      endings: [ended("a 1", 300), ended("b 1", 300)],
    },
  ],
  [
    "gate",
    "a newer message together with one that comes again",
    {
      publications: [publishedInOrder("a", 0), publishedInOrder("b", 20)],
      polls: [polledInOrder(100, ["a", 1]), polledInOrder(1_200, ["a", 2], ["b", 1])],
      endings: [ended("a 1", 150, { outcome: "unknown" }), ended("a 2", 1_300), ended("b 1", 1_300)],
    },
  ],
  [
    "gate",
    "the unacknowledged again in another order",
    {
      publications: [publishedInOrder("a", 0), publishedInOrder("b", 20)],
      polls: [polledInOrder(100, ["a", 1], ["b", 1]), polledInOrder(1_200, ["b", 2], ["a", 2])],
      endings: [ended("a 2", 1_300), ended("b 2", 1_300)],
    },
  ],
  [
    "gate",
    "the second of the unacknowledged without the first",
    {
      publications: [publishedInOrder("a", 0), publishedInOrder("b", 20)],
      polls: [polledInOrder(100, ["a", 1], ["b", 1]), polledInOrder(1_200, ["b", 2]), polledInOrder(2_400, ["a", 2])],
      endings: [ended("b 2", 1_300), ended("a 2", 2_500)],
    },
  ],
  [
    "early",
    "a delivery in flight that came again before its NextConsumeTime",
    {
      publications: [published("a", 0)],
      polls: [polled(100, [["a", 1]]), polled(2_000, [["a", 2]])],
      endings: [ended("a 2", 2_300)],
    },
  ],
  [
    "early",
    "a NextConsumeTime that is nearer than the invisible time",
    {
      publications: [published("a", 0)],
      polls: [polled(100, [], { deliveries: [delivered("a", 1, 600)] })],
      endings: [ended("a 1", 200)],
    },
  ],
  [
    "early",
    "a check within the immunity",
    {
      publications: [publishedHalf("a", 0)],
      polls: [checked(500, "a", 1)],
      endings: [ended("check a 1", 600, { as: "rollback" })],
    },
  ],
  [
    "again",
    "a message that was acknowledged, however late it comes",
    {
      publications: [published("a", 0)],
      polls: [polled(100, [["a", 1]]), polled(3_000, [["a", 2]])],
      endings: [ended("a 1", 200), ended("a 2", 3_100)],
    },
  ],
  [
    "again",
    "a check of a transaction that has ended",
    {
      publications: [publishedHalf("a", 0)],
      polls: [checked(1_100, "a", 1)],
      endings: [ended("publish a", 50, { as: "rollback" })],
    },
  ],
  [
    "counting",
    "ConsumedTimes that leave a number out, with no answer lost",
    {
      publications: [published("a", 0)],
      polls: [polled(100, [["a", 1]]), polled(2_200, [["a", 3]])],
      endings: [ended("a 3", 2_300)],
    },
  ],
  [
    "counting",
    "ConsumedTimes that a crash set back",
    {
      publications: [published("a", 0)],
      polls: [
        polled(100, [["a", 1]]),
        unanswered(2_200),
        polled(4_400, [], { deliveries: [{ ...delivered("a", 1, 6_405), receiptHandle: "a new one" }] }),
      ],
      endings: [ended("a new one", 4_500)],
    },
  ],
  [
    "counting",
    "checks counted from the beginning after a crash",
    {
      publications: [publishedHalf("a", 0)],
      polls: [
        checked(1_100, "a", 1),
        polled(2_200, [], { sort: "half", deliveries: [{ ...delivered("a", 1, 3_205), receiptHandle: "a new one" }] }),
      ],
      endings: [ended("a new one", 2_300, { as: "rollback" })],
    },
  ],
  [
    "handle",
    "a handle that is refused before its time",
    {
      publications: [published("a", 0)],
      polls: [polled(100, [["a", 1]]), polled(2_200, [["a", 2]])],
      endings: [ended("a 1", 500, { outcome: "refused" }), ended("a 2", 2_300)],
    },
  ],
  [
    "handle",
    "a handle that is good after its time",
    { publications: [published("a", 0)], polls: [polled(100, [["a", 1]])], endings: [ended("a 1", 2_500)] },
  ],
  [
    "again, handle",
    "a handle that was given twice",
    {
      publications: [published("a", 0)],
      polls: [
        polled(100, [["a", 1]]),
        polled(2_200, [], { deliveries: [{ ...delivered("a", 2, 4_205), receiptHandle: "a 1" }] }),
      ],
      endings: [ended("a 1", 2_300)],
    },
  ],
  [
    "handle",
    "the handle of a half message refused before its first check",
    {
      publications: [publishedHalf("a", 0)],
      polls: [checked(1_100, "a", 1)],
      endings: [
        ended("publish a", 500, { as: "commit", outcome: "refused" }),
        ended("check a 1", 1_200, { as: "rollback" }),
      ],
    },
  ],
  ["slow-start", "a start that took too long", { starts: [{ startedAt: 0, servesAt: 10_001 }] }],
];

describe("a history with a fault", () => {
  it.each(BROKEN)("%s: %s", (properties, _what, parts) => {
    expect(propertiesBroken(aHistory(parts))).toEqual(properties.split(", "));
  });
});
