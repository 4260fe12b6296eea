import { formatDate } from "@stagemq/wire";
import { afterAll, beforeAll, expect, it } from "vitest";
import { GOLDEN_REQUESTS, signedAnew, toBytes } from "../../packages/wire/test/fixtures/golden-requests.ts";
import type { RawResponse } from "../../packages/wire/test/readers/judge.ts";
import { ask, bodiesOf, expectReadable, verdictOf } from "../process/ask.ts";
import { BrokerProcess, cleanUp } from "../process/broker-process.ts";
import { RawClient } from "../process/raw-client.ts";
import { poll, publish } from "../process/signed-request.ts";

const COUNT = process.env.STAGEMQ_CI ? 20_000 : 2_000;
const SEED = Number(process.env.STAGEMQ_SEED ?? Date.now() % 1_000_000);
const AT_ONCE = 40;
/** After this a request counts as unfinished, and the client says that nothing more will come. */
const ANSWERED_WITHIN_MS = 150;

let broker: BrokerProcess;

/** The key of the golden requests is declared nowhere, so dev lets them in whatever became of their signatures. */
beforeAll(async () => {
  broker = await BrokerProcess.start({ args: ["--clock", "simulated"] });
});

afterAll(async () => {
  await broker.stop();
  await cleanUp();
});

it(`whatever becomes of the bytes of a golden request, the broker answers or ends it, and serves on (seed ${SEED})`, async () => {
  const random = seededRandom(SEED);
  const originals = GOLDEN_REQUESTS.map((golden) =>
    toBytes(signedAnew(golden, { date: formatDate(Date.now()), accessKeyId: "golden", secret: "any" })),
  );
  // All of them before the first is sent, so that a seed makes the same ones again.
  const mutants = Array.from({ length: COUNT }, () => mutate(originals, random));
  const statuses = new Set<number>();
  const sendMutants = async () => {
    for (let mutant = mutants.pop(); mutant !== undefined; mutant = mutants.pop()) {
      for (const response of await responsesTo(mutant)) {
        statuses.add(response.status);
        expectSound(response, mutant);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sendMutants));

  // The mutants were worth sending: some were served, others refused at every stage.
  expect([...statuses]).toEqual(expect.arrayContaining([201, 400, 404]));
  expect(broker.logged("request.failed")).toEqual([]);
  expect(broker.logged("process.crashed")).toEqual([]);
  expect(verdictOf(await ask(broker, publish("afterwards", { body: "alive" })))).toBe("201");
  expect(await bodiesOf(broker, poll("afterwards", "GID_a"))).toEqual(["alive"]);
});

/** All responses, up to the end of the connection; fails when the broker keeps it open. */
async function responsesTo(bytes: Buffer): Promise<RawResponse[]> {
  const client = await RawClient.connect(broker.endpoint);
  client.send(bytes);
  const impatient = setTimeout(() => client.halfClose(), ANSWERED_WITHIN_MS);
  const responses: RawResponse[] = [];
  try {
    for (;;) {
      responses.push(await client.response(bytes.toString("latin1", 0, 4) === "HEAD" ? "HEAD" : "GET"));
      // Whatever else has come with it is read too; then the connection has no more to say.
      client.halfClose();
    }
  } catch (error) {
    if (!String(error).includes("the connection ended")) throw error;
    return responses;
  } finally {
    clearTimeout(impatient);
    client.close();
  }
}

function expectSound(response: RawResponse, mutant: Buffer): void {
  if (response.status === 100) return;
  const described = { status: response.status, mutant: mutant.toString("latin1") };
  expect(described).toEqual({ ...described, status: expect.toSatisfy((status: number) => status < 500) });
  // What was asked for may have been mutated away, but the answer tells what it answers; an Error answers anything.
  const isOfHandles = response.status === 204 || response.body.includes("<Errors");
  expectReadable(response, { method: response.status === 200 ? "GET" : isOfHandles ? "DELETE" : "POST" });
}

type Random = (below: number) => number;

/** One to four wounds: bytes changed, doubled, lost, torn in from another request, or foreign. */
function mutate(originals: readonly Buffer[], random: Random): Buffer {
  const pick = (): Buffer => originals[random(originals.length)] ?? Buffer.alloc(0);
  let bytes = Buffer.from(pick());
  for (let wounds = 1 + random(4); wounds > 0; wounds--) {
    const at = random(bytes.length + 1);
    const length = random(4) === 0 ? random(200) : random(4);
    const [before, hit, after] = [bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at + length)];
    const other = pick();
    const from = random(other.length);
    const replacements = [
      () => Buffer.from(hit.map((byte) => byte ^ (1 << random(8)))),
      () => Buffer.from(hit.map(() => random(256))),
      () => Buffer.concat([hit, hit]),
      () => Buffer.alloc(0),
      () => other.subarray(from, from + length),
      () => Buffer.from(FOREIGN[random(FOREIGN.length)] ?? ""),
    ];
    const replacement = replacements[random(replacements.length)]?.() ?? hit;
    bytes = Buffer.concat([before, replacement, after]);
  }
  return bytes;
}

const FOREIGN = [
  "\r\n",
  "\r\n\r\n",
  "\0",
  "%",
  "%00",
  "&#0;",
  "]]>",
  "<!DOCTYPE a>",
  "<![CDATA[",
  "\u{1F984}",
  "99999999999999999999",
  "-1",
  ":",
  "|",
  "Transfer-Encoding: chunked\r\n",
  "Content-Length: 5\r\n",
  "Expect: 100-continue\r\n",
  "Connection: close\r\n",
  "Upgrade: websocket\r\nConnection: upgrade\r\n",
];

/** xorshift32: the same numbers for the same seed. */
function seededRandom(seed: number): Random {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
