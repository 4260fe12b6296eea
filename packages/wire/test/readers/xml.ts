/**
 * The XML underneath the reader models: one tokenizer, and on top of it the two views SDKs take, a tree and a pull reader.
 * How each SDK's parser differs from the others is its dialect. Knows no document of the protocol.
 */
import { Unreadable } from "./seen.ts";

export type Flaw =
  | "an illegal character"
  | "a reference to an illegal character"
  | "an ampersand that begins no reference"
  | "]]> in text";

/** What one XML parser does where parsers differ. */
export interface Dialect {
  /** CR and CRLF in the raw text become LF, as XML 1.0 section 2.11 wants it. */
  readonly foldsLines: boolean;
  readonly refuses: readonly Flaw[];
}

/** A parser that obeys XML 1.0: encoding/xml, expat, Xerces, libxml2. */
export const strict: Dialect = {
  foldsLines: true,
  refuses: [
    "an illegal character",
    "a reference to an illegal character",
    "an ampersand that begins no reference",
    "]]> in text",
  ],
};

/** A parser that forgives all that can be forgiven and changes nothing: what the sender evidently meant. */
export const lenient: Dialect = { foldsLines: false, refuses: [] };

export type Token =
  | {
      readonly type: "open";
      readonly name: string;
      readonly attributes: ReadonlyMap<string, string>;
      readonly selfClosing: boolean;
    }
  | { readonly type: "close"; readonly name: string }
  | { readonly type: "text"; readonly value: string; readonly raw: string }
  | { readonly type: "cdata"; readonly value: string }
  | { readonly type: "comment"; readonly value: string };

export interface XmlElement {
  readonly type: "element";
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlNode[];
}

export type XmlNode = XmlElement | Extract<Token, { type: "text" | "cdata" | "comment" }>;

const REFERENCE = /&(?:#x([0-9a-fA-F]+)|#([0-9]+)|(lt|gt|amp|quot|apos));/g;
const ILLEGAL = /[^\t\n\r -\uFFFD]/;
const NAMED: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };
const ATTRIBUTE = /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;

/** The tokens of a document; prolog, byte order mark and white space around the root are not among them. */
function tokenize(body: Buffer, dialect: Dialect): Token[] {
  const source = body.toString("utf8").replace(/^\uFEFF/, "");
  const tokens: Token[] = [];
  const open: string[] = [];
  let rooted = false;
  let at = 0;

  const upTo = (end: string, from: number): string => {
    const found = source.indexOf(end, from);
    if (found < 0) throw new Unreadable(`the document ends before ${end}`);
    at = found + end.length;
    return source.slice(from, found);
  };
  const inRoot = (token: Token): void => {
    if (open.length > 0) tokens.push(token);
  };

  while (at < source.length) {
    if (source[at] !== "<") {
      const end = source.indexOf("<", at);
      const raw = source.slice(at, end < 0 ? undefined : end);
      at += raw.length;
      if (open.length === 0 && !isBlank(raw)) throw new Unreadable("the document has text outside its root");
      inRoot({ type: "text", value: textOf(raw, dialect), raw });
    } else if (source.startsWith("<!--", at)) {
      inRoot({ type: "comment", value: upTo("-->", at + 4) });
    } else if (source.startsWith("<![CDATA[", at)) {
      const value = foldedIf(dialect, upTo("]]>", at + 9));
      if (ILLEGAL.test(value)) refuseIf(dialect, "an illegal character");
      inRoot({ type: "cdata", value });
    } else if (source.startsWith("<?", at)) {
      // Whoever minds a processing instruction minds it like a comment.
      inRoot({ type: "comment", value: upTo("?>", at + 2) });
    } else if (source.startsWith("</", at)) {
      const name = upTo(">", at + 2).trim();
      if (open.pop() !== name) throw new Unreadable(`the document closes ${name}, which is not open`);
      tokens.push({ type: "close", name });
    } else {
      if (rooted && open.length === 0) throw new Unreadable("the document has two roots");
      rooted = true;
      const token = openTag(upTo(">", at + 1));
      if (!token.selfClosing) open.push(token.name);
      tokens.push(token);
    }
  }
  if (!rooted || open.length > 0) throw new Unreadable(rooted ? "the document breaks off" : "there is no document");
  return tokens;
}

