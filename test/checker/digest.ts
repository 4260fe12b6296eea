import { crc32 } from "node:zlib";

/** Of a text's UTF-8 bytes. */
export function digestOf(text: string): number {
  return crc32(text);
}

/** Of those properties that stand for the sender's own words: all but what `isOurs` leaves out, whatever their order. */
export function propertiesDigest(properties: Iterable<readonly [name: string, value: string]>): number {
  const lines = [...properties].map(([name, value]) => `${name}\n${value}`);
  return digestOf(lines.sort().join("\n\n"));
}
