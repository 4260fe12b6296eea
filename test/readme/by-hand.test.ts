import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { BrokerProcess, cleanUp, newDirectory } from "../process/broker-process.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const MAIN = join(ROOT, "packages/cli/dist/main.js");
const run = promisify(execFile);

/** Its time stands, so that nothing comes again while this machine is busy. */
let broker: BrokerProcess;

beforeAll(async () => {
  broker = await BrokerProcess.start({ args: ["--clock", "simulated"] });
});

afterAll(cleanUp);

/** Commands that are shown, and below them what they print, where that is shown. */
interface Step {
  readonly commands: string;
  readonly prints: string | undefined;
}

async function readSteps(page: string): Promise<Step[]> {
  const text = await readFile(join(ROOT, page), "utf8");
  const blocks = [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, sort = "", block = ""]) => ({ sort, block }));
  return blocks.flatMap(({ sort, block }, at) => {
    const next = blocks[at + 1];
    return sort === "sh" ? [{ commands: block, prints: next?.sort === "" ? next.block : undefined }] : [];
  });
}

/** Ids, dates and the width of what stands in front of a body are others every time. */
function withoutChance(text: string): string {
  return text
    .replace(/\b(?:[0-9A-F]{32}|[0-9A-F]{24})\b/g, "ID")
    .replace(/\b[A-Z][a-z]{2} [A-Z][a-z]{2} .*\\n/g, "DATE")
    .replace(/ {2,}/g, "  ");
}

it("every command of the page on messages by hand does what the page shows", async () => {
  const steps = await readSteps("docs/by-hand.md");
  expect(steps.length).toBeGreaterThan(5);
  const cwd = await newDirectory();
  const environment = { ...process.env, STAGEMQ_ENDPOINT: broker.endpoint, LC_ALL: "C" };
  for (const { commands, prints } of steps) {
    const line = commands.replaceAll("npx stagemq", `"${process.execPath}" "${MAIN}"`);
    const { stdout } = await run("sh", ["-ec", `{ ${line}} 2>&1`], { cwd, env: environment });
    if (prints !== undefined) expect(withoutChance(stdout)).toBe(withoutChance(prints));
    else expect(stdout, commands).not.toMatch(/refused|0 received/);
    await broker.advance("11s");
  }
  expect(await readFile(join(cwd, "stagemq-completion.bash"), "utf8")).toContain("stagemq complete --");
});
