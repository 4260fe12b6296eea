import { afterEach, describe, expect, it, vi } from "vitest";
import { childText, type ElementShape, readXml } from "../src/xml/read-xml.ts";
import { XmlFault } from "../src/xml/xml-fault.ts";

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
function bytesVisited(document: Buffer, read: (watched: Buffer) => void): number {
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
  read(watched);
  return visited;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(Object.keys(PATTERNS))("reading %s", (name) => {
  it("takes work linear in the size: no byte is visited more than a few times", () => {
    for (const size of [16 * 1024, 128 * 1024]) {
      const document = aDocument(name, size);
      expect(bytesVisited(document, (watched) => readXml(watched, SHAPE))).toBeLessThan(8 * document.length);
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

/** Long enough to tell a few looks at each byte from looks that grow with the length; each look is counted, which is dear. */
const LONG = 256 * 1_024;

/** Documents that are dear for parsers of another sort, each with how much of it may be looked at before it is refused. */
const ATTACKS: Record<string, { readonly document: string; readonly visited: number }> = {
  "entities that grow by a factor of ten": {
    document: `<!DOCTYPE m [<!ENTITY a0 "ha">${Array.from({ length: 9 }, (_, n) => `<!ENTITY a${n + 1} "${`&a${n};`.repeat(10)}">`).join("")}]><Message>&a9;</Message>`,
    visited: 100,
  },
  "an external entity": {
    document: '<!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/passwd">]><Message><MessageBody>&x;</MessageBody></Message>',
    visited: 100,
  },
  "an entity from nowhere": { document: "<Message><MessageBody>&x;</MessageBody></Message>", visited: 500 },
  "200,000 levels": { document: "<Message>".repeat(200_000), visited: 500 },
  "200,000 levels below the body": { document: `<Message><MessageBody>${"<a>".repeat(200_000)}`, visited: 500 },
  "50,000 attributes": {
    document: `<Message ${Array.from({ length: 50_000 }, (_, n) => `a${n}="b"`).join(" ")}/>`,
    visited: 500,
  },
  "a long name": { document: `<${"M".repeat(LONG)}>`, visited: 9 * LONG },
  "a long namespace that never ends": { document: `<Message xmlns="${"a".repeat(LONG)}`, visited: 9 * LONG },
  "a long reference": { document: `<Message><MessageBody>&#${"9".repeat(LONG)};`, visited: 9 * LONG },
  "a long CDATA section that never ends": {
    document: `<Message><MessageBody><![CDATA[${"]]".repeat(LONG / 2)}`,
    visited: 9 * LONG,
  },
  "UTF-16": { document: "\u{feff}<Message/>".split("").join("\0"), visited: 500 },
};

describe.each(Object.entries(ATTACKS))("%s", (_name, { document, visited }) => {
  it("is refused, and costs at most a few looks at each byte up to where it is seen", () => {
    const refused = (watched: Buffer) => expect(() => readXml(watched, SHAPE)).toThrow(XmlFault);
    expect(bytesVisited(Buffer.from(document), refused)).toBeLessThan(visited);
  });
});

it("800,000 character references are a body like any other", () => {
  const document = Buffer.from(`<Message><MessageBody>${"&#65;".repeat(800_000)}</MessageBody></Message>`);
  expect(childText(readXml(document, SHAPE), "MessageBody")).toBe("A".repeat(800_000));
});

/** A string takes a byte for each unit, or two as soon as one of them is beyond Latin-1. */
function memoryOf(text: string): number {
  return text.length * (/[^\0-\xff]/.test(text) ? 2 : 1);
}
