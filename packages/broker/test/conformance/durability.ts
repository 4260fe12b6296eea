import { expect } from "vitest";
import { type Bench, bodiesOf, refusalsOf, watch } from "./bench.ts";
import type { Rule } from "./describe-messaging.ts";

const HALF = { kind: "transactional", firstCheckAfter: 10_000 } as const;

export function durabilityRules(rule: Rule): void {
  waiting(rule);
  failing(rule);

  rule(
    "PUB-1.2",
    "whatever was confirmed survives a power cut, what was not confirmed may be lost",
    async (bench) => {
      await bench.publishAll(["0", "1"]);
      bench.holdSyncs();
      const lost = watch(bench.engine.publish(aCall, aRequest("lost")));
      await bench.settle();
      expect(lost()).toBe(false);
      await bench.restart({ crash: true });
      await bench.publish({ body: "2" });
      await bench.restart({ crash: true });
      expect(bodiesOf(await bench.receive())).toEqual(["0", "1", "2"]);
    },
    { restarts: true },
  );
}

const aCall = { caller: "test", requestId: "REQUEST", signal: new AbortController().signal };
const topic = { instance: "MQ_INST_test", topic: "orders" };
const group = { instance: "MQ_INST_test", group: "GID_a" };

function aRequest(body: string) {
  return { topic, message: { body, tag: "", key: "k", properties: [] }, intent: { kind: "normal" } } as const;
}

/** While no sync returns, nothing of this may be answered; once they do, it is. */
async function expectToWaitForTheDisk<Answer>(bench: Bench, ask: () => Promise<Answer>): Promise<Answer> {
  bench.holdSyncs();
  const answer = ask();
  const isAnswered = watch(answer);
  await bench.settle();
  await bench.clock.advance(60_000);
  expect(isAnswered()).toBe(false);
  bench.releaseSyncs();
  return answer;
}

/** R21. */
function waiting(rule: Rule): void {
  const options = { restarts: true };

  rule(
    "PUB-1.1",
    "no publish is answered before it is on disk, of whatever kind",
    async (bench) => {
      for (const intent of [{ kind: "normal" }, { kind: "delayed", deliverAt: bench.now + 600_000 }, HALF] as const) {
        const publish = () => bench.engine.publish(aCall, { ...aRequest("m"), intent });
        expect((await expectToWaitForTheDisk(bench, publish)).messageId).toHaveLength(32);
      }
    },
    options,
  );

  rule(
    "DEL-10.1",
    "no poll is answered with messages before their deliveries are on disk",
    async (bench) => {
      await bench.publish();
      const receive = () => bench.poll({ wait: 0 });
      expect(await expectToWaitForTheDisk(bench, receive)).toHaveLength(1);
    },
    options,
  );

  rule(
    "DEL-10.1",
    "no ordered poll and no poll for half messages is answered before it is on disk",
    async (bench) => {
      await bench.publish();
      await bench.publish({ intent: HALF });
      await bench.advance(11_000);
      expect(await expectToWaitForTheDisk(bench, () => bench.poll({ wait: 0, mode: "ordered" }))).toHaveLength(1);
      expect(await expectToWaitForTheDisk(bench, () => bench.pollHalf({ wait: 0 }))).toHaveLength(1);
    },
    options,
  );

  rule(
    "DEL-10.1",
    "no acknowledgement is answered before it is on disk, a second one neither",
    async (bench) => {
      await bench.publish();
      const handles = (await bench.receive()).map(({ handle }) => handle);
      const acknowledge = () => bench.engine.acknowledge(aCall, { topic, group, handles });
      const both = () => Promise.race([acknowledge(), acknowledge()]);
      expect(refusalsOf(await expectToWaitForTheDisk(bench, both))).toEqual([undefined]);
    },
    options,
  );

  for (const resolution of ["commit", "rollback"] as const) {
    rule(
      "TX-2.3",
      `no ${resolution} is answered before it is on disk, a second one neither`,
      async (bench) => {
        const { transactionHandle = "" } = await bench.publish({ intent: HALF });
        const end = () => bench.engine.endTransaction(aCall, { topic, handles: [transactionHandle], resolution });
        const both = () => Promise.race([end(), end()]);
        expect(refusalsOf(await expectToWaitForTheDisk(bench, both))).toEqual([undefined]);
      },
      options,
    );
  }
}

const NO_RESTART = { restarts: true, notWithRestarts: "a broker whose disk has failed is not stopped cleanly" };
const failed = { code: "storage-failed" };

function failing(rule: Rule): void {
  rule(
    "DUR-2.1",
    "the first failed sync stops the engine: nothing is answered any more",
    async (bench) => {
      await bench.publish();
      const [delivery] = await bench.receive();
      bench.failNextSync();
      await expect(bench.publish()).rejects.toMatchObject(failed);
      await expect(bench.publish()).rejects.toMatchObject(failed);
      await expect(bench.acknowledge([delivery?.handle ?? ""])).rejects.toMatchObject(failed);
      await expect(bench.end("commit", ["nonsense"])).rejects.toMatchObject(failed);
      await expect(bench.poll()).rejects.toMatchObject(failed);
      await expect(bench.pollHalf()).rejects.toMatchObject(failed);
      await expect(bench.receive({ group: "GID_b" })).rejects.toMatchObject(failed);
      await expect(bench.declareGroup("GID_c")).rejects.toMatchObject(failed);
    },
    NO_RESTART,
  );

  rule(
    "DUR-2.2",
    "every waiting request is refused, and the next start recovers what was confirmed",
    async (bench) => {
      await bench.publish({ body: "confirmed" });
      const polls = [bench.poll({ topic: "empty" }), bench.pollHalf({ topic: "half" })];
      await bench.settle();
      const refused = Promise.all(polls.map((poll) => expect(poll).rejects.toMatchObject(failed)));
      bench.failNextSync();
      const publishes = [1, 2, 3].map(() => expect(bench.publish()).rejects.toMatchObject(failed));
      await Promise.all([refused, ...publishes]);
      await bench.restart({ crash: true });
      expect(bodiesOf(await bench.receive())).toEqual(["confirmed"]);
    },
    NO_RESTART,
  );
}
