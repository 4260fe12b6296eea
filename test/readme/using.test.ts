import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { BrokerProcess, cleanUp } from "../process/broker-process.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const run = promisify(execFile);

const page = await readFile(join(ROOT, "docs/using.md"), "utf8");
const snippets = [...page.matchAll(/^## (\w+)\n.*?^```js\n(.*?)^```$/gms)].map(([, title = "", code = ""]) => ({
  title,
  code,
}));

/** What each snippet says. */
const OUTPUTS: Readonly<Record<string, string>> = { Ordered: "order-1 paid\n", Delayed: "", Transactional: "" };

let broker: BrokerProcess;

beforeAll(async () => {
  broker = await BrokerProcess.start({ args: ["--ephemeral"] });
});

afterAll(async () => {
  await broker.stop();
  await cleanUp();
});

it("every snippet of the page on kinds of messages is tried", () => {
  expect(snippets.map(({ title }) => title)).toEqual(Object.keys(OUTPUTS));
});

it.each(snippets)("$title: the snippet runs as it stands", async ({ title, code }) => {
  const script = `
    const { MQClient, MessageProperties } = require("@aliyunmq/mq-http-sdk");
    const client = new MQClient("${broker.endpoint}", "dev", "dev-secret");
    (async () => { ${code.replaceAll("(16, 10)", "(16, 1)")} })();`;
  const { stdout, stderr } = await run(process.execPath, ["--input-type=commonjs", "-e", script], { cwd: ROOT });
  expect(stderr).toBe("");
  expect(stdout).toBe(OUTPUTS[title]);
});
