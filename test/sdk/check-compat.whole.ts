import { writeFile } from "node:fs/promises";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { BrokerProcess, cleanUp, newDirectory, runProgram } from "../process/broker-process.ts";

const CONFIG = `version: 1
defaultInstance: MQ_INST_shop
users:
  - name: tester
    keys: [ { id: tester, secret: hush } ]
instances:
  - id: MQ_INST_shop
    topics:
      - { name: try_normal, kind: normal }
      - { name: try_delayed, kind: delayed }
      - { name: try_ordered, kind: ordered }
      - { name: try_transactional, kind: transactional }
    groups: [ { id: GID_try }, { id: GID_try_2 } ]
`;
const FLAGS = ["--topics", "try", "--group", "GID_try", "--yes"];

process.env.ALIBABA_CLOUD_ACCESS_KEY_ID = "tester";
process.env.ALIBABA_CLOUD_ACCESS_KEY_SECRET = "hush";
const servers: Server[] = [];

afterAll(async () => {
  for (const server of servers) server.close();
  await cleanUp();
});

describe.concurrent("check-compat", () => {
  it("finds nothing that differs where everything is declared", async () => {
    const broker = await startServing();
    const { code, output } = await runProgram("check-compat", broker.endpoint, ...FLAGS);
    expect(output).not.toMatch(/^(differs|broken)/m);
    expect(output).toContain("\n93 of 100 items fit, 0 differ, 0 broke off, 7 were not seen.");
    expect(code).toBe(0);
    await broker.stop();
  });

  it("finds what differs", async () => {
    const broker = await startServing();
    const { code, output } = await runProgram("check-compat", await startSpoiler(broker.endpoint), ...FLAGS);
    const differing = [...output.matchAll(/^differs +WIRE-(\d+):/gm)].map(([, item]) => Number(item));
    expect(differing).toEqual(expect.arrayContaining([38, 61, 63, 65, 68, 92]));
    expect(code).toBe(1);
    await broker.stop();
  });
});

async function startServing(): Promise<BrokerProcess> {
  const startedIn = await newDirectory();
  await writeFile(join(startedIn, "stagemq.yaml"), CONFIG);
  return BrokerProcess.start({ command: "serve", startedIn });
}

/** Passes everything on, and gets some answers wrong on their way back. */
async function startSpoiler(endpoint: string): Promise<string> {
  const server = createServer((incoming, answer) => {
    const { method, url, headers } = incoming;
    const onward = request(new URL(endpoint), { method, path: url, headers }, (reply) => {
      const chunks: Buffer[] = [];
      reply.on("data", (chunk: Buffer) => chunks.push(chunk));
      reply.on("end", () => {
        const body = spoil(Buffer.concat(chunks).toString());
        const status = reply.statusCode === 201 ? 200 : reply.statusCode;
        answer.writeHead(status ?? 500, {
          "Content-Type": reply.headers["content-type"] ?? "text/xml",
          "X-Mq-Request-Id": String(reply.headers["x-mq-request-id"]),
          ...(status === 204 ? {} : { "Content-Length": Buffer.byteLength(body) }),
        });
        answer.end(body);
      });
    });
    onward.on("error", () => answer.destroy());
    incoming.pipe(onward);
  });
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function spoil(xml: string): string {
  return xml
    .replace("/doc/v1", "/doc/v1/")
    .replaceAll("<MessageTag></MessageTag>", "<MessageTag/>")
    .replaceAll("ReceiptHandleError", "HandleError");
}
