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

  it("WIRE-61: the namespace is the one that Java accepts, without a slash at its end", () => {
    expect(XML_NAMESPACE).toBe("http://mq.aliyuncs.com/doc/v1");
  });
});
