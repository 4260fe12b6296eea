/** Java reads errors only under exactly this name, without a slash at its end (protocol fact 3.1.5, ExceptionResultParser.java:36). */
export const XML_NAMESPACE = "http://mq.aliyuncs.com/doc/v1";

/** A document of indented elements; no CDATA, no `<X/>`, no attribute but the namespace, since some SDK fails on each. */
export function writeDocument(root: string, content: string): string {
  return `<?xml version="1.0" ?>\n<${root} xmlns="${XML_NAMESPACE}">\n${content}</${root}>\n`;
}

/** An element of elements, one level in. */
export function writeGroup(name: string, content: string): string {
  return `  <${name}>\n${content}  </${name}>\n`;
}

/** An element of text on a line of its own. */
export function writeText(name: string, text: string, indent = "  "): string {
  return `${indent}<${name}>${escapeXml(text)}</${name}>\n`;
}

// WIRE-53: all but the characters of XML 1.0. Most SDKs lose a whole batch over one of them.
const UNWRITABLE = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;
const SPECIAL = /[&<>\r]/;
/** Nearly all text: stands for itself, which one look at it tells. */
const PLAIN = /^[!-%'-;=?-~][\t\n -%'-;=?-~]*$/;
const ONLY_BLANKS = /^[ \t\n\r]+$/;

const REPLACEMENT = Buffer.from("\uFFFD");
const ESCAPES = new Map(
  Object.entries({ "&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;" }).map(([character, written]) => [
    character.charCodeAt(0),
    Buffer.from(written),
  ]),
);
/** What stands for a byte of UTF-8 that does not stand for itself. */
const WRITTEN = Array.from({ length: 256 }, (_, byte) => {
  const isControl = byte < 0x20 && !"\t\n\r".includes(String.fromCharCode(byte));
  return isControl ? REPLACEMENT : ESCAPES.get(byte);
});
/** How many bytes that adds. */
const ADDED = Uint8Array.from(WRITTEN, (written) => (written?.length ?? 1) - 1);

/** Text as every SDK reads it back unchanged; characters that XML cannot carry become U+FFFD. */
export function escapeXml(text: string): string {
  if (PLAIN.test(text)) return text;
  // PHP and C++ drop text of blanks alone, unless its first character is a reference.
  if (ONLY_BLANKS.test(text)) return `&#${text.charCodeAt(0)};${escapeSpecial(text.slice(1))}`;
  return escapeSpecial(text);
}

function escapeSpecial(text: string): string {
  return SPECIAL.test(text) || UNWRITABLE.test(text) ? escapeBytes(Buffer.from(text)) : text;
}

/** Byte by byte: to replace four million places of a string takes half a second. Half a surrogate is U+FFFD already. */
function escapeBytes(bytes: Buffer): string {
  let length = bytes.length;
  for (let at = 0; at < bytes.length; at += 1) length += ADDED[bytes[at] as number] as number;
  const escaped = Buffer.allocUnsafe(length);
  let end = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] as number;
    const written = WRITTEN[byte];
    if (written === undefined) escaped[end++] = isLastOfNoncharacter(bytes, at) ? 0xbd : byte;
    else for (let place = 0; place < written.length; place += 1) escaped[end++] = written[place] as number;
  }
  return escaped.toString();
}

/** U+FFFE and U+FFFF are EF BF BE and EF BF BF; EF BF BD is U+FFFD. */
function isLastOfNoncharacter(bytes: Buffer, at: number): boolean {
  return (bytes[at] as number) >= 0xbe && bytes[at - 1] === 0xbf && bytes[at - 2] === 0xef;
}
