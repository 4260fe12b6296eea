import { join } from "node:path";
import { BrokerProcess, newDirectory } from "../../process/broker-process.ts";
import { hold, percentile } from "../front-door/figures.ts";
import { memoryOf } from "../front-door/process-memory.ts";
import { strace } from "../requirements.ts";
import { scenario } from "../scenario.ts";
import { SimpleClient } from "../simple-client.ts";

const TOPIC = "slow";
const DELAY_US = 200_000;
const CLIENTS = 32;
const BODY = "x".repeat(1_024);
const WARM_UP_MS = 3_000;
const GROWS_BY_AT_MOST_MIB = 50;

export const slowDisk = scenario<{ readonly seconds: number }>({
  name: "slow-disk",
  does: "each sync takes 200 ms: 32 clients that publish all the time are all confirmed, and memory stays bounded",
  needs: [strace],
  short: { seconds: 10, withinS: 300 },
  full: { seconds: 600, withinS: 700 },
  cores: 0.5,
  async run({ seconds }) {
    const file = join(await newDirectory(), "trace");
    const inject = ["-e", "trace=fdatasync", "-e", `inject=fdatasync:delay_enter=${DELAY_US}`];
    const under = ["strace", "-f", "-qq", "-e", "signal=none", ...inject, "-o", file];
    const dataDirectory = join(await newDirectory(), "data");
    const broker = await BrokerProcess.start({ dataDirectory, under, environment: { STAGEMQ_LOG_LEVEL: "warn" } });
    const tookMs: number[] = [];
    const bad: number[] = [];
    const endsAt = performance.now() + seconds * 1_000;
    const clients = Array.from({ length: CLIENTS }, async () => {
      const client = new SimpleClient(broker.endpoint);
      while (performance.now() < endsAt) {
        const askedAt = performance.now();
        const status = await client.publish(TOPIC, BODY);
        tookMs.push(performance.now() - askedAt);
        if (status !== 201) bad.push(status);
      }
      client.close();
    });
    await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
    const { nowMiB: warmMiB } = await memoryOf(broker.ready.pid);
    await Promise.all(clients);
    const { nowMiB } = await memoryOf(broker.ready.pid);
    const { code } = await broker.stop();
    const figures = {
      seconds,
      clients: CLIENTS,
      confirmed: tookMs.length - bad.length,
      notConfirmed: bad.length,
      p99Ms: percentile(tookMs, 99),
      slowestMs: percentile(tookMs, 100),
      grewByMiB: nowMiB - warmMiB,
    };
    hold("everybody is confirmed", bad.length === 0 && tookMs.length > 0, figures);
    hold("memory stays bounded", figures.grewByMiB <= GROWS_BY_AT_MOST_MIB, figures);
    hold("it stops well", code === 0, { ...figures, code: `${code}` });
    return figures;
  },
});
