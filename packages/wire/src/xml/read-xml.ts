import { XmlFault, type XmlFaultKind } from "./xml-fault.ts";

/** An element that a document may have: of text when it has no `children`, once in its parent unless it is one of `many`. */
export interface ElementShape {
  readonly name: string;
  readonly many?: true;
  readonly children?: readonly ElementShape[];
}

export interface XmlElement {
  readonly name: string;
  readonly text: string;
  readonly children: readonly XmlElement[];
}

/**
 * Reads a document whose elements are known beforehand, in one pass over its bytes. Text comes as it was sent, CR included
 * (PUB-5), where a general parser would fold line ends. Nothing that no SDK sends is taken: no DOCTYPE, comment, processing
 * instruction, attribute but `xmlns`. Allocates at most a copy of the bytes and the text itself. Throws an `XmlFault`.
 */
export function readXml(bytes: Buffer, root: ElementShape): XmlElement {
  return new XmlReader(bytes).readDocument(root);
}

export function childText(parent: XmlElement, name: string): string | undefined {
  return parent.children.find((child) => child.name === name)?.text;
}

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const BANG = 0x21;
const DOUBLE_QUOTE = 0x22;
const HASH = 0x23;
const AMPERSAND = 0x26;
const SINGLE_QUOTE = 0x27;
const SLASH = 0x2f;
const SEMICOLON = 0x3b;
const LESS = 0x3c;
const EQUALS = 0x3d;
const GREATER = 0x3e;
const QUESTION = 0x3f;
const CLOSING_BRACKET = 0x5d;
const LOWER_X = 0x78;

const BYTE_ORDER_MARK = Buffer.from("\uFEFF");
const CDATA = Buffer.from("<![CDATA[");
const COMMENT = Buffer.from("<!--");
const DOCTYPE = Buffer.from("<!DOCTYPE");
const DECLARATION = Buffer.from("<?xml");

const ENTITIES = [
  { written: Buffer.from("&amp;"), codePoint: AMPERSAND },
  { written: Buffer.from("&lt;"), codePoint: LESS },
  { written: Buffer.from("&gt;"), codePoint: GREATER },
  { written: Buffer.from("&quot;"), codePoint: DOUBLE_QUOTE },
  { written: Buffer.from("&apos;"), codePoint: SINGLE_QUOTE },
];
const BEYOND_UNICODE = 0x110000;

/** What a byte means inside text. Most are plain: one look at this table, and on to the next. */
const PLAIN = 0;
const MARKUP = 1;
const REFERENCE = 2;
const BRACKET = 3;
const FORBIDDEN = 4;
const WIDE = 5;
const MEANING = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 0x80) return WIDE;
  if (byte === LESS) return MARKUP;
  if (byte === AMPERSAND) return REFERENCE;
  if (byte === CLOSING_BRACKET) return BRACKET;
  return byte >= SPACE || byte === TAB || byte === LF || byte === CR ? PLAIN : FORBIDDEN;
});

class XmlReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at = 0;
  /** Text with escapes is put together here. No escape is longer decoded than encoded, so the size of the document is enough. */
  #scratch: Buffer | undefined;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#end = bytes.length;
  }

  readDocument(root: ElementShape): XmlElement {
    if (this.#looksAt(BYTE_ORDER_MARK)) this.#at += BYTE_ORDER_MARK.length;
    if (this.#looksAt(DECLARATION) && isBlank(this.#peek(DECLARATION.length))) this.#readDeclaration();
    this.#skipBlanks();
    if (this.#peek() !== LESS) throw this.#malformed(`an XML document begins with <${root.name}>`);
    if (this.#isAtOtherMarkup()) throw this.#otherMarkup("outside");
    const element = this.#readElement([root], []);
    this.#skipBlanks();
    if (this.#isAtOtherMarkup()) throw this.#otherMarkup("outside");
    if (this.#at < this.#end) throw this.#malformed(`something follows </${root.name}>`);
    return element;
  }

  /** Recursive: as deep as the shape, never as deep as the document. */
  #readElement(shapes: readonly ElementShape[], siblings: readonly XmlElement[]): XmlElement {
    const start = this.#at;
    this.#at += 1;
    const shape = shapes.find((candidate) => this.#isAtName(candidate.name));
    if (shape === undefined) {
      const unknown = this.#readName();
      const expected = shapes.map((candidate) => `<${candidate.name}>`).join(", ");
      throw this.#fault("unknown-element", `<${shorten(unknown)}> is not one of ${expected}`, start);
    }
    const { name } = shape;
    this.#at += name.length;
    if (!shape.many && siblings.some((sibling) => sibling.name === name)) {
      throw this.#fault("repeated-element", `<${name}> is there twice`, start);
    }
    if (this.#readAttributes(name)) return { name, text: "", children: [] };
    const children = shape.children === undefined ? [] : this.#readChildren(name, shape.children);
    const text = shape.children === undefined ? this.#readText(name) : "";
    this.#readEndTag(name);
    return { name, text, children };
  }

  #readChildren(parent: string, shapes: readonly ElementShape[]): XmlElement[] {
    const children: XmlElement[] = [];
    for (;;) {
      this.#skipBlanks();
      if (this.#at >= this.#end) throw this.#malformed(`<${parent}> is never closed`);
      if (this.#peek() !== LESS) throw this.#textBetweenElements(parent);
      if (this.#peek(1) === SLASH) return children;
      if (this.#isAtOtherMarkup()) throw this.#otherMarkup(parent);
      children.push(this.#readElement(shapes, children));
    }
  }

  #readText(parent: string): string {
    const bytes = this.#bytes;
    let runStart = this.#at;
    let kept = 0;
    for (;;) {
      this.#skipPlain();
      if (this.#at >= this.#end) throw this.#malformed(`<${parent}> is never closed`);
      switch (MEANING[this.#peek()]) {
        case REFERENCE:
          kept = this.#keep(runStart, this.#at, kept);
          kept = this.#keepCodePoint(this.#readReference(), kept);
          runStart = this.#at;
          break;
        case BRACKET:
          if (this.#isAtCdataEnd()) throw this.#malformed("]]> stands in text");
          this.#at += 1;
          break;
        case WIDE:
          this.#skipWide();
          break;
        case FORBIDDEN:
          throw this.#forbidden(this.#peek());
        default:
          if (this.#looksAt(CDATA)) {
            kept = this.#keep(runStart, this.#at, kept);
            this.#at += CDATA.length;
            runStart = this.#at;
            this.#skipToCdataEnd();
            kept = this.#keep(runStart, this.#at, kept);
            this.#at += "]]>".length;
            runStart = this.#at;
            break;
          }
          if (this.#peek(1) !== SLASH) throw this.#markupInText(parent);
          // The plain case: nothing had to be put together.
          if (this.#scratch === undefined || kept === 0) return bytes.toString("utf8", runStart, this.#at);
          kept = this.#keep(runStart, this.#at, kept);
          return this.#scratch.toString("utf8", 0, kept);
      }
    }
  }

  #skipPlain(): void {
    const bytes = this.#bytes;
    const end = this.#end;
    let at = this.#at;
    while (at < end && MEANING[bytes[at] as number] === PLAIN) at += 1;
    this.#at = at;
  }

  #skipToCdataEnd(): void {
    for (;;) {
      this.#skipPlain();
      if (this.#at >= this.#end) throw this.#malformed("a CDATA section is never closed");
      const meaning = MEANING[this.#peek()];
      if (meaning === FORBIDDEN) throw this.#forbidden(this.#peek());
      if (meaning === BRACKET && this.#isAtCdataEnd()) return;
      if (meaning === WIDE) this.#skipWide();
      else this.#at += 1;
    }
  }

  #isAtCdataEnd(): boolean {
    return this.#peek() === CLOSING_BRACKET && this.#peek(1) === CLOSING_BRACKET && this.#peek(2) === GREATER;
  }

  #keep(from: number, to: number, kept: number): number {
    if (from === to) return kept;
    this.#scratch ??= Buffer.allocUnsafe(this.#end);
    return kept + this.#bytes.copy(this.#scratch, kept, from, to);
  }

  #keepCodePoint(codePoint: number, kept: number): number {
    this.#scratch ??= Buffer.allocUnsafe(this.#end);
    if (codePoint >= 0x80) return kept + this.#scratch.write(String.fromCodePoint(codePoint), kept);
    this.#scratch[kept] = codePoint;
    return kept + 1;
  }

  #readReference(): number {
    if (this.#peek(1) === HASH) return this.#readCharacterReference();
    for (const { written, codePoint } of ENTITIES) {
      if (!this.#looksAt(written)) continue;
      this.#at += written.length;
      return codePoint;
    }
    throw this.#malformed("& does not begin one of the five entities of XML");
  }

  #readCharacterReference(): number {
    const start = this.#at;
    this.#at += "&#".length;
    const base = this.#peek() === LOWER_X ? 16 : 10;
    if (base === 16) this.#at += 1;
    const digitsStart = this.#at;
    let codePoint = 0;
    for (let digit = digitOf(this.#peek()); digit < base; digit = digitOf(this.#peek())) {
      codePoint = codePoint * base + digit;
      this.#at += 1;
    }
    if (this.#at === digitsStart || this.#peek() !== SEMICOLON) {
      throw this.#malformed("a character reference is not finished", start);
    }
    this.#at += 1;
    if (!isXmlCharacter(codePoint)) throw this.#forbidden(codePoint, start);
    return codePoint;
  }

  /** Steps over one character of two to four bytes that UTF-8 and XML allow. */
  #skipWide(): void {
    const lead = this.#peek();
    const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    let codePoint = lead & (0x7f >> length);
    for (let place = 1; place < length; place += 1) {
      const next = this.#peek(place);
      if ((next & 0xc0) !== 0x80) throw this.#notUtf8();
      codePoint = (codePoint << 6) | (next & 0x3f);
    }
    const least = length === 4 ? 0x10000 : length === 3 ? 0x800 : 0x80;
    const isSurrogate = codePoint >= 0xd800 && codePoint <= 0xdfff;
    if (lead < 0xc0 || lead > 0xf7 || codePoint < least || codePoint >= BEYOND_UNICODE || isSurrogate) {
      throw this.#notUtf8();
    }
    if (!isXmlCharacter(codePoint)) throw this.#forbidden(codePoint);
    this.#at += length;
  }

  /** Reads to the end of a start tag; true when that was `/>`. */
  #readAttributes(element: string): boolean {
    let hasNamespace = false;
    for (;;) {
      const isSpaced = this.#skipBlanks();
      const byte = this.#peek();
      if (byte === GREATER) {
        this.#at += 1;
        return false;
      }
      if (byte === SLASH) {
        this.#at += 1;
        this.#expect(GREATER);
        return true;
      }
      if (!isSpaced) throw this.#malformed(`the tag <${element}> is not finished`);
      const start = this.#at;
      const name = this.#readName();
      if (name !== "xmlns") throw this.#fault("attribute", `<${element}> has an attribute, ${shorten(name)}`, start);
      if (hasNamespace) throw this.#malformed(`<${element}> has two xmlns`, start);
      hasNamespace = true;
      this.#skipAttributeValue();
    }
  }

  #skipAttributeValue(): void {
    this.#readEquals();
    const quote = this.#readQuote();
    for (;;) {
      const byte = this.#peek();
      if (byte === quote) {
        this.#at += 1;
        return;
      }
      if (this.#at >= this.#end || byte === LESS) throw this.#malformed("the value of an attribute is not finished");
      const meaning = MEANING[byte];
      if (meaning === FORBIDDEN) throw this.#forbidden(byte);
      if (meaning === REFERENCE) this.#readReference();
      else if (meaning === WIDE) this.#skipWide();
      else this.#at += 1;
    }
  }

  #readEndTag(name: string): void {
    const start = this.#at;
    this.#at += "</".length;
    if (!this.#isAtName(name)) throw this.#malformed(`<${name}> is closed by </${shorten(this.#readName())}>`, start);
    this.#at += name.length;
    this.#skipBlanks();
    this.#expect(GREATER);
  }

  /** `<?xml version="1.0" encoding="UTF-8" standalone="no"?>`; the last two may be missing. */
  #readDeclaration(): void {
    this.#at += DECLARATION.length;
    this.#skipBlanks();
    const version = this.#readPseudoAttribute("version");
    if (version === undefined || !/^1\.[0-9]+$/.test(version)) throw this.#malformed("the prolog has no version");
    if (version !== "1.0") throw this.#fault("xml-version", `the document is XML ${shorten(version)}, not 1.0`);
    let isSpaced = this.#skipBlanks();
    const encoding = isSpaced ? this.#readPseudoAttribute("encoding") : undefined;
    if (encoding !== undefined) {
      if (!/^[A-Za-z][A-Za-z0-9._-]*$/.test(encoding)) throw this.#malformed("the prolog names no encoding");
      if (encoding.toLowerCase() !== "utf-8") {
        throw this.#fault("encoding", `the document is encoded in ${shorten(encoding)}, not UTF-8`);
      }
      isSpaced = this.#skipBlanks();
    }
    const standalone = isSpaced ? this.#readPseudoAttribute("standalone") : undefined;
    if (standalone !== undefined && standalone !== "yes" && standalone !== "no") {
      throw this.#malformed("standalone is yes or no");
    }
    this.#skipBlanks();
    this.#expect(QUESTION);
    this.#expect(GREATER);
  }

  #readPseudoAttribute(name: string): string | undefined {
    if (!this.#isAt(name)) return undefined;
    this.#at += name.length;
    this.#readEquals();
    const quote = this.#readQuote();
    const start = this.#at;
    while (this.#at < this.#end && this.#peek() !== quote) this.#at += 1;
    const value = this.#bytes.toString("latin1", start, this.#at);
    this.#expect(quote);
    return value;
  }

  #readName(): string {
    const start = this.#at;
    if (!isNameStart(this.#peek())) throw this.#malformed("a name should stand here");
    while (isNameByte(this.#peek())) {
      if (this.#peek() >= 0x80) this.#skipWide();
      else this.#at += 1;
    }
    return this.#bytes.toString("utf8", start, this.#at);
  }

  /** Whether this name stands here, whole. */
  #isAtName(name: string): boolean {
    return this.#isAt(name) && !isNameByte(this.#peek(name.length));
  }

  #isAt(ascii: string): boolean {
    for (let place = 0; place < ascii.length; place += 1) {
      if (this.#peek(place) !== ascii.charCodeAt(place)) return false;
    }
    return true;
  }

  #readEquals(): void {
    this.#skipBlanks();
    this.#expect(EQUALS);
    this.#skipBlanks();
  }

  #readQuote(): number {
    const quote = this.#peek();
    if (quote !== DOUBLE_QUOTE && quote !== SINGLE_QUOTE) throw this.#malformed("a quote should stand here");
    this.#at += 1;
    return quote;
  }

  #expect(byte: number): void {
    if (this.#peek() !== byte) throw this.#malformed(`${String.fromCharCode(byte)} should stand here`);
    this.#at += 1;
  }

  #skipBlanks(): boolean {
    const start = this.#at;
    while (isBlank(this.#peek())) this.#at += 1;
    return this.#at > start;
  }

  /** The byte ahead, or -1 after the last. */
  #peek(ahead = 0): number {
    const at = this.#at + ahead;
    return at < this.#end ? (this.#bytes[at] as number) : -1;
  }

  #looksAt(expected: Buffer): boolean {
    for (let place = 0; place < expected.length; place += 1) {
      if (this.#peek(place) !== expected[place]) return false;
    }
    return true;
  }

  #isAtOtherMarkup(): boolean {
    return this.#peek() === LESS && (this.#peek(1) === BANG || this.#peek(1) === QUESTION);
  }

  #otherMarkup(parent: string): XmlFault {
    if (this.#looksAt(COMMENT)) return this.#fault("comment", "comments are not read");
    if (this.#looksAt(DOCTYPE)) return this.#fault("doctype", "a DOCTYPE is not read");
    if (this.#peek(1) === QUESTION)
      return this.#fault("processing-instruction", "processing instructions are not read");
    if (parent !== "outside" && this.#looksAt(CDATA)) return this.#textBetweenElements(parent);
    return this.#malformed("<! begins nothing that is known");
  }

  #markupInText(parent: string): XmlFault {
    if (this.#isAtOtherMarkup()) return this.#otherMarkup("outside");
    if (!isNameStart(this.#peek(1))) return this.#malformed("< stands in text");
    return this.#fault("depth", `<${parent}> holds text, and an element is in it`);
  }

  #textBetweenElements(parent: string): XmlFault {
    return this.#fault("text-between-elements", `<${parent}> holds elements, and text is between them`);
  }

  #notUtf8(): XmlFault {
    return this.#fault("invalid-utf8", "the document is not UTF-8");
  }

  #forbidden(codePoint: number, at = this.#at): XmlFault {
    const name =
      codePoint >= BEYOND_UNICODE ? "beyond Unicode" : `U+${codePoint.toString(16).toUpperCase().padStart(4, "0")}`;
    return this.#fault("forbidden-character", `XML 1.0 has no character ${name}`, at);
  }

  #malformed(sentence: string, at = this.#at): XmlFault {
    return this.#fault("not-well-formed", sentence, at);
  }

  #fault(kind: XmlFaultKind, sentence: string, at = this.#at): XmlFault {
    return new XmlFault(kind, `${sentence} (byte ${at})`);
  }
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === LF || byte === TAB || byte === CR;
}

function isNameStart(byte: number): boolean {
  return byte >= 0x80 || byte === 0x5f || byte === 0x3a || isLetter(byte);
}

function isNameByte(byte: number): boolean {
  return isNameStart(byte) || byte === 0x2d || byte === 0x2e || (byte >= 0x30 && byte <= 0x39);
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

/** The value of a hexadecimal digit; 16 for anything else. */
function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : 16;
}

function isXmlCharacter(codePoint: number): boolean {
  if (codePoint < SPACE) return codePoint === TAB || codePoint === LF || codePoint === CR;
  if (codePoint <= 0xffff) return codePoint < 0xd800 || (codePoint > 0xdfff && codePoint < 0xfffe);
  return codePoint < BEYOND_UNICODE;
}

function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
