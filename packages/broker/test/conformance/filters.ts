import { expect } from "vitest";
import { type Bench, bodiesOf, ordered } from "./bench.ts";
import type { Rule } from "./describe-messaging.ts";

const FORGETS = "a restart forgets which filters were used";

export function filterRules(rule: Rule): void {
  for (const [tags, expected] of [
    ["", ["a", "b", "c", "none"]],
    ["*", ["a", "b", "c", "none"]],
    [" * ", ["a", "b", "c", "none"]],
    ["A", ["a"]],
    ["A||B", ["a", "b"]],
    [" A || C ", ["a", "c"]],
    ["A||A", ["a"]],
    ["D", []],
  ] as const) {
    rule("TAG-1.1", `the filter "${tags}" matches ${expected.join(", ") || "nothing"}`, async (bench) => {
      await publishTagged(bench);
      expect(bodiesOf(await bench.receive({ tags }))).toEqual(expected);
    });

    rule("TAG-1.1", `so it does for an ordered poll: "${tags}"`, async (bench) => {
      await publishTagged(bench);
      expect(bodiesOf(await bench.receive({ tags, mode: "ordered" }))).toEqual(expected);
    });
  }

  rule("TAG-1.1", "a star beside others is a tag", async (bench) => {
    await bench.publish({ body: "star", tag: "*" });
    await publishTagged(bench);
    expect(bodiesOf(await bench.receive({ tags: "A||*" }))).toEqual(["star", "a"]);
  });

  rule("TAG-1.2", "tags are compared exactly, case-sensitively", async (bench) => {
    const tags = ["Paid", "paid", "PAID", "Paid2", "Pai", "支払い", "é", "e\u0301"];
    for (const tag of tags) await bench.publish({ tag, body: tag });
    for (const tag of tags) {
      expect(bodiesOf(await bench.receive({ tags: tag, group: `GID_${tags.indexOf(tag)}` }))).toEqual([tag]);
    }
  });

  rule("TAG-1.3", "an untagged message matches only everything", async (bench) => {
    await bench.publish({ tag: "" });
    expect(await bench.receive({ tags: "A||B", group: "GID_b" })).toEqual([]);
    expect(await bench.receive({ tags: "*" })).toHaveLength(1);
  });

  for (const mode of ["concurrent", "ordered"] as const) {
    rule(
      "TAG-2.1",
      `a message that the first filter does not match is passed over for good (${mode})`,
      async (bench) => {
        await publishTagged(bench);
        expect(bodiesOf(await bench.receive({ tags: "B", mode }))).toEqual(["b"]);
        expect(await bench.receive({ tags: "A||C" })).toEqual([]);
        expect(await bench.receive()).toEqual([]);
        expect(bodiesOf(await bench.receive({ group: "GID_b" }))).toEqual(["a", "b", "c", "none"]);
      },
    );

    rule("TAG-2.1", `also by a poll that finds nothing (${mode})`, async (bench) => {
      await bench.publish({ tag: "A" });
      expect(await bench.receive({ tags: "B", mode })).toEqual([]);
      expect(await bench.receive({ mode })).toEqual([]);
      expect(await bench.receive({ tags: "A", mode })).toEqual([]);
    });
  }

  rule(
    "TAG-2.1",
    "what was passed over stays so after a crash that comes a second later",
    async (bench) => {
      await bench.publish({ tag: "A" });
      expect(await bench.receive({ tags: "B" })).toEqual([]);
      await bench.advance(1_000);
      await bench.restart({ crash: true });
      expect(await bench.receive()).toEqual([]);
    },
    { restarts: true },
  );

  rule(
    "TAG-2.1",
    "and after one that comes at once, when something was delivered from that queue",
    async (bench) => {
      await bench.publish({ tag: "A" });
      await bench.receive({ tags: "B" });
      await bench.publish({ tag: "B", body: "b" });
      expect(bodiesOf(await bench.receive({ tags: "B" }))).toEqual(["b"]);
      await bench.restart({ crash: true });
      expect(await bench.receive()).toEqual([]);
    },
    { restarts: true },
  );

  rule("TAG-2.1", "a message not reached yet is not passed over", async (bench) => {
    await bench.publish({ body: "0", tag: "A" });
    await bench.publish({ body: "1", tag: "B" });
    expect(bodiesOf(await bench.receive({ tags: "A", max: 1 }))).toEqual(["0"]);
    expect(bodiesOf(await bench.receive({ tags: "B" }))).toEqual(["1"]);
  });

  for (const mode of ["concurrent", "ordered"] as const) {
    rule(
      "TAG-2.1",
      `a full batch of a${mode === "ordered" ? "n ordered" : " plain"} poll has reached nothing behind its last message`,
      async (bench) => {
        for (const tag of ["B", "C", "C", "B"]) await bench.publish({ tag, body: tag, intent: ordered("a") });
        const batch = await bench.receive({ tags: "B", max: 1, mode });
        expect(bodiesOf(batch)).toEqual(["B"]);
        await bench.acknowledge(batch);
        await bench.advance(300_001);
        expect(bodiesOf(await bench.receive({ mode }))).toEqual(["C", "C", "B"]);
      },
    );
  }

  rule("TAG-2.1", "a batch that retries filled has reached nothing that is new", async (bench) => {
    await bench.publish({ tag: "B", body: "retry" });
    await bench.receive({ tags: "B" });
    await bench.advance(300_000);
    for (const tag of ["A", "A", "B"]) await bench.publish({ tag, body: tag });
    expect(bodiesOf(await bench.receive({ tags: "B", max: 1 }))).toEqual(["retry"]);
    await bench.advance(300_001);
    expect(bodiesOf(await bench.receive())).toEqual(["retry", "A", "A", "B"]);
  });

  rule(
    "TAG-2.1",
    "a batch that is full by its bytes has reached nothing behind its last message",
    async (bench) => {
      await bench.publish({ tag: "B", body: "x".repeat(30) });
      await bench.publish({ tag: "C", body: "between" });
      await bench.publish({ tag: "B", body: "y".repeat(30) });
      expect(await bench.receive({ tags: "B" })).toHaveLength(1);
      await bench.advance(300_001);
      const all: string[] = [];
      for (let poll = 0; poll < 3; poll++) all.push(...bodiesOf(await bench.receive()));
      expect(all).toContain("between");
    },
    { settings: { maxBatchBytes: 40 } },
  );

  rule(
    "TAG-2.2",
    "a plain poll leaves, ready, what another filter of the last 5 min matches",
    async (bench) => {
      await bench.receive({ tags: "B" });
      await bench.advance(300_000);
      await publishTagged(bench);
      expect(bodiesOf(await bench.receive({ tags: "A" }))).toEqual(["a"]);
      expect(bodiesOf(await bench.receive({ tags: "B" }))).toEqual(["b"]);
      expect(await bench.receive()).toEqual([]);
    },
    { notWithRestarts: FORGETS },
  );

  rule(
    "TAG-2.2",
    "a filter that was not used for longer than 5 min is forgotten",
    async (bench) => {
      await bench.receive({ tags: "B" });
      await bench.advance(300_001);
      await publishTagged(bench);
      expect(bodiesOf(await bench.receive({ tags: "A" }))).toEqual(["a"]);
      expect(await bench.receive({ tags: "B" })).toEqual([]);
    },
    { notWithRestarts: FORGETS },
  );

  rule(
    "TAG-2.2",
    "where everything was asked for of late nothing is passed over",
    async (bench) => {
      await bench.receive({ tags: "*" });
      await publishTagged(bench);
      expect(bodiesOf(await bench.receive({ tags: "A" }))).toEqual(["a"]);
      expect(bodiesOf(await bench.receive({ tags: "*" }))).toEqual(["b", "c", "none"]);
    },
    { notWithRestarts: FORGETS },
  );

  rule(
    "TAG-2.2",
    "the filter of a poll that waits is in use, however the clock is set meanwhile",
    async (bench) => {
      const a = bench.poll({ tags: "A" });
      await bench.settle();
      const b = bench.poll({ tags: "B" });
      await bench.settle();
      await bench.clock.step(20_000);
      await bench.publish({ tag: "B" });
      expect(bodiesOf(await b)).toEqual(["hello"]);
      await bench.advance(30_000);
      expect(await a).toEqual([]);
    },
    { settings: { filterMemory: 5_000 }, notWithRestarts: FORGETS },
  );

  rule(
    "TAG-2.2",
    "with more filters than are remembered, what none of those matches is left alone",
    async (bench) => {
      await bench.receive({ tags: "B" });
      for (let other = 0; other < 70; other++) await bench.receive({ tags: `X${other}` });
      await publishTagged(bench);
      expect(bodiesOf(await bench.receive({ tags: "A" }))).toEqual(["a"]);
      expect(bodiesOf(await bench.receive({ tags: "B" }))).toEqual(["b"]);
    },
    { notWithRestarts: FORGETS },
  );

  rule(
    "TAG-2.2",
    "a filter of another group or topic keeps nothing",
    async (bench) => {
      await bench.receive({ tags: "B", group: "GID_b" });
      await bench.receive({ tags: "B", topic: "bills" });
      await bench.publish({ tag: "B" });
      expect(await bench.receive({ tags: "A" })).toEqual([]);
      expect(await bench.receive({ tags: "B" })).toEqual([]);
    },
    { notWithRestarts: FORGETS },
  );

  rule(
    "TAG-2.2",
    "a restart forgets them",
    async (bench) => {
      await bench.receive({ tags: "B" });
      await bench.restart();
      await bench.publish({ tag: "B" });
      expect(await bench.receive({ tags: "A" })).toEqual([]);
      expect(await bench.receive({ tags: "B" })).toEqual([]);
    },
    { restarts: true },
  );

  rule("TAG-2.3", "what was delivered once waits for a poll that matches", async (bench) => {
    await bench.publish({ tag: "A" });
    await bench.receive({ tags: "A" });
    await bench.advance(300_001);
    expect(await bench.receive({ tags: "B" })).toEqual([]);
    await bench.advance(86_400_000);
    expect(await bench.receive({ tags: "B" })).toEqual([]);
    expect(await bench.receive({ tags: "A" })).toMatchObject([{ attempt: 2 }]);
  });

  rule("TAG-2.3", "a poll that found nothing due for it finds what comes due later", async (bench) => {
    await bench.publish({ tag: "X" });
    await bench.receive({ tags: "X" });
    await bench.advance(60_000);
    await bench.publish({ tag: "Y" });
    await bench.receive({ tags: "Y" });
    await bench.advance(240_000);
    expect(await bench.receive({ tags: "Y" })).toEqual([]); // X is due, Y is not
    await bench.advance(60_000);
    expect(await bench.receive({ tags: "Y" })).toMatchObject([{ attempt: 2 }]);
    expect(await bench.receive({ tags: "X" })).toMatchObject([{ attempt: 2 }]);
  });

  rule("TAG-2.3", "what was delivered once is not passed over by an ordered poll either", async (bench) => {
    await bench.publish({ tag: "A", intent: ordered("a") });
    await bench.receive({ tags: "A", mode: "ordered" });
    await bench.advance(86_400_000);
    expect(await bench.receive({ tags: "B", mode: "ordered" })).toMatchObject([{ attempt: 2 }]);
  });
}

async function publishTagged(bench: Bench): Promise<void> {
  for (const tag of ["A", "B", "C"]) await bench.publish({ tag, body: tag.toLowerCase() });
  await bench.publish({ body: "none" });
}
