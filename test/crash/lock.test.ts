import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { BrokerProcess, cleanUp, DidNotStart, newDirectory } from "../process/broker-process.ts";

const ROUNDS = process.env.STAGEMQ_CI ? 100 : 5;
/** Where Node cuts the path of a socket short, and says nothing. */
const LONG_PATH_BYTES = 120;

afterAll(cleanUp);

describe("several brokers started at one instant on one directory", () => {
  it("DUR-4.1, DUR-4.2: exactly one serves, the others name it and end with 5, over what a killed one left", {
    timeout: 60_000 + ROUNDS * 3_000,
  }, async () => {
    const dataDirectory = await newDirectory();
    for (let round = 0; round < ROUNDS; round++) await race(round % 2 === 0 ? 4 : 2, dataDirectory);
    expect((await readdir(dataDirectory)).filter((name) => name !== "stagemq-reserve")).toHaveLength(3);
  });
});

describe("a data directory that is held", () => {
  it.concurrent("DUR-4.2: a second broker is refused with the holder's pid and the directory, and the holder goes on", async () => {
    const holder = await BrokerProcess.start();
    const dataDirectory = holder.ready.dataDirectory ?? "";
    const [second] = await Promise.allSettled([BrokerProcess.start({ dataDirectory })]);
    if (second.status === "fulfilled") expect.fail("It serves too.");
    expectRefusal(second.reason, dataDirectory, holder.ready.pid);
    expect((await fetch(holder.endpoint)).status).toBe(400);
    await holder.stop();
  });

  it.concurrent("DUR-4.1: is free at once after kill -9, and after a clean stop", async () => {
    const dataDirectory = await newDirectory();
    const killed = await BrokerProcess.start({ dataDirectory });
    await killed.kill();
    const stopped = await BrokerProcess.start({ dataDirectory });
    await stopped.stop();
    await (await BrokerProcess.start({ dataDirectory })).stop();
    expect((await readdir(dataDirectory)).filter((name) => name.includes("lock"))).toEqual([]);
  });

  it.concurrent("DUR-4.1, DUR-4.2: is held and given free where its path is longer than a socket's may be", async () => {
    const roof = await newDirectory();
    const dataDirectory = join(roof, "d".repeat(LONG_PATH_BYTES - roof.length - 1));
    expect(dataDirectory).toHaveLength(LONG_PATH_BYTES);
    await race(2, dataDirectory);
    await race(2, dataDirectory);
  });
});

/** Starts so many at one instant: one serves, the others give up and name it. The one that serves is killed in the end. */
async function race(starters: number, dataDirectory: string): Promise<void> {
  const starts = Array.from({ length: starters }, () => BrokerProcess.start({ dataDirectory }));
  const ends = await Promise.allSettled(starts);
  const serving = ends.flatMap((end) => (end.status === "fulfilled" ? [end.value] : []));
  expect(serving, "brokers that serve").toHaveLength(1);
  const [winner] = serving as [BrokerProcess];
  const refused = ends.flatMap((end) => (end.status === "rejected" ? [end.reason] : []));
  for (const reason of refused) expectRefusal(reason, dataDirectory, winner.ready.pid);
  await winner.kill();
}

function expectRefusal(reason: unknown, directory: string, holder: number): void {
  expect(reason).toBeInstanceOf(DidNotStart);
  const { ended, errorOutput } = reason as DidNotStart;
  expect(errorOutput).toBe(
    `${directory} is in use by another stagemq (pid ${holder}). Stop it, or use another directory: --data DIR.\n`,
  );
  expect(ended).toEqual({ code: 5, signal: null });
}
