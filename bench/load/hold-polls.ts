import { createHistogram } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import type { HttpConnection } from "../../packages/cli/src/bench/http-connection.ts";
import { type Caller, SignedOperation } from "../../packages/cli/src/bench/signed-operation.ts";
import { openConnections, publishDocument } from "./drivers/http-driver.ts";
import { type LatencyFigures, maxMs, percentileMs, recordMs } from "./figures.ts";

const WAIT_SECONDS = 30;
const WAKE_EVERY_MS = 10;
const PATIENCE_MS = 5_000;
/** Each topic has so many that wait, all of one group: a publish wakes one of them. */
const POLLS_A_TOPIC = 10;

/** Opens so many long polls of stagemq; what it resolves to wakes some of them, one publish each, and says how long that took. */
export async function holdPolls(
  port: number,
  { count, wakes }: { count: number; wakes: number },
): Promise<() => Promise<LatencyFigures>> {
  const endpoint = new URL(`http://127.0.0.1:${port}`);
  const caller: Caller = { endpoint, accessKeyId: "dev", accessKeySecret: "dev-secret", securityToken: undefined };
  const topics = Array.from({ length: Math.ceil(count / POLLS_A_TOPIC) }, (_, index) => `waited-for-${index}`);
  const connections = await openConnections(endpoint, count);
  const publishing = await openConnections(endpoint, topics.length > 64 ? 64 : topics.length);
  const histogram = createHistogram();
  const sentAt = new Map<string, number>();
  let woken = 0;
  let isOver = false;
  const topicOf = (index: number): string => topics[index % topics.length] ?? "";
  const wait = async (connection: HttpConnection, topic: string): Promise<void> => {
    const place = { name: "consume-messages", topic, consumer: "GID_waiting", mode: "concurrent", tag: "" } as const;
    const poll = new SignedOperation({ ...place, maxMessages: 1, waitSeconds: WAIT_SECONDS }, caller);
    while (!isOver) {
      const reply = await connection.exchange(poll.toBytes());
      const at = sentAt.get(topic);
      if (reply.status !== 200 || at === undefined) continue;
      recordMs(histogram, performance.now() - at);
      woken++;
    }
  };
  for (const [index, connection] of connections.entries()) wait(connection, topicOf(index)).catch(() => {});
  return async () => {
    const total = Math.min(wakes, topics.length);
    for (const [index, topic] of topics.slice(0, total).entries()) {
      const publish = new SignedOperation({ name: "publish-message", topic }, caller);
      sentAt.set(topic, performance.now());
      await publishing[index % publishing.length]?.exchange(
        publish.toBytes(publishDocument(`wake ${index}`, `KEYS:${index}|`)),
      );
      await pause(WAKE_EVERY_MS);
    }
    const deadline = performance.now() + PATIENCE_MS;
    while (woken < total && performance.now() < deadline) await pause(WAKE_EVERY_MS);
    isOver = true;
    for (const connection of [...connections, ...publishing]) connection.close();
    const [p50Ms, p99Ms] = [percentileMs(histogram, 50), percentileMs(histogram, 99)];
    return { count: woken, p50Ms, p99Ms, maxMs: maxMs(histogram), missing: total - woken };
  };
}
