import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { transform } from "esbuild";
import { afterAll, describe, expect, it } from "vitest";
import { BrokerProcess, cleanUp, newDirectory } from "../process/broker-process.ts";
import { kitOf, whatIsMissing } from "./sdks.ts";
import { blockOf, runTestingSnippet } from "./snippets.ts";

const ROOT = resolve(import.meta.dirname, "../..");
/** Where the packages are found under their names. */
const FOLDER = join(ROOT, "node_modules/.cache/stagemq-testing-page");
/** `npm run test:sdk` runs them all. */
const LANGUAGES =
  process.env.STAGEMQ_SDK_SUITE === "whole" ? (["Python", "Go", "Java"] as const) : (["Python"] as const);
const mustRun = process.env.STAGEMQ_CI !== undefined;
const run = promisify(execFile);

afterAll(cleanUp);
afterAll(() => rm(FOLDER, { recursive: true, force: true }));

describe.concurrent("the programs on the page about tests", () => {
  it("TypeScript, in the process of the test", async () => {
    const page = await readFile(join(ROOT, "docs/testing.md"), "utf8");
    // Node 20 knows neither types nor `await using`.
    const { code } = await transform(blockOf(page, "ts"), { loader: "ts", format: "esm", target: "node20" });
    await mkdir(FOLDER, { recursive: true });
    const file = join(FOLDER, "orders.test.mjs");
    await writeFile(file, code);
    const { stdout } = await run(process.execPath, ["--test", "--test-reporter=tap", file], { cwd: FOLDER });
    expect(stdout).toMatch(/^# pass 1$/m);
  });

  it.for(LANGUAGES)("%s, over the test interface", async (name, { skip }) => {
    const missing = await whatIsMissing(kitOf(name));
    if (missing !== undefined && !mustRun)
      skip(`the program on the page about tests in ${name} is left out: ${missing}`);
    const broker = await BrokerProcess.start({ args: ["--ephemeral", "--clock", "simulated"] });
    const output = await runTestingSnippet(name, broker.ready, await newDirectory());
    expect(output).toBe("refused: ReceiptHandleError\nattempt 2\n");
    await broker.stop();
  });
});
