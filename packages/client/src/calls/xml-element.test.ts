import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readXml, textOf } from "./xml-element.ts";

const textIn = (content: string): string => textOf(readXml(`<A><B>${content}</B></A>`), "B");

describe("readXml", () => {
  const texts: [string, string][] = [
    ["a", "a"],
    ["", ""],
    ["&lt;&gt;&amp;&quot;&apos;", "<>&\"'"],
    ["&#60;&#x3C;&#X3c;&#x1F600;", "<<<😀"],
    ["&amp;lt;", "&lt;"],
    ["<![CDATA[<a>&amp;]]]]><![CDATA[>]]>", "<a>&amp;]]>"],
    ["a<!-- <b> -->c", "ac"],
    ["a\r\nb\rc\td", "a\r\nb\rc\td"],
    ["&#0;&#1;\u0002", "\u0000\u0001\u0002"],
    [" a ", " a "],
  ];
  it.each(texts)("reads %j as %j", (written, text) => {
    expect(textIn(written)).toBe(text);
  });

  it("passes over prolog, byte order mark, attributes, blanks and what it does not know", () => {
    const document =
      '\uFEFF<?xml version="1.0" ?>\n<A xmlns="http://x/y" b=\'1\'>\n  <C/><D e="f"/>\n <B >x</B ><C></C>\n</A>\n';
    expect(textOf(readXml(document), "B")).toBe("x");
    expect(textOf(readXml(document), "C")).toBe("");
  });

  const faults: [string, string][] = [
    ["", "it is no document of one element"],
    ["hello", "it is no document of one element"],
    ["<A></A><A></A>", "it is no document of one element"],
    ["<A>", "<A> is never closed"],
    ["<A></B>", "</B> closes <A>"],
    ["</A>", "</A> closes <>"],
    ["<A", "it is no XML at character 0"],
    ["<A><![CDATA[x</A>", "it is no XML at character 3"],
    ["<A>&nbsp;</A>", "a & begins nothing that XML knows"],
    ["<A>&#x110000;</A>", "a & begins nothing that XML knows"],
    ["<A>".repeat(99), "<A> stands too deep"],
    ["<html><br></html>", "</html> closes <br>"],
  ];
  it.each(faults)("says of %j that %s", (document, reason) => {
    expect(() => readXml(document)).toThrow(reason);
  });

  it("ends, with an element or an Error, whatever it is given", () => {
    const piece = fc.constantFrom(
      "<A>",
      "</A>",
      "<B/>",
      "<!--",
      "-->",
      "<![CDATA[",
      "]]>",
      "&amp;",
      "&",
      "<?",
      "?>",
      "x",
      " ",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        try {
          expect(readXml(pieces.join("")).name).toMatch(/^[AB]$/);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
    );
  });

  it("reads back every text that is written with references", () => {
    const written = (text: string): string => text.replace(/[&<>\r]/g, (special) => `&#${special.charCodeAt(0)};`);
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(textIn(written(text))).toBe(text);
      }),
    );
  });
});
