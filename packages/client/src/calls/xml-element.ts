/** An element of a reply, with all that is in it. */
export interface XmlElement {
  readonly name: string;
  text: string;
  readonly children: XmlElement[];
}

const MAX_DEPTH = 8;
const TOKEN = /<!--.*?-->|<\?.*?\?>|<!\[CDATA\[(.*?)\]\]>|<(\/?)([A-Za-z_][^\s<>/]*)(?:\s[^<>]*?)?(\/?)>|([^<]+)/gsy;
const REFERENCE = /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(amp|lt|gt|quot|apos));|&/gi;
const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/**
 * Reads a reply as the official SDKs do: what is unknown is passed over, no character is forbidden, and line ends stay as
 * they are. One strange message must not cost the whole batch. Throws an Error that says what is wrong.
 */
export function readXml(document: string): XmlElement {
  const outside: XmlElement = { name: "", text: "", children: [] };
  const open = [outside];
  TOKEN.lastIndex = document.startsWith("\uFEFF") ? 1 : 0;
  while (TOKEN.lastIndex < document.length) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(document);
    const parent = open.at(-1);
    if (token === null || parent === undefined) throw new Error(`it is no XML at character ${at}`);
    const [, cdata, slash, name, isEmpty, text] = token;
    if (cdata !== undefined) parent.text += cdata;
    else if (text !== undefined) parent.text += resolveReferences(text);
    else if (name === undefined) continue;
    else if (slash === "") {
      const element: XmlElement = { name, text: "", children: [] };
      parent.children.push(element);
      if (isEmpty === "") open.push(element);
      if (open.length > MAX_DEPTH) throw new Error(`<${name}> stands too deep`);
    } else if (parent.name === name) open.pop();
    else throw new Error(`</${name}> closes <${parent.name}>`);
  }
  const [root] = outside.children;
  if (open.length > 1) throw new Error(`<${open.at(-1)?.name}> is never closed`);
  if (root === undefined || outside.children.length > 1) throw new Error("it is no document of one element");
  return root;
}

/** The text of a child; empty if there is none. */
export function textOf(parent: XmlElement, name: string): string {
  return parent.children.find((child) => child.name === name)?.text ?? "";
}

function resolveReferences(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(REFERENCE, (written, hex?: string, decimal?: string, entity?: string) => {
    if (entity !== undefined) return ENTITIES[entity.toLowerCase()] ?? written;
    const codePoint = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    if (!(codePoint <= 0x10ffff)) throw new Error("a & begins nothing that XML knows");
    return String.fromCodePoint(codePoint);
  });
}
