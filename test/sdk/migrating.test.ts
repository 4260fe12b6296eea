import { readFile, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess, cleanUp, newDirectory } from "../process/broker-process.ts";
import { blockOf, ENDPOINT, outputOf, ROOT_MODULES, readPage } from "./snippets.ts";

const PAGE = resolve(import.meta.dirname, "../../docs/clients/migrating.md");

let broker: BrokerProcess;
let page: string;

beforeAll(async () => {
  broker = await BrokerProcess.start({ args: ["--ephemeral"] });
  page = await readFile(PAGE, "utf8");
});

afterAll(cleanUp);

describe("the page on migrating", () => {
  it("changes one import, and the program on the page of the Node SDK does what it did", async () => {
    const [, before = "", after = ""] = /^-(.*)\n\+(.*)\n$/.exec(blockOf(page, "diff")) ?? [];
    const program = blockOf(await readPage("node"), "js");
    expect(program.split(before)).toHaveLength(2);
    expect(await outputOfProgram("orders.cjs", program.replace(before, after))).toBe("paid hello\n");
  });

  it("shows a program with the client itself that does what it says", async () => {
    expect(await outputOfProgram("orders.mjs", blockOf(page, "js"))).toBe("paid hello\norder 1\n");
  });
});

/** In a folder of its own that finds the packages of this one. */
async function outputOfProgram(name: string, code: string): Promise<string> {
  expect(code).toContain(ENDPOINT);
  const folder = await newDirectory();
  await symlink(ROOT_MODULES, join(folder, "node_modules"));
  await writeFile(join(folder, name), code.replace(ENDPOINT, broker.endpoint));
  return outputOf(process.execPath, [join(folder, name)]);
}
