import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BrokerProcess } from "../../process/broker-process.ts";
import { SmallDisk } from "../disks/small-disk.ts";
import { hold, percentile } from "../front-door/figures.ts";
import { mounts } from "../requirements.ts";
import { scenario } from "../scenario.ts";
import { SimpleClient } from "../simple-client.ts";

const TOPIC = "full";
const GROUP = "GID_full";
const BODY = "x".repeat(2_000);
/** Five times what is promised. */
const REFUSED_WITHIN_MS = 5_000;
const RESUMED_WITHIN_MS = 25_000;
const FULL_FOR_MS = 2_000;
const ENVIRONMENT = { STAGEMQ_MIN_FREE_BYTES: "8MiB", STAGEMQ_RESERVE_BYTES: "8MiB", STAGEMQ_LOG_LEVEL: "warn" };

export const fullDisk = scenario<{ readonly rounds: number }>({
  name: "full-disk",
  does: "a disk of 64 MB is filled to the last byte again and again: publishes are refused soon, polls and acknowledgements go on, a start works, publishing resumes",
  needs: [mounts],
  short: { rounds: 2, withinS: 300 },
  full: { rounds: 30, withinS: 900 },
  cores: 0.5,
  async run({ rounds }) {
    const disk = await SmallDisk.make();
    const dataDirectory = join(disk.directory, "data");
    let broker = await BrokerProcess.start({ dataDirectory, environment: ENVIRONMENT });
    try {
      const confirmed = new Set<string>();
      const got = new Set<string>();
      const refusedAfter: number[] = [];
      const resumedAfter: number[] = [];
      const sum = { rounds, acknowledgedWhileFull: 0, startedWhileFull: 0, slowestRefusalMs: 0 };
      for (let round = 1; round <= rounds; round++) {
        let client = new SimpleClient(broker.endpoint);
        const publish = async (number: number) => {
          const body = `${round}-${number} ${BODY}`;
          const status = await client.publish(TOPIC, body);
          if (status === 201) confirmed.add(body);
          hold("a publish is confirmed or refused with 503", status === 201 || status === 503, { round, status });
          return status;
        };
        const consume = async () => {
          const messages = await client.poll(TOPIC, GROUP, { max: 1 });
          for (const { body } of messages) got.add(body);
          const status = messages.length === 0 ? 204 : await client.acknowledge(TOPIC, GROUP, messages);
          hold("acknowledgements go on", status === 204, { round, status });
          return messages.length;
        };
        for (let number = 0; number < 20; number++) await publish(number);
        await disk.fillUp();
        refusedAfter.push(await until((number) => publish(100 + number).then((status) => status === 503)));
        const fullUntil = performance.now() + FULL_FOR_MS;
        for (let number = 1_000; performance.now() < fullUntil; number++) {
          const askedAt = performance.now();
          hold("it stays refused while there is no space", (await publish(number)) === 503, { round });
          sum.slowestRefusalMs = Math.max(sum.slowestRefusalMs, Math.round(performance.now() - askedAt));
          sum.acknowledgedWhileFull += await consume();
          await sleep(50);
        }
        if (round % 2 === 0) {
          client.close();
          await broker.kill();
          await disk.fillUp();
          broker = await BrokerProcess.start({ dataDirectory, environment: ENVIRONMENT });
          client = new SimpleClient(broker.endpoint);
          sum.startedWhileFull += 1;
          sum.acknowledgedWhileFull += await consume();
          hold("a start on a full disk refuses publishes", (await publish(2_000)) === 503, { round });
        }
        await disk.makeRoom();
        resumedAfter.push(await until((number) => publish(3_000 + number).then((status) => status === 201)));
        client.close();
      }
      const client = new SimpleClient(broker.endpoint);
      for (const body of await client.drain(TOPIC, GROUP)) got.add(body);
      const all = await client.drain(TOPIC, "GID_all");
      client.close();
      const { code } = await broker.stop();
      const figures = {
        ...sum,
        confirmed: confirmed.size,
        refusedAfterMs: percentile(refusedAfter, 100),
        resumedAfterMs: percentile(resumedAfter, 100),
      };
      hold("it stops well", code === 0, { ...figures, code: `${code}` });
      hold(
        "what was confirmed is all there",
        [...confirmed].every((body) => all.includes(body)),
        figures,
      );
      hold("something was acknowledged while the disk was full", sum.acknowledgedWhileFull > 0, figures);
      hold("publishes are refused soon", figures.refusedAfterMs <= REFUSED_WITHIN_MS, figures);
      hold("each refusal comes soon", figures.slowestRefusalMs <= REFUSED_WITHIN_MS, figures);
      hold("publishing resumes soon", figures.resumedAfterMs <= RESUMED_WITHIN_MS, figures);
      return figures;
    } finally {
      await broker.kill();
      await disk.unmount();
    }
  },
});

/** How many milliseconds it took until this was so. */
async function until(isSo: (number: number) => Promise<boolean>): Promise<number> {
  const since = performance.now();
  for (let number = 0; !(await isSo(number)); number++) {
    const gone = performance.now() - since;
    if (gone > 2 * RESUMED_WITHIN_MS) throw new Error(`not so after ${gone} ms`);
    await sleep(20);
  }
  return performance.now() - since;
}
