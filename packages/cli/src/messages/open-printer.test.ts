import { describe, expect, it } from "vitest";
import { type Format, openPrinter } from "./open-printer.ts";
import type { Look } from "./printer.ts";

interface Item {
  readonly id: string;
  readonly body: string;
}

const LOOK: Look<Item> = {
  columns: [
    { head: "ID", cell: ({ id }) => id },
    { head: "BODY", cell: ({ body }) => body },
  ],
  toRecord: (item) => item,
};

/** What is printed for these batches. */
async function printed(format: Format, batches: readonly (readonly Item[])[], columns?: number): Promise<string> {
  let text = "";
  const print = async (more: string) => {
    text += more;
    return true;
  };
  const printer = await openPrinter(format, LOOK, { print, columns });
  for (const batch of batches) await printer.print(batch);
  await printer.end();
  return text;
}

const a = { id: "1", body: "a" };
const b = { id: "22222", body: "b" };

describe("a table", () => {
  it("has its head once; columns get wider and never narrower", async () => {
    expect(await printed("table", [[a], [b], [a]])).toBe("ID  BODY\n1   a\n22222  b\n1      a\n");
  });

  it("without items is nothing", async () => {
    expect(await printed("table", [[]])).toBe("");
  });

  it("keeps an item on its line, and does nothing to a terminal", async () => {
    expect(await printed("table", [[{ id: "1", body: "x\ny\u001b[2J\u009b\u202e" }]])).toBe(
      "ID  BODY\n1   x\\ny\\u001b[2J\\u009b\\u202e\n",
    );
  });

  it("knows that some characters take two places", async () => {
    expect(await printed("table", [[{ id: "支付", body: "x" }, a]])).toBe("ID    BODY\n支付  x\n1     a\n");
  });

  it("cuts its last column where a terminal ends, and only there", async () => {
    const long = { id: "1", body: "x".repeat(200) };
    const [, onTerminal = ""] = (await printed("table", [[long]], 40)).split("\n");
    expect(onTerminal).toBe(`1   ${"x".repeat(35)}…`);
    expect(await printed("table", [[long]])).toContain(long.body);
  });

  it("shows some of its last column however narrow a terminal is", async () => {
    const [, line = ""] = (await printed("table", [[{ id: "1".repeat(50), body: "x".repeat(200) }]], 30)).split("\n");
    expect(line).toMatch(/^1{50} {2}x{15}…$/);
  });
});

describe("JSON", () => {
  it("is one list, whatever the batches", async () => {
    expect(JSON.parse(await printed("json", [[a], [b, a]]))).toEqual([a, b, a]);
    expect(JSON.parse(await printed("json", []))).toEqual([]);
  });

  it("is a line an item", async () => {
    expect(await printed("ndjson", [[a], [b]])).toBe(`${JSON.stringify(a)}\n${JSON.stringify(b)}\n`);
    expect(await printed("ndjson", [])).toBe("");
  });

  it("has the same value, and nothing that a terminal obeys", async () => {
    const odd = { id: "1", body: "\u009b31m\u007f\u202e\u2028\n支" };
    const text = await printed("ndjson", [[odd]]);
    expect(JSON.parse(text)).toEqual(odd);
    expect(text.trimEnd()).toMatch(/^[\x20-\x7e支]+$/);
  });
});
