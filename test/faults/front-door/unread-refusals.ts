import { BrokerProcess } from "../../process/broker-process.ts";
import { RawClient } from "../../process/raw-client.ts";
import { type AnyRequest, aMessage, formatRequest } from "../../process/signed-request.ts";
import { type Figures, hold } from "./figures.ts";
import { memoryOf } from "./process-memory.ts";

export interface UnreadRefusals {
  readonly requests?: number;
}

const MIB = 1_024 * 1_024;
const SHARED_READ_MIB = 32;

/** S2: what the headers decide is refused and thrown away as it comes, what only the document tells stays within the shared limit. */
export async function run({ requests = 200 }: UnreadRefusals = {}): Promise<Figures> {
  const large = aMessage({ body: "x".repeat(4 * MIB + 1) });
  const byHeaders = await growth(requests, { body: large, secret: "guess" }, 403);
  const byDocument = await growth(requests, { body: large }, 400);
  const figures = { requests, refusedByHeadersMiB: byHeaders, refusedByDocumentMiB: byDocument };
  hold("to refuse by the headers keeps no body", byHeaders <= 64, figures);
  hold("to refuse by the document keeps to the shared limit", byDocument <= SHARED_READ_MIB + 128, figures);
  return figures;
}

/** By how many MiB the memory of a broker rises over what it is after a few of the same. */
async function growth(requests: number, request: AnyRequest, status: number): Promise<number> {
  const broker = await BrokerProcess.start({
    environment: { STAGEMQ_SHARED_READ_BYTES: `${SHARED_READ_MIB}MiB`, STAGEMQ_LOG_LEVEL: "error" },
  });
  try {
    const bytes = formatRequest(request);
    const ask = async () => {
      const client = await RawClient.connect(broker.endpoint);
      client.send(bytes);
      const response = await client.response();
      client.close();
      if (response.status !== status) throw new Error(`${response.status} ${response.body}`);
    };
    for (let warm = 0; warm < 3; warm++) await ask();
    const before = await memoryOf(broker.ready.pid);
    await Promise.all(Array.from({ length: requests }, ask));
    const after = await memoryOf(broker.ready.pid);
    return after.peakMiB - before.nowMiB;
  } finally {
    await broker.kill();
  }
}
