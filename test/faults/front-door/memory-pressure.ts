import { BrokerProcess } from "../../process/broker-process.ts";
import { RawClient } from "../../process/raw-client.ts";
import { aMessage, formatRequest } from "../../process/signed-request.ts";
import { type Figures, hold } from "./figures.ts";
import { makeMemoryGroup } from "./memory-group.ts";
import { memoryOf } from "./process-memory.ts";

export interface MemoryPressure {
  readonly publishes?: number;
}

const MIB = 1_024 * 1_024;
const GROUP_BYTES = 512 * MIB;
const SHARED_READ_BYTES = 64 * MIB;

/**
 * S10: many publishes of 4 MB at once, more than could ever be in memory together. Bodies wait in their sockets (REQ-2), each is answered,
 * and the process stays within its memory: the bound of a control group where one can be made, else what it took at its highest.
 */
export async function run({ publishes = 200 }: MemoryPressure = {}): Promise<Figures> {
  const group = await makeMemoryGroup(GROUP_BYTES);
  const broker = await BrokerProcess.start({
    under: group?.under ?? [],
    environment: { STAGEMQ_SHARED_READ_BYTES: `${SHARED_READ_BYTES / MIB}MiB`, STAGEMQ_LOG_LEVEL: "warn" },
  });
  try {
    const atFirst = await memoryOf(broker.ready.pid);
    const startedAt = performance.now();
    const large = formatRequest({ body: aMessage({ body: "x".repeat(4_000_000) }) });
    const statuses = await Promise.all(Array.from({ length: publishes }, () => statusOf(broker, large)));
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    const { peakMiB } = await memoryOf(broker.ready.pid).catch(() => ({ peakMiB: Number.POSITIVE_INFINITY }));
    const figures = {
      publishes,
      answered201: statuses.filter((status) => status === 201).length,
      seconds,
      memoryAtFirstMiB: atFirst.nowMiB,
      memoryAtMostMiB: peakMiB,
      boundBy: group === undefined ? "nothing: no control group can be made here" : "a control group of 512 MiB",
      killsForMemory: (await group?.countKills()) ?? 0,
    };
    hold("every publish is answered with success", figures.answered201 === publishes, figures);
    hold("nobody is killed for want of memory", figures.killsForMemory === 0, figures);
    // A group's bound is the kernel's. What a process maps of its program counts for it too, though another group may pay for it.
    hold("it stays within 512 MiB", group !== undefined || peakMiB <= GROUP_BYTES / MIB, figures);
    return figures;
  } finally {
    await broker.kill();
    await group?.remove();
  }
}

/** 0 where no answer came. */
async function statusOf({ endpoint }: BrokerProcess, request: Buffer): Promise<number> {
  const client = await RawClient.connect(endpoint);
  client.send(request);
  const response = await client.response().catch(() => undefined);
  client.close();
  return response?.status ?? 0;
}
