import { describe, expect, it } from "vitest";
import { childText, type ElementShape, readXml } from "./read-xml.ts";
import { XmlFault } from "./xml-fault.ts";

const SHAPE: ElementShape = {
  name: "Order",
  children: [{ name: "Note" }, { name: "Item", many: true, children: [{ name: "Name" }] }],
};

const read = (text: string | Buffer) => readXml(Buffer.from(text), SHAPE);
const note = (inner: string | Buffer) =>
  childText(
    read(Buffer.concat([Buffer.from("<Order><Note>"), Buffer.from(inner), Buffer.from("</Note></Order>")])),
    "Note",
  );

function faultOf(text: string | Buffer): XmlFault {
  try {
    read(text);
  } catch (error) {
    if (error instanceof XmlFault) return error;
    throw error;
  }
  throw new Error(`${text} was read`);
}

const faultInNote = (inner: string) => faultOf(`<Order><Note>${inner}</Note></Order>`);

describe("text", () => {
  it.each([
    ["plain", "abc", "abc"],
    ["nothing", "", ""],
    ["the five entities", "&amp;&lt;&gt;&quot;&apos;", "&<>\"'"],
    ["references in decimal and hex, with zeros before", "&#65;&#x41;&#0000065;&#x1f600;&#128512;", "AAA😀😀"],
    ["CDATA", '<![CDATA[a <b> & &amp; "c"]]>', 'a <b> & &amp; "c"'],
    ["all kinds mixed", "1<![CDATA[2]]>&#51;<![CDATA[]]>4<![CDATA[5]]>", "12345"],
    ["brackets that end nothing", "]] ]>]&gt;<![CDATA[]]]]><![CDATA[>]]>", "]] ]>]>]]>"],
    ["CDATA that ends in brackets", "<![CDATA[a]]]>", "a]"],
    ["wide characters beside references", "中&#20013;é😀&amp;中", "中中é😀&中"],
    [
      "DEL, C1 controls, the last characters",
      "\x7f\x80\x9f\u2028\ufffd\u{10ffff}",
      "\x7f\x80\x9f\u2028\ufffd\u{10ffff}",
    ],
  ])("is read: %s", (_, sent, text) => {
    expect(note(sent)).toBe(text);
  });

  it("PUB-5: keeps line ends, tabs and blanks as they were sent", () => {
    expect(note(" \r\n\r\t\n a&#13;&#10; <![CDATA[\r\n]]> ")).toBe(" \r\n\r\t\n a\r\n \r\n ");
  });

  it("does not leak from one element into the next", () => {
    const items = read("<Order><Item><Name>&lt;long</Name></Item><Item><Name>&gt;</Name></Item></Order>").children;
    expect(items.map((item) => childText(item, "Name"))).toEqual(["<long", ">"]);
  });
});

describe("form", () => {
  it.each([
    ["a byte order mark", "\uFEFF<Order></Order>"],
    ["a prolog", '<?xml version="1.0"?><Order></Order>'],
    ["a prolog as long as can be", "<?xml  version = '1.0'\n encoding='utf-8' standalone=\"yes\" ?>\n<Order></Order>"],
    ["blanks around", " \t\r\n<Order></Order>\n\n"],
    ["blanks inside", "<Order>\r\n\t<Note></Note>\n </Order>"],
    ["blanks in tags", "<Order ><Note\n></Note\t></Order >"],
    ["an empty element", "<Order/>"],
    ["an empty element with xmlns", '<Order xmlns="a&amp;b>é" />'],
    ["xmlns inside", "<Order><Note xmlns=''></Note></Order>"],
  ])("%s is taken", (_, document) => {
    expect(read(document).name).toBe("Order");
  });

  it("an empty element is empty text", () => {
    expect(childText(read("<Order><Note/></Order>"), "Note")).toBe("");
    expect(childText(read("<Order></Order>"), "Note")).toBeUndefined();
  });
});

describe("refused though well-formed", () => {
  const documents = [
    ["doctype", "<!DOCTYPE Order><Order/>"],
    ["doctype", '<!DOCTYPE Order [<!ENTITY a "b">]><Order><Note>&a;</Note></Order>'],
    ["processing-instruction", "<?go on?><Order/>"],
    ["processing-instruction", "<?xml-stylesheet href='a'?><Order/>"],
    ["processing-instruction", "<Order><Note>a<?go?></Note></Order>"],
    ["processing-instruction", "<Order/><?go?>"],
    ["comment", "<!-- a --><Order/>"],
    ["comment", "<Order><!-- a --></Order>"],
    ["comment", "<Order><Note>a<!-- a --></Note></Order>"],
    ["comment", "<Order/><!-- a -->"],
    ["attribute", '<Order id="1"/>'],
    ["attribute", '<Order xmlns:a="b"/>'],
    ["attribute", '<Order><Note é="b"></Note></Order>'],
    ["unknown-element", "<Other/>"],
    ["unknown-element", "<order/>"],
    ["unknown-element", "<Order><Order/></Order>"],
    ["unknown-element", "<Order><constructor/></Order>"],
    ["unknown-element", `${"<a>".repeat(100_000)}`],
    ["repeated-element", "<Order><Note/><Note/></Order>"],
    ["text-between-elements", "<Order>a</Order>"],
    ["text-between-elements", "<Order><Note/>&#32;</Order>"],
    ["text-between-elements", "<Order><![CDATA[ ]]></Order>"],
    ["depth", "<Order><Note><b>a</b></Note></Order>"],
    ["depth", `<Order><Note>${"<b>".repeat(100_000)}`],
    ["xml-version", '<?xml version="1.1"?><Order/>'],
    ["encoding", '<?xml version="1.0" encoding="ISO-8859-1"?><Order/>'],
    ["encoding", '<?xml version="1.0" encoding="UTF-16"?><Order/>'],
  ] as const;
  for (const [kind, document] of documents) {
    it(`${kind}: ${document.slice(0, 60)}`, () => {
      expect(faultOf(document).kind).toBe(kind);
    });
  }
});

