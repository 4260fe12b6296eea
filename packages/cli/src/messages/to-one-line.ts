// What moves a terminal's cursor, changes its colours, or turns the direction of writing.
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu;
const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A text of somebody else's as one line, which does nothing to a terminal. */
export function toOneLine(text: string): string {
  return text.replace(UNPRINTABLE, (character) => SHORT[character] ?? escapeOf(character));
}

/** JSON in which a terminal finds nothing to obey: the same value, in ASCII where that matters. */
export function toJson(value: unknown): string {
  return JSON.stringify(value).replace(UNPRINTABLE, escapeOf);
}

function escapeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
