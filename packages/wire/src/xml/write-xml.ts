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

const SPECIAL = /[&<>\r]/;
// WIRE-53: all but the characters of XML 1.0. Most SDKs lose a whole batch over one of them.
const UNWRITABLE = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;
const EVERY_UNWRITABLE = new RegExp(UNWRITABLE, "gu");
const ONLY_BLANKS = /^[ \t\n\r]+$/;

/** Text as every SDK reads it back unchanged; characters that XML cannot carry become U+FFFD. */
export function escapeXml(text: string): string {
  let escaped = text;
  if (SPECIAL.test(escaped)) {
    escaped = escaped
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll("\r", "&#13;");
  }
  if (UNWRITABLE.test(escaped)) escaped = escaped.replace(EVERY_UNWRITABLE, "\uFFFD");
  if (!ONLY_BLANKS.test(text)) return escaped;
  // PHP and C++ drop text of blanks alone, unless its first character is a reference.
  return escaped.startsWith("&") ? escaped : `&#${escaped.charCodeAt(0)};${escaped.slice(1)}`;
}
