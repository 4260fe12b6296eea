import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BrokerProcess, cleanUp } from "../process/broker-process.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");
const run = promisify(execFile);

/** What each prints. */
const PRINTED: Readonly<Record<string, readonly string[]>> = {
  "send-and-receive.ts": [
    "published with a message id",
    'received "hello" tag=english key=greeting-1 from=examples attempt 1',
    "acknowledged 1",
  ],
  "ordered-orders.ts": [
    "o-1: created, paid, shipped",
    "o-2: created, paid, shipped",
    "o-3: created, paid, shipped",
    "3 orders shipped",
  ],
  "transactional-payments.ts": ["p-1 booked", "p-2 refused: the amount", "p-3 left open", "the ledger saw p-1, p-3"],
  "delayed-reminder.ts": ["at once: 0 messages", "in time: drink some water"],
  "typed-bodies.ts": [
    'The property name "a:b" is not legal: not empty, no ":" and no "|".',
    "order o-1 of 995 cents",
    'spoilt: no order: {"id":7}',
  ],
};

describe("the examples", () => {
  let broker: BrokerProcess;
  beforeAll(async () => {
    broker = await BrokerProcess.start({ args: ["--ephemeral"] });
  });
  afterAll(cleanUp);

  test("are those that the page names, and each has its line of this test", () => {
    const files = readdirSync(EXAMPLES).filter((name) => name.endsWith(".ts") && name !== "connect.ts");
    const page = readFileSync(join(EXAMPLES, "README.md"), "utf8");
    const named = [...page.matchAll(/^\| \[([^\]]+)\]\(\1\)/gm)].map(([, name = ""]) => name);
    expect(named.toSorted()).toEqual(files.toSorted());
    expect(Object.keys(PRINTED).toSorted()).toEqual(files.toSorted());
  });

  test.concurrent.for(Object.entries(PRINTED))("%s", async ([file, printed]) => {
    const { stdout, stderr } = await run(process.execPath, ["--import", "tsx", join(EXAMPLES, file)], {
      env: { ...process.env, STAGEMQ_ENDPOINT: broker.endpoint },
      timeout: 120_000,
    });
    expect(stderr).toBe("");
    // Messages that share no sharding key may come in any order.
    expect(stdout.trimEnd().split("\n").toSorted()).toEqual(printed.toSorted());
  });
});
