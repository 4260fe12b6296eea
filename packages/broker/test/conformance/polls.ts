import { expect } from "vitest";
import type { Delivery } from "../../src/engine/engine.ts";
import { type Bench, bodiesOf, ordered } from "./bench.ts";
import type { Rule } from "./describe-messaging.ts";

const TRANSACTIONAL = { kind: "transactional", firstCheckAfter: 10_000 } as const;

export function pollRules(rule: Rule): void {
  rule(
    "DEL-7.1, WIRE-75",
    "a poll returns as soon as one message is there, with at most as many as it asked for",
    async (bench) => {
      await bench.publish({ body: "0" });
      expect(bodiesOf(await bench.poll())).toEqual(["0"]);
      await bench.publishAll(["1", "2", "3", "4"]);
      expect(bodiesOf(await bench.receive({ max: 3 }))).toEqual(["1", "2", "3"]);
      expect(bodiesOf(await bench.receive({ max: 3 }))).toEqual(["4"]);
      const waiting = follow(bench.poll());
      await bench.settle();
      await bench.publish({ body: "5" });
      await bench.settle();
      expect(waiting.bodies).toEqual(["5"]);
      await bench.publishAll(Array.from({ length: 17 }, (_, index) => `${index + 6}`));
      expect(await bench.receive({ max: 16 })).toHaveLength(16);
      expect(bodiesOf(await bench.receive({ max: 16 }))).toEqual(["22"]);
    },
  );

  for (const mode of ["concurrent", "ordered"] as const) {
    rule(
      "DEL-7.2",
      `an answer carries at most so many bytes of bodies, but always one message (${mode})`,
      async (bench) => {
        for (const body of ["éé", "123456", "7", "too much by itself", "0"]) await bench.publish({ body });
        const batches: string[][] = [];
        for (let poll = 0; poll < 4; poll++) {
          const batch = await bench.receive({ mode });
          batches.push(bodiesOf(batch));
          await bench.acknowledge(batch);
        }
        expect(batches).toEqual([["éé", "123456"], ["7"], ["too much by itself"], ["0"]]);
      },
      { settings: { maxBatchBytes: 10 } },
    );

    rule(
      "DEL-7.2",
      `so does one that brings messages again (${mode})`,
      async (bench) => {
        await bench.publishAll(["12345", "12345", "x"]);
        await bench.receive({ mode, max: 2 });
        if (mode === "concurrent") await bench.receive({ mode });
        await bench.advance(300_000);
        expect(bodiesOf(await bench.receive({ mode }))).toEqual(["12345", "12345"]);
      },
      { settings: { maxBatchBytes: 10 } },
    );
  }

  rule(
    "DEL-7.3, WIRE-77",
    "with nothing to deliver a poll returns when it has waited, at most 1 s late",
    async (bench) => {
      expect(await bench.receive({ wait: 0 })).toEqual([]);
      const polls = [1_000, 15_000, 30_000].map((wait) => follow(bench.poll({ wait })));
      const answered = () => polls.map(({ bodies }) => bodies);
      await bench.settle();
      await bench.advance(999);
      expect(answered()).toEqual([undefined, undefined, undefined]);
      await bench.advance(1_001);
      expect(answered()).toEqual([[], undefined, undefined]);
      await bench.advance(14_000);
      expect(answered()).toEqual([[], [], undefined]);
      await bench.advance(13_999);
      expect(answered()).toEqual([[], [], undefined]);
      await bench.advance(1_001);
      expect(answered()).toEqual([[], [], []]);
    },
  );

  rule("DEL-7.3", "so does a poll for half messages", async (bench) => {
    const poll = follow(bench.pollHalf({ wait: 5_000 }));
    await bench.settle();
    await bench.advance(4_999);
    expect(poll.bodies).toBeUndefined();
    await bench.advance(1_001);
    expect(poll.bodies).toEqual([]);
  });

  const isWokenBy = (cause: string, bring: (bench: Bench) => Promise<() => Promise<Delivery[]>>, act: Act): void => {
    rule("DEL-7.4", `a waiting poll is woken by ${cause}`, async (bench) => {
      const startPoll = await bring(bench);
      const poll = follow(startPoll());
      await bench.settle();
      expect(poll.bodies).toBeUndefined();
      await act(bench);
      await bench.settle();
      expect(poll.bodies).toEqual(["hello"]);
    });
  };
  type Act = (bench: Bench) => Promise<unknown>;
  let held: readonly Delivery[] = [];
  let handle: string | undefined;

  for (const mode of ["concurrent", "ordered"] as const) {
    isWokenBy(
      `a publish (${mode})`,
      async (bench) => () => bench.poll({ mode }),
      (bench) => bench.publish(),
    );
  }
  isWokenBy(
    "a publish that gives its topic a kind",
    async (bench) => () => bench.poll({ mode: "ordered" }),
    (bench) => bench.publish({ intent: ordered("a") }),
  );
  isWokenBy(
    "a commit",
    async (bench) => {
      handle = (await bench.publish({ intent: TRANSACTIONAL })).transactionHandle;
      return () => bench.poll();
    },
    (bench) => bench.end("commit", [handle]),
  );
  isWokenBy(
    "a due time",
    async (bench) => {
      await bench.publish({ intent: { kind: "delayed", deliverAt: bench.clock.wall() + 7_000 } });
      return () => bench.poll();
    },
    (bench) => bench.advance(7_000),
  );
  isWokenBy(
    "the end of an invisible time",
    async (bench) => {
      await bench.publish();
      await bench.receive();
      await bench.advance(280_000);
      return () => bench.poll();
    },
    (bench) => bench.advance(20_000),
  );
  isWokenBy(
    "an opened gate",
    async (bench) => {
      await bench.publishAll(["first", "hello"], { intent: ordered("a") });
      held = await bench.receive({ mode: "ordered", max: 1 });
      return () => bench.poll({ mode: "ordered" });
    },
    (bench) => bench.acknowledge(held),
  );
  isWokenBy(
    "a give-back",
    async (bench) => {
      await bench.publish();
      held = await bench.receive();
      return () => bench.poll();
    },
    (bench) => bench.giveBack(held),
  );
  isWokenBy(
    "a give-back, where it opens a gate",
    async (bench) => {
      await bench.publish({ intent: ordered("a") });
      held = await bench.receive({ mode: "ordered" });
      return () => bench.poll({ mode: "ordered" });
    },
    (bench) => bench.giveBack(held),
  );
  isWokenBy(
    "a dead letter, where its topic is polled",
    async (bench) => {
      await bench.declareGroup("GID_a", { maxRetries: 0, from: "earliest", invisibleFor: 10_000 });
      await bench.publish();
      await bench.receive();
      return () => bench.poll({ topic: "%DLQ%GID_a" });
    },
    (bench) => bench.advance(10_000),
  );
  isWokenBy(
    "a dead letter, where it opens a gate",
    async (bench) => {
      await bench.declareGroup("GID_a", { maxRetries: 0, from: "earliest", orderedInvisibleFor: 10_000 });
      await bench.publishAll(["first", "hello"], { intent: ordered("a") });
      await bench.receive({ mode: "ordered", max: 1 });
      return () => bench.poll({ mode: "ordered" });
    },
    (bench) => bench.advance(10_000),
  );
  isWokenBy(
    "a half message whose check falls due",
    async (bench) => {
      await bench.publish({ intent: TRANSACTIONAL });
      return () => bench.pollHalf();
    },
    (bench) => bench.advance(11_000),
  );
  isWokenBy(
    "a half message that was given back",
    async (bench) => {
      await bench.publish({ intent: TRANSACTIONAL });
      await bench.advance(11_000);
      held = await bench.receiveHalf();
      return () => bench.pollHalf();
    },
    (bench) => bench.giveBack(held),
  );

  rule("DEL-7.4, WIRE-78", "a publish during a poll ends the poll while time stands still", async (bench) => {
    const poll = bench.poll();
    await bench.settle();
    await bench.publish();
    expect(bodiesOf(await poll)).toEqual(["hello"]);
  });

  rule("DEL-7.5", "waiting polls are served in order of arrival", async (bench) => {
    const polls = ["first", "second", "third"].map(() => follow(bench.poll({ max: 1 })));
    await bench.settle();
    const answers = () => polls.map(({ bodies }) => bodies);
    await bench.publish({ body: "0" });
    await bench.settle();
    expect(answers()).toEqual([["0"], undefined, undefined]);
    await bench.publish({ body: "1" });
    await bench.settle();
    expect(answers()).toEqual([["0"], ["1"], undefined]);
    await bench.publish({ body: "2" });
    await bench.settle();
    expect(answers()).toEqual([["0"], ["1"], ["2"]]);
  });

  rule("DEL-7.5", "also when several messages come at once", async (bench) => {
    await bench.publishAll(["0", "1", "2"]);
    const batch = await bench.receive();
    const polls = [2, 1, 1].map((max) => follow(bench.poll({ max })));
    await bench.settle();
    await bench.giveBack(batch);
    await bench.settle();
    expect(polls.map(({ bodies }) => bodies)).toEqual([["0", "1"], ["2"], undefined]);
  });

  rule("DEL-7.5", "a poll that arrives when something comes due is behind those who wait", async (bench) => {
    await bench.publish();
    await bench.receive();
    await bench.advance(290_000);
    const waiting = follow(bench.poll());
    await bench.settle();
    const due = bench.clock.advance(10_000);
    bench.clock.alarm(bench.now + 10_000, () => {});
    const late = follow(bench.poll());
    await due;
    expect([waiting.bodies, late.bodies]).toEqual([["hello"], undefined]);
  });

  rule("DEL-7.6", "a poll woken in vain keeps its place, and the next is tried", async (bench) => {
    const [first, second, third] = ["A", "B", "A"].map((tags) => follow(bench.poll({ tags, max: 1 })));
    await bench.settle();
    await bench.publish({ tag: "B", body: "b" });
    await bench.settle();
    expect([first?.bodies, second?.bodies, third?.bodies]).toEqual([undefined, ["b"], undefined]);
    await bench.publish({ tag: "A", body: "a" });
    await bench.settle();
    expect([first?.bodies, third?.bodies]).toEqual([["a"], undefined]);
  });

  rule("DEL-7.6", "an ordered poll woken in vain does not keep a plain one from its message", async (bench) => {
    await bench.publish({ body: "0" });
    await bench.receive();
    const inVain = follow(bench.poll({ mode: "ordered" }));
    const plain = follow(bench.poll());
    await bench.settle();
    await bench.publish({ body: "1" });
    await bench.settle();
    expect([inVain.bodies, plain.bodies]).toEqual([undefined, ["1"]]);
  });

  rule("DEL-7.6", "a poll woken in vain keeps its deadline", async (bench) => {
    const poll = follow(bench.poll({ tags: "A", wait: 10_000 }));
    await bench.settle();
    for (let second = 1; second <= 9; second++) {
      await bench.advance(1_000);
      await bench.publish({ tag: "B" });
    }
    expect(poll.bodies).toBeUndefined();
    await bench.advance(1_000);
    expect(poll.bodies).toEqual([]);
  });
}

/** A poll's answer, as soon as it is there. */
function follow(poll: Promise<Delivery[]>): { bodies?: readonly string[] } {
  const followed: { bodies?: readonly string[] } = {};
  poll.then(
    (deliveries) => {
      followed.bodies = bodiesOf(deliveries);
    },
    () => undefined,
  );
  return followed;
}
