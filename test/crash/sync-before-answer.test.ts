import { join } from "node:path";
import { decodeMessages, decodePublishReply, type Operation, REQUEST_ID_HEADER } from "@stagemq/wire";
import { afterAll, describe, expect, it } from "vitest";
import { BrokerProcess, cleanUp, newDirectory } from "../process/broker-process.ts";
import { type Answer, SignedClient } from "./signed-client.ts";
import { canTrace, readTrace, type SystemCall, straceTo } from "./system-calls.ts";

/**
 * What kill -9 cannot show, since the page cache outlives a process: that the disk has a message before its sender is told.
 */

const IN_A_ROW = 20;
const AT_ONCE = 4;
const TOPIC = "traced";

afterAll(cleanUp);

interface Confirmed {
  readonly status: number;
  readonly requestId: string;
  /** What the journal must have; of other requests than publishes nobody knows its words. */
  readonly body?: string;
}

describe("the system calls of a broker", () => {
  it("PUB-1.1, DEL-10.1, TX-2.3: show an fdatasync between what was written to the journal and each 201, 200 and 204", async ({
    skip,
  }) => {
    const isTraced = canTrace();
    if (!isTraced) console.log("left out: strace is not here, or may not trace");
    skip(!isTraced && !process.env.STAGEMQ_CI, "strace is not here, or may not trace");

    const trace = join(await newDirectory(), "trace");
    const broker = await BrokerProcess.start({ under: straceTo(trace), args: ["--log-level", "error"] });
    const { inARow, atOnce } = await converse(broker.endpoint);
    await broker.stop();
    const calls = await readTrace(trace);

    expect(inARow.map(({ status }) => status)).toEqual([...Array<number>(IN_A_ROW).fill(201), 200, 204, 201, 204]);
    let answeredBefore = 0;
    for (const confirmed of inARow) answeredBefore = expectSynced(calls, confirmed, answeredBefore);
    expect(atOnce.map(({ status }) => status)).toEqual(Array<number>(AT_ONCE * IN_A_ROW).fill(201));
    for (const confirmed of atOnce) expectSynced(calls, confirmed, answeredBefore);
  });
});

/** Each kind of request in turn, then publishes of several clients at once. */
async function converse(endpoint: string): Promise<{ inARow: Confirmed[]; atOnce: Confirmed[] }> {
  const clients = Array.from({ length: AT_ONCE }, () => new SignedClient());
  const client = clients[0] as SignedClient;
  const consumer = "GID_traced";
  const inARow: Confirmed[] = [];
  const publish = async (by: SignedClient, body: string, properties = "") => {
    const answer = await by.publish(endpoint, { name: "publish-message", topic: TOPIC }, { body, tag: "", properties });
    return { answer, confirmed: { ...confirmedBy(answer), body } };
  };
  for (let number = 0; number < IN_A_ROW; number++)
    inARow.push((await publish(client, `in a row, number ${number}.`)).confirmed);

  const poll = { topic: TOPIC, consumer, maxMessages: 16, waitSeconds: 0 };
  const polled = await client.send(endpoint, { name: "consume-messages", ...poll, mode: "concurrent", tag: "" });
  const messages = decodeMessages(polled.body);
  const handles = "value" in messages ? messages.value.map(({ receiptHandle }) => receiptHandle) : [];
  const end: Operation = { name: "acknowledge-messages", topic: TOPIC, consumer };
  inARow.push(confirmedBy(polled), confirmedBy(await client.end(endpoint, end, handles)));

  const half = await publish(client, "half of a transaction.", "__TransCheckT:10|");
  const reply = decodePublishReply(half.answer.body);
  const handle = "value" in reply ? reply.value.receiptHandle : undefined;
  const commit: Operation = { name: "end-transaction", topic: TOPIC, resolution: "commit" };
  inARow.push(half.confirmed, confirmedBy(await client.end(endpoint, commit, [handle ?? ""])));

  const rounds = clients.map(async (one, index) => {
    const confirmed: Confirmed[] = [];
    for (let number = 0; number < IN_A_ROW; number++)
      confirmed.push((await publish(one, `at once, client ${index}, number ${number}.`)).confirmed);
    return confirmed;
  });
  const atOnce = (await Promise.all(rounds)).flat();
  for (const one of clients) one.close();
  return { inARow, atOnce };
}

function confirmedBy({ status, headers }: Answer): Confirmed {
  return { status, requestId: String(headers[REQUEST_ID_HEADER]) };
}

/** Between `from` and its answer something was written to the journal, and then synced. Returns when the answer began. */
function expectSynced(calls: readonly SystemCall[], { status, requestId, body = "" }: Confirmed, from: number): number {
  const answer = calls.find(
    ({ parameters }) => parameters.includes(`HTTP/1.1 ${status}`) && parameters.includes(requestId),
  );
  if (answer === undefined) expect.fail(`the trace does not show the answer ${requestId}`);
  const isJournal = ({ parameters }: SystemCall) => /^\d+<[^>]*\.seg>/.test(parameters);
  const before = calls.filter(({ begunAt, endedAt }) => begunAt > from && endedAt < answer.begunAt).filter(isJournal);
  const isSync = ({ name, result }: SystemCall) => /^f(data)?sync$/.test(name) && result === "0";
  const written = before.find((call) => /write/.test(call.name) && call.parameters.includes(body));
  const synced = before.find((call) => isSync(call) && written !== undefined && call.begunAt > written.endedAt);
  expect(written, `a write to the journal before the ${status} ${requestId}`).toBeDefined();
  expect(synced, `a sync between that write and the ${status} ${requestId}`).toBeDefined();
  return answer.begunAt;
}
