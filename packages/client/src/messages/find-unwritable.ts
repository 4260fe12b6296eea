import type { PropertyPair } from "@stagemq/wire";
import { FIELD_OF } from "./reserved-names.ts";

// The characters that XML 1.0 does not have, and halves of a pair.
const UNWRITABLE = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

/** Says what of a message XML cannot carry; undefined: it carries all of it. */
export function findUnwritable(body: string, tag: string, properties: readonly PropertyPair[]): string | undefined {
  return (
    findIn("body", body) ??
    findIn("tag", tag) ??
    properties.reduce<string | undefined>((found, pair) => found ?? findInPair(pair), undefined)
  );
}

function findInPair([name, value]: PropertyPair): string | undefined {
  if (Object.hasOwn(FIELD_OF, name)) return findIn(`${FIELD_OF[name]}`, value);
  return findIn("property name", name, ` ${JSON.stringify(name)}`) ?? findIn("property", value, ` ${name}`);
}

function findIn(part: string, text: string, which = ""): string | undefined {
  const found = UNWRITABLE.exec(text);
  if (found === null) return undefined;
  const code = found[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
  const place = ordinal([...text.slice(0, found.index)].length + 1);
  return `The ${part}${which} has U+${code} as its ${place} character, which XML cannot carry; encode such a ${part}, in Base64 for example.`;
}

const ENDINGS: Readonly<Record<string, string>> = { one: "st", two: "nd", few: "rd" };

function ordinal(place: number): string {
  return `${place}${ENDINGS[new Intl.PluralRules("en", { type: "ordinal" }).select(place)] ?? "th"}`;
}
