import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { escapeXml, XML_NAMESPACE } from "./write-xml.ts";

describe("text as it is written", () => {
  it("what means something to XML becomes an entity, quotes stay", () => {
    expect(escapeXml(`a <b> & "c" 'd' ]]>`)).toBe(`a &lt;b&gt; &amp; "c" 'd' ]]&gt;`);
  });

  it("WIRE-49: CR is written as a reference, since five SDKs would fold it; TAB and LF are not", () => {
    expect(escapeXml("a\r\nb\rc\td\n")).toBe("a&#13;\nb&#13;c\td\n");
  });

  it("WIRE-53: characters that XML cannot carry become U+FFFD", () => {
    expect(escapeXml("a\u0000\u0008\u000b\u000c\u000e\u001f\ufffe\uffff\ud800b\udc00")).toBe(
      `a${"\ufffd".repeat(9)}b\ufffd`,
    );
    expect(escapeXml("\x7f\x80\u2028😀\u{10ffff}")).toBe("\x7f\x80\u2028😀\u{10ffff}");
  });

  it.each([
    [" ", "&#32;"],
    ["\n\t", "&#10;\t"],
    ["\t ", "&#9; "],
    [" \r\n", "&#32;&#13;\n"],
    ["\r ", "&#13; "],
    [" a ", " a "],
    ["", ""],
  ])("text of blanks alone begins with a reference, since C++ would drop it: %j", (text, written) => {
    expect(escapeXml(text)).toBe(written);
  });

  it("WIRE-49 and WIRE-53: whatever the text, each of its characters is written by itself", () => {
    const unit = fc.oneof(
      fc.constantFrom(
        "&",
        "<",
        ">",
        "\r",
        "\n",
        " ",
        "\ufffd",
        "\ufffe",
        "\uffff",
        "\ufffc",
        "\uffbe",
        "\ud83d",
        "\ude00",
      ),
      fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
    );
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 12 }), (units) => {
        const text = `a${units.join("")}`;
        expect(escapeXml(text)).toBe([...text].map(writtenAlone).join(""));
      }),
      { numRuns: 3_000 },
    );
  });

  it("a body of 4 MiB of the dearest characters is written whole", () => {
    const times = 1_024 * 1_024;
    expect(escapeXml("&<>\r".repeat(times)) === "&amp;&lt;&gt;&#13;".repeat(times)).toBe(true);
  });

  it("WIRE-61: the namespace is the one that Java accepts, without a slash at its end", () => {
    expect(XML_NAMESPACE).toBe("http://mq.aliyuncs.com/doc/v1");
  });
});

function writtenAlone(character: string): string {
  const written = new Map(Object.entries({ "&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;" })).get(character);
  if (written !== undefined) return written;
  return /[\t\n\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u.test(character) ? character : "\ufffd";
}
