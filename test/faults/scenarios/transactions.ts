import { join } from "node:path";
import { type Cast, TRANSACTIONS } from "../../crash/crowd.ts";
import { newDirectory } from "../../process/broker-process.ts";
import { CrowdRun } from "../crowd-run.ts";
import { killWhileSending } from "../kill-while-sending.ts";
import { scenario } from "../scenario.ts";

const TRANSACTORS = 16;
const CHECKERS = 3;
const CONSUMERS = 3;

export const transactions = scenario<{ readonly transactions: number; readonly kills: number }>({
  name: "transactions",
  does: "transactions that are committed or rolled back at once, late, in both ways at the same time, or at a back-check, and kills",
  short: { transactions: 1_000, kills: 1, withinS: 300 },
  full: { transactions: 50_000, kills: 5, withinS: 3_600 },
  cores: 2,
  async run({ transactions, kills }, random) {
    const run = await CrowdRun.begin({
      random,
      cast: castOf(transactions),
      settings: { drainWithinMs: 600_000, startWithinMs: 30_000 },
    });
    try {
      const dataDirectory = join(await newDirectory(), "data");
      const broker = await killWhileSending(run, dataDirectory, { kills, messages: transactions });
      return await run.expectKept(await run.finish(broker), { transactions, kills });
    } finally {
      run.close();
    }
  },
});

function castOf(transactions: number): Cast {
  const cast: Record<string, Cast[string]> = {};
  const messages = Math.ceil(transactions / TRANSACTORS);
  for (let number = 0; number < TRANSACTORS; number++)
    cast[`transactor ${number}`] = { does: "transact", messages, pausesUpToMs: 0 };
  for (let number = 0; number < CHECKERS; number++) cast[`checker ${number}`] = { does: "check" };
  for (let number = 0; number < CONSUMERS; number++)
    cast[`consumer ${number}`] = { does: "consume", topic: TRANSACTIONS, group: "GID_committed", mode: "plain" };
  return cast;
}
