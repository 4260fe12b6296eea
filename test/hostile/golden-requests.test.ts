import { formatContentMd5, formatDate } from "@stagemq/wire";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  GOLDEN_REQUESTS,
  type GoldenRequest,
  headersOf,
  signedAnew,
  toBytes,
} from "../../packages/wire/test/fixtures/golden-requests.ts";
import type { RawResponse } from "../../packages/wire/test/readers/judge.ts";
import { askOn, elementsOf, expectReadable, verdictOf } from "../process/ask.ts";
import { BrokerProcess, cleanUp } from "../process/broker-process.ts";
import { RawClient } from "../process/raw-client.ts";
import { poll } from "../process/signed-request.ts";

/** As the SDKs sent them byte for byte, but for date, signature and what is said to be changed, on one connection. */
let broker: BrokerProcess;
let client: RawClient;

beforeAll(async () => {
  broker = await BrokerProcess.start({ args: ["--clock", "simulated"] });
  client = await RawClient.connect(broker.endpoint);
});

afterAll(async () => {
  client.close();
  await broker.stop();
  await cleanUp();
});

/** What is changed in a golden request: pieces of its document, whose length and digest follow. */
type Changes = Readonly<Record<string, string>>;

it("all eleven golden requests are answered with success, in the order in which they make sense", async () => {
  // Published as they are, in two instances.
  for (const id of ["A1", "A2", "A3", "A11"] as const) expect(verdictOf(await send(id))).toBe("201");

  // Each of them finds a message that its filter matches.
  await send("A2", { "TagA||TagB]": "TagB]" });
  const handle4 = handleOf(await send("A4"));
  await send("A3", { "Tag A||TagB*": "Tag A*" });
  const handle5 = handleOf(await send("A5"));
  await send("A3", { "Tag A||TagB*": "TagB*" });
  const handle6 = handleOf(await send("A6"));

  // Handles of an SDK's own poll, two at a time; then nothing is in flight, and an ordered poll gets the next.
  expect(verdictOf(await send("A7", { "RH-1": handle4, "RH-2": handle5 }))).toBe("204");
  expect(verdictOf(await send("A7", { "RH-1": handle6, "RH-2": handle6 }))).toBe("204");
  await send("A1", { "TagA||TagB": "TagA" });
  expect(handleOf(await send("A9"))).not.toBe("");

  // Half messages, to be ended by the handle that their publish gave.
  const halfByGo = await send("A1", { "__STARTDELIVERTIME:1700000000123": "__TransCheckT:10" });
  expect(verdictOf(await send("A8", { "RH-1": handleOf(halfByGo) }))).toBe("204");
  const halfByJava = await send("A11", { "<Properties>": "<Properties>__TransCheckT:10|" });
  expect(verdictOf(await send("A10", { "RH-1": handleOf(halfByJava) }))).toBe("204");

  // The committed one can be consumed, the one rolled back cannot.
  const all = await askOn(client, poll("T_ok", "GID_new", "ns=MQ_INST_1"));
  expect(elementsOf(all, "Properties").filter((text) => text.includes("__TransCheckT"))).toHaveLength(1);
  expect(elementsOf(await askOn(client, poll("T_ok", "GID_new")), "MessageBody")).toEqual(["hello"]);
});

async function send(id: GoldenRequest["id"], changes: Changes = {}): Promise<RawResponse> {
  const golden = GOLDEN_REQUESTS.find((request) => request.id === id);
  if (golden === undefined) throw new Error(`there is no ${id}`);
  const key = { accessKeyId: "dev", secret: "dev-secret" };
  const request = signedAnew(change(golden, changes), { date: formatDate(Date.now()), ...key });
  const bytes = toBytes(request);
  if (headersOf(request).expect === "100-continue") {
    client.send(bytes.subarray(0, bytes.length - request.body.length));
    expect((await client.response()).status).toBe(100);
    client.send(request.body);
  } else {
    client.send(bytes);
  }
  const response = await client.response(request.method);
  expectReadable(response, request);
  return response;
}

function change(request: GoldenRequest, changes: Changes): GoldenRequest {
  const text = Object.entries(changes).reduce((all, [from, to]) => {
    if (!all.includes(from)) throw new Error(`${request.id} has no ${from}`);
    return all.replace(from, to);
  }, request.body.toString());
  const body = Buffer.from(text);
  const headerLines = request.headerLines.map((line) =>
    line
      .replace(/^(content-length: ?).*$/i, `$1${body.length}`)
      .replace(/^(content-md5: ?).*$/i, `$1${formatContentMd5(body)}`),
  );
  return { ...request, body, headerLines: request.method === "GET" ? request.headerLines : headerLines };
}

/** Of the message that came, or of the half message that was sent. */
function handleOf(response: RawResponse): string {
  const [handle] = elementsOf(response, "ReceiptHandle");
  if (handle === undefined) throw new Error(`no handle in ${response.status} ${response.body}`);
  return handle;
}
