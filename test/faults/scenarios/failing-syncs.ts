import { join } from "node:path";
import type { SeededRandom } from "../../crash/seeded-random.ts";
import { readTrace, straceTo } from "../../crash/system-calls.ts";
import { BrokerProcess, DidNotStart, newDirectory } from "../../process/broker-process.ts";
import { hold } from "../front-door/figures.ts";
import { strace } from "../requirements.ts";
import { scenario } from "../scenario.ts";
import { SimpleClient } from "../simple-client.ts";

const TOPIC = "synced";
const PRODUCERS = 4;
/** Of one thread: there are four. */
const LATEST_SYNC = 60;
/** More than so many syncs take. */
const MOST_PUBLISHES = 5_000;

export const failingSyncs = scenario<{ readonly failures: number }>({
  name: "failing-syncs",
  does: "the n-th fdatasync of a thread fails with EIO: nothing is confirmed that no sync has covered, exit code 70, and the next start has all that was confirmed",
  needs: [strace],
  short: { failures: 3, withinS: 300 },
  full: { failures: 20, withinS: 900 },
  async run({ failures }, random) {
    const sum = { failures, confirmed: 0, refused: 0, failedAtStart: 0 };
    for (let failure = 1; failure <= failures; failure++) {
      const { confirmed, refused, isStarted } = await failOnce(
        failure === 1 ? 1 : 1 + random.below(LATEST_SYNC),
        random,
      );
      sum.confirmed += confirmed;
      sum.refused += refused;
      if (!isStarted) sum.failedAtStart += 1;
    }
    return sum;
  },
});

async function failOnce(nth: number, random: SeededRandom) {
  const dataDirectory = join(await newDirectory(), "data");
  const trace = join(await newDirectory(), "trace");
  const inject = ["-e", `inject=fdatasync:error=EIO:when=${nth}`];
  const [program = "", ...args] = straceTo(trace);
  const options = { dataDirectory, environment: { STAGEMQ_LOG_LEVEL: "warn" } };
  const under = [program, ...inject, ...args];
  const broker = await BrokerProcess.start({ ...options, under }).catch((error: unknown) => {
    if (error instanceof DidNotStart && error.ended?.code === 70) return undefined;
    throw error;
  });
  if (broker === undefined) return { confirmed: 0, refused: 0, isStarted: false };
  const confirmed: string[] = [];
  let refused = 0;
  await Promise.all(
    Array.from({ length: PRODUCERS }, async (_, producer) => {
      const client = new SimpleClient(broker.endpoint);
      for (let number = 0; number < MOST_PUBLISHES; number++) {
        const body = `<${producer}-${number}-${random.below(1_000_000)}>`;
        const status = await client.publish(TOPIC, body);
        if (status === 201) confirmed.push(body);
        else {
          refused += 1;
          hold("who is not confirmed is told 500, or nothing", status === 0 || status === 500, { nth, status });
          break;
        }
      }
      client.close();
    }),
  );
  const { code } = await broker.ended;
  const figures = { nth, confirmed: confirmed.length, refused, code: `${code}`, log: broker.log.slice(-500) };
  hold("it exits with 70", code === 70, figures);
  const calls = await readTrace(trace);
  const syncs = calls
    .filter(({ name, result }) => name === "fdatasync" && result === "0")
    .map(({ begunAt }) => begunAt);
  const lastSync = Math.max(-1, ...syncs);
  const writes = calls.filter(({ name }) => name.startsWith("pwrite") || name.startsWith("write"));
  for (const body of confirmed) {
    // As XML on the socket, as it is in the journal.
    const written = writes.find(({ parameters }) => parameters.includes(".seg>") && parameters.includes(body));
    hold("a sync was begun after what is confirmed was written", written !== undefined && written.endedAt < lastSync, {
      ...figures,
      body,
    });
  }
  const next = await BrokerProcess.start(options);
  const client = new SimpleClient(next.endpoint);
  const there = new Set(await client.drain(TOPIC, "GID_after"));
  client.close();
  await next.stop();
  hold(
    "the next start has all that was confirmed",
    confirmed.every((body) => there.has(body)),
    figures,
  );
  return { confirmed: confirmed.length, refused, isStarted: true };
}
