import { join } from "node:path";
import { type Cast, ORDERED } from "../../crash/crowd.ts";
import { newDirectory } from "../../process/broker-process.ts";
import { CrowdRun } from "../crowd-run.ts";
import { killWhileSending } from "../kill-while-sending.ts";
import { scenario } from "../scenario.ts";

const PRODUCERS = 8;
const CONSUMERS = 16;
/** Of one sharding key. */
const MESSAGES = 200;
/** Every fourth consumer belongs to a second group. */
const groupOf = (consumer: number) => (consumer % 4 === 3 ? "GID_second" : "GID_first");

export const ordered = scenario<{ readonly keys: number; readonly messagesOfAKey: number; readonly kills: number }>({
  name: "ordered",
  does: "8 producers and 16 consumers in two groups, 200 messages of each sharding key, acknowledgements lost at random, and kills: no inversion, no gate broken",
  short: { keys: 20, messagesOfAKey: 100, kills: 1, withinS: 300 },
  full: { keys: 1_000, messagesOfAKey: MESSAGES, kills: 5, withinS: 4_800 },
  cores: 2,
  async run({ keys, messagesOfAKey, kills }, random) {
    const messages = keys * messagesOfAKey;
    const run = await CrowdRun.begin({
      random,
      cast: castOf(keys, messages),
      settings: { drainWithinMs: 900_000, startWithinMs: 30_000 },
    });
    try {
      const dataDirectory = join(await newDirectory(), "data");
      const broker = await killWhileSending(run, dataDirectory, { kills, messages });
      return await run.expectKept(await run.finish(broker), { keys, kills });
    } finally {
      run.close();
    }
  },
});

/** Each producer has its keys, and shares them with the next one. */
function castOf(keys: number, messages: number): Cast {
  const all = Array.from({ length: keys }, (_, key) => `key-${key}`);
  const cast: Record<string, Cast[string]> = {};
  for (let producer = 0; producer < PRODUCERS; producer++) {
    const [first = "", ...more] = all.filter(
      (_, key) => key % PRODUCERS === producer || key % PRODUCERS === (producer + 1) % PRODUCERS,
    );
    cast[`producer ${producer}`] = {
      does: "publish",
      topic: ORDERED,
      keys: [first, ...more],
      messages: messages / PRODUCERS,
      pausesUpToMs: 0,
    };
  }
  for (let consumer = 0; consumer < CONSUMERS; consumer++) {
    const group = groupOf(consumer);
    cast[`consumer ${consumer}`] = { does: "consume", topic: ORDERED, group, mode: "ordered", acknowledges: 92 };
  }
  return cast;
}