describe("refused as no XML 1.0", () => {
  it.each([
    "",
    " ",
    "hello",
    '{"a":1}',
    "\uFEFF",
    "\uFEFF\uFEFF<Order/>",
    "<",
    "<Order",
    "<Order>",
    "<Order><Note>a",
    "<Order><Note>a</Order></Note>",
    "<Order><Note>a</Note>",
    "<Order/><Order/>",
    "<Order/>a",
    "<Order/>&#32;",
    "<Order/><![CDATA[]]>",
    "<![CDATA[]]><Order/>",
    "<Order / >",
    "< Order/>",
    "<Order></ Order>",
    "<Order></Order",
    '<Order xmlns="a"xmlns="b"/>',
    '<Order xmlns="a" xmlns="b"/>',
    '<Order xmlns="a"id="1"/>',
    "<Order xmlns=a/>",
    "<Order xmlns/>",
    '<Order xmlns="a<b"/>',
    '<Order xmlns="a&b"/>',
    '<Order xmlns="a',
    "<Order><!X></Order>",
    "<Order><Note>a<![CDATA[b</Note></Order>",
    "<Order><Note>a<![cdata[b]]></Note></Order>",
    "<Order><Note>a < b</Note></Order>",
    "<1a/>",
    "<!xml><Order/>",
    '<?xml version="1.0" encoding=""?><Order/>',
    '<?xml version="2.0"?><Order/>',
    '<?xml encoding="UTF-8"?><Order/>',
    '<?xml version="1.0"encoding="UTF-8"?><Order/>',
    '<?xml version="1.0" standalone="maybe"?><Order/>',
    '<?xml version="1.0" standalone="no" encoding="UTF-8"?><Order/>',
    '<?xml version="1.0"><Order/>',
    "<?xml ?><Order/>",
  ])("%j", (document) => {
    expect(faultOf(document).kind).toBe("not-well-formed");
  });

  it.each([
    "a & b",
    "&",
    "&;",
    "&nbsp;",
    "&AMP;",
    "&amp",
    "&#;",
    "&#x;",
    "&#X41;",
    "&#x4G;",
    "&#65",
    "&#-1;",
    "&quote;",
  ])("the reference in %j", (inner) => {
    expect(faultInNote(inner).kind).toBe("not-well-formed");
  });

  it.each(["]]>", "<![CDATA[a]]>b]]>", "]]]>"])("WIRE-52: ]]> in text, as Node sends it: %s", (inner) => {
    expect(faultInNote(inner).kind).toBe("not-well-formed");
  });

  it.each([
    "\u0000",
    "\u0001",
    "\u0008",
    "\u000b",
    "\u000c",
    "\u000e",
    "\u001f",
    "\ufffe",
    "\uffff",
    "<![CDATA[\u0001]]>",
    "<![CDATA[\uffff]]>",
    "&#0;",
    "&#1;",
    "&#x1;",
    "&#01;",
    "&#31;",
    "&#xFFFE;",
    "&#65535;",
    "&#xD800;",
    "&#xDFFF;",
    "&#x110000;",
  ])("WIRE-53: a character that XML 1.0 has not: %j", (inner) => {
    expect(faultInNote(inner).kind).toBe("forbidden-character");
  });

  it("WIRE-53: a reference beyond all numbers", () => {
    expect(faultInNote(`&#${"9".repeat(10_000)};`).kind).toBe("forbidden-character");
  });

  it.each([
    ["a lone continuation", [0x80]],
    ["a lone lead", [0xc3]],
    ["a lead before ASCII", [0xe4, 0x41, 0x41]],
    ["a cut character", [0xe4, 0xb8]],
    ["an overlong slash", [0xc0, 0xaf]],
    ["an overlong slash of three", [0xe0, 0x80, 0xaf]],
    ["an overlong one of four", [0xf0, 0x80, 0x80, 0xaf]],
    ["a surrogate", [0xed, 0xa0, 0x80]],
    ["one beyond Unicode", [0xf4, 0x90, 0x80, 0x80]],
    ["five bytes", [0xf8, 0x88, 0x80, 0x80, 0x80]],
    ["Latin-1", [0xfc]],
  ])("bytes that are no UTF-8: %s", (_, bytes) => {
    const inner = Buffer.from(bytes);
    const wrap = (before: string, after: string) =>
      Buffer.concat([Buffer.from(`<Order><Note>${before}`), inner, Buffer.from(`${after}</Note></Order>`)]);
    expect(faultOf(wrap("", "")).kind).toBe("invalid-utf8");
    expect(faultOf(wrap("<![CDATA[", "]]>")).kind).toBe("invalid-utf8");
  });
});

it("a fault says where it stands", () => {
  expect(faultOf("<Order><Note>a&b</Note></Order>").message).toMatch(/\(byte 14\)$/);
  expect(faultOf("<Order><Order/></Order>").message).toBe("<Order> is not one of <Note>, <Item> (byte 7)");
  expect(faultOf(`<${"a".repeat(1_000_000)}/>`).message.length).toBeLessThan(100);
});
