import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MalformedHistory } from "../evidence.ts";
import type { HistoryEvent } from "../history.ts";
import { HistoryWriter } from "../history-writer.ts";
import { judgeHistory, judgeHistoryFile } from "../judge-history.ts";
import { PROPERTIES } from "../violation.ts";
import { BAD } from "./bad-histories.ts";
import { GOOD } from "./good-histories.ts";
import {
  drain,
  EPOCH,
  ended,
  endedInOrder,
  historyOf,
  inOrder,
  polled,
  polledInOrder,
  published,
  type Request,
  request,
  SETTINGS,
} from "./make-history.ts";

/** Histories made by hand, judged. */

function broken(requests: readonly Request[]): string {
  const { violations, notes } = judgeHistory(historyOf([...requests, drain()]));
  expect(notes).toEqual([]);
  for (const { evidence } of violations) expect(evidence.length).toBeGreaterThan(0);
  return [...new Set(violations.map(({ property }) => property))].join(", ");
}

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
