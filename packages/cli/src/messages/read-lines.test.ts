import { describe, expect, it } from "vitest";
import { readLines } from "./read-lines.ts";

async function* inChunks(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

async function linesOf(...texts: readonly string[]): Promise<[number, string][]> {
  const lines: [number, string][] = [];
  for await (const { number, bytes } of readLines(inChunks(...texts)))
    lines.push([number, Buffer.from(bytes).toString()]);
  return lines;
}

describe("lines of a file", () => {
  it("have numbers, wherever the bytes are cut", async () => {
    const expected = [
      [1, "支付"],
      [2, ""],
      [3, "c"],
    ];
    expect(await linesOf("支付\n\nc\n")).toEqual(expected);
    expect(await linesOf("支", "付", "\n", "\nc", "\n")).toEqual(expected);
  });

  it("a character may be cut in two", async () => {
    const bytes = Buffer.from("支付\nc");
    async function* cut() {
      for (const byte of bytes) yield Uint8Array.of(byte);
    }
    const lines: string[] = [];
    for await (const line of readLines(cut())) lines.push(Buffer.from(line.bytes).toString());
    expect(lines).toEqual(["支付", "c"]);
  });

  it("the last one needs no end", async () => {
    expect(await linesOf("a\nb")).toEqual([
      [1, "a"],
      [2, "b"],
    ]);
    expect(await linesOf()).toEqual([]);
  });
});