/** The document as a tree, for the SDKs that build one. */
export function parseTree(body: Buffer, dialect: Dialect): XmlElement {
  const top: XmlNode[] = [];
  const path: XmlNode[][] = [top];
  for (const token of tokenize(body, dialect)) {
    if (token.type === "close") path.pop();
    else if (token.type !== "open") path.at(-1)?.push(token);
    else {
      const children: XmlNode[] = [];
      path.at(-1)?.push({ type: "element", name: token.name, attributes: token.attributes, children });
      if (!token.selfClosing) path.push(children);
    }
  }
  const root = top[0];
  if (root?.type !== "element") throw new Unreadable("there is no document");
  return root;
}

/** The document as a cursor that only goes forward, for the SDKs that pull. As theirs, it shows no end of `<X/>`. */
export class PullReader {
  readonly #tokens: readonly Token[];
  #at = -1;

  constructor(body: Buffer, dialect: Dialect) {
    this.#tokens = tokenize(body, dialect);
  }

  read(): boolean {
    this.#at += 1;
    return this.#at < this.#tokens.length;
  }

  /** The token under the cursor; none before the first read and after the last. */
  get token(): Token | undefined {
    return this.#tokens[this.#at];
  }
}

export function elementsIn(parent: XmlElement): XmlElement[] {
  return parent.children.filter((child) => child.type === "element");
}

/** All elements of that name at any depth, the given one included when it bears the name. */
export function elementsNamed(root: XmlElement, name: string): XmlElement[] {
  const below = elementsIn(root).flatMap((child) => elementsNamed(child, name));
  return root.name === name ? [root, ...below] : below;
}

/** The element's own text and CDATA in one; that of elements inside it is not its own. */
export function ownText(element: XmlElement): string {
  return element.children.map((child) => (child.type === "text" || child.type === "cdata" ? child.value : "")).join("");
}

export function isBlank(text: string): boolean {
  return /^[ \t\r\n]*$/.test(text);
}

function openTag(inside: string): Extract<Token, { type: "open" }> {
  const selfClosing = inside.endsWith("/");
  const tag = selfClosing ? inside.slice(0, -1) : inside;
  const name = /^[A-Za-z_][\w.:-]*/.exec(tag)?.[0];
  if (name === undefined) throw new Unreadable(`<${inside.slice(0, 20)}> is no element`);
  const attributes = new Map<string, string>();
  for (const [, key = "", double, single] of tag.slice(name.length).matchAll(ATTRIBUTE)) {
    attributes.set(key, double ?? single ?? "");
  }
  return { type: "open", name, attributes, selfClosing };
}

function textOf(raw: string, dialect: Dialect): string {
  if (ILLEGAL.test(raw)) refuseIf(dialect, "an illegal character");
  if (raw.includes("]]>")) refuseIf(dialect, "]]> in text");
  const folded = foldedIf(dialect, raw);
  if (!folded.includes("&")) return folded;
  if (folded.replace(REFERENCE, "").includes("&")) refuseIf(dialect, "an ampersand that begins no reference");
  return folded.replace(REFERENCE, (_, hex?: string, decimal?: string, name?: string) => {
    if (name !== undefined) return NAMED[name] ?? "";
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    const character = code <= 0x10ffff ? String.fromCodePoint(code) : "\uFFFF";
    if (ILLEGAL.test(character)) refuseIf(dialect, "a reference to an illegal character");
    return character;
  });
}

function foldedIf(dialect: Dialect, text: string): string {
  return dialect.foldsLines ? text.replace(/\r\n?/g, "\n") : text;
}

function refuseIf(dialect: Dialect, flaw: Flaw): void {
  if (dialect.refuses.includes(flaw)) throw new Unreadable(`the document has ${flaw}`);
}
