import { setTimeout as sleep } from "node:timers/promises";
import type { BrokerProcess } from "../process/broker-process.ts";
import type { CrowdRun } from "./crowd-run.ts";

/** Kills the broker so often while so many messages are sent; resolves with the last one when all are. */
export async function killWhileSending(
  run: CrowdRun,
  dataDirectory: string,
  { kills, messages }: { readonly kills: number; readonly messages: number },
): Promise<BrokerProcess> {
  let broker = await run.start(dataDirectory);
  const allSent = run.crowd.allSent().then(() => "all sent");
  for (let kill = 1; kill <= kills; kill++) {
    while (run.crowd.sent < (messages * kill) / (kills + 1)) {
      if ((await Promise.race([allSent, sleep(20)])) !== undefined) break;
    }
    await run.kill(broker);
    broker = await run.start(dataDirectory);
  }
  await allSent;
  return broker;
}
