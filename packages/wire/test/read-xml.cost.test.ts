import { afterEach, describe, expect, it, vi } from "vitest";
import { childText, type ElementShape, readXml } from "../src/xml/read-xml.ts";

/** What a body can be made of that needs work: one of these, again and again. */
const PATTERNS: Record<string, string> = {
  "plain ASCII": "abcdefgh",
  "wide characters": "中",
  "astral characters": "😀",
  "ASCII and wide in turn": "a中",
  entities: "&lt;",
  "the longest entity": "&quot;",
  "entities between plain text": "a&amp;b",
  "decimal references": "&#9;",
  "hex references beyond the BMP": "&#x1F600;",
  "references with zeros before": `&#${"0".repeat(200)}65;`,
  "CDATA sections": "<![CDATA[a]]>",
  "empty CDATA sections": "<![CDATA[]]>",
  "brackets that end nothing": "]]a",
  brackets: "]",
  "ASCII after one escape and one wide character": "a",
};
/** The dearest: a copy because of the escape, and a string of two bytes a character because of the wide one. */
const BEGINNINGS: Record<string, string> = { "ASCII after one escape and one wide character": "&amp;中" };

const SHAPE: ElementShape = { name: "Message", children: [{ name: "MessageBody" }] };

function aDocument(name: string, bodyBytes: number): Buffer {
  const pattern = PATTERNS[name] ?? "";
  const body = pattern.repeat(Math.floor(bodyBytes / Buffer.byteLength(pattern)));
  return Buffer.from(`<Message><MessageBody>${BEGINNINGS[name] ?? ""}${body}</MessageBody></Message>`);
}

/** How many bytes a reading looks at or copies, one by one or in runs. */
function bytesVisited(document: Buffer): number {
  let visited = 0;
  const watched = new Proxy(document, {
    get(target, property) {
      if (property === "copy" || property === "toString") {
        return (...passed: [never, number, number, number]) => {
          const [from, to] = property === "copy" ? passed.slice(2) : passed.slice(1);
          visited += Number(to) - Number(from);
          return target[property](...passed);
        };
      }
      if (typeof property === "string" && /^\d/.test(property)) visited += 1;
      return Reflect.get(target, property);
    },
  });
  readXml(watched, SHAPE);
  return visited;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(Object.keys(PATTERNS))("reading %s", (name) => {
  it("takes work linear in the size: no byte is visited more than a few times", () => {
    for (const size of [16 * 1024, 128 * 1024]) {
      const document = aDocument(name, size);
      expect(bytesVisited(document)).toBeLessThan(8 * document.length);
    }
  });

  it("allocates at most three times the request's 4 MiB, beside the request", () => {
    const document = aDocument(name, 4 * 1024 * 1024);
    const scratch = vi.spyOn(Buffer, "allocUnsafe");
    const strings = vi.spyOn(Buffer.prototype, "toString");
    const body = childText(readXml(document, SHAPE), "MessageBody");
    const scratchBytes = scratch.mock.calls.reduce((sum, [size]) => sum + size, 0);
    const stringBytes = strings.mock.results.reduce((sum, { value }) => sum + memoryOf(value), 0);
    expect(body).toBeDefined();
    expect(strings.mock.calls.length).toBeLessThan(10);
    expect(scratchBytes + stringBytes).toBeLessThanOrEqual(3 * document.length);
  });
});

/** A string takes a byte for each unit, or two as soon as one of them is beyond Latin-1. */
function memoryOf(text: string): number {
  return text.length * (/[^\0-\xff]/.test(text) ? 2 : 1);
}
