/** A name and its value, in the order in which they were sent. Names are unique. */
export type PropertyPair = readonly [name: string, value: string];

/**
 * Reads `a:1|KEYS:k|`. A name ends at its first colon; what has no colon, no name or no value is ignored; of two with one
 * name the last counts (PUB-9).
 */
export function parseProperties(text: string): { pairs: PropertyPair[] } {
  const values = new Map<string, string>();
  for (const part of text.split("|")) {
    const nameEnd = part.indexOf(":");
    if (nameEnd > 0 && nameEnd < part.length - 1) values.set(part.slice(0, nameEnd), part.slice(nameEnd + 1));
  }
  return { pairs: [...values] };
}

/**
 * Writes pairs as every SDK reads them: a bar at the end, no name twice (the first stays), nothing empty, no colon or bar
 * inside (WIRE-67). `leftOut` names the pairs that this costs.
 */
export function formatProperties(pairs: Iterable<PropertyPair>): { text: string; leftOut: string[] } {
  const written = new Set<string>();
  const leftOut: string[] = [];
  let text = "";
  for (const [name, value] of pairs) {
    if (written.has(name) || !isReadable(name) || !isReadable(value)) {
      leftOut.push(name);
      continue;
    }
    written.add(name);
    text += `${name}:${value}|`;
  }
  return { text, leftOut };
}

/** The name of the first of these pairs, no name twice, that replies will leave out; undefined where they keep all. */
export function firstLeftOut(pairs: Iterable<PropertyPair>): string | undefined {
  for (const [name, value] of pairs) if (!isReadable(name) || !isReadable(value)) return name;
  return undefined;
}

function isReadable(text: string): boolean {
  return text !== "" && !text.includes(":") && !text.includes("|");
}
