import { describe, expect, it } from "vitest";
import { firstLeftOut, formatProperties, parseProperties } from "./properties.ts";

const mapOf = (text: string) => Object.fromEntries(parseProperties(text).pairs);

describe("reading Properties", () => {
  it("WIRE-44: with and without a bar at the end, in any order, they give the same map", () => {
    const expected = { a: "1", KEYS: "k1" };
    for (const text of ["a:1|KEYS:k1|", "a:1|KEYS:k1", "KEYS:k1|a:1|"]) expect(mapOf(text)).toEqual(expected);
    expect(parseProperties("").pairs).toEqual([]);
  });

  it("PUB-9.1: a name ends at the first colon", () => {
    expect(parseProperties("url:http://h:80/|").pairs).toEqual([["url", "http://h:80/"]]);
  });

  it("PUB-9.4: a pair without colon, name or value is ignored", () => {
    expect(parseProperties("none|:v|n:||a:1").pairs).toEqual([["a", "1"]]);
  });

  it("of two pairs with one name the last counts", () => {
    expect(parseProperties("a:1|b:2|a:3").pairs).toEqual([
      ["a", "3"],
      ["b", "2"],
    ]);
  });

  it("names like those of objects are names", () => {
    expect(parseProperties("__proto__:1|constructor:2").pairs).toEqual([
      ["__proto__", "1"],
      ["constructor", "2"],
    ]);
  });
});

describe("writing Properties", () => {
  it("WIRE-67: they end with a bar, and hold no empty value, no colon or bar inside, no name twice", () => {
    const { text, leftOut } = formatProperties([
      ["KEYS", "k"],
      ["url", "http://h"],
      ["empty", ""],
      ["", "nameless"],
      ["bar", "a|b"],
      ["a:b", "c"],
      ["KEYS", "again"],
      ["a", "1"],
    ]);
    expect(text).toBe("KEYS:k|a:1|");
    expect(leftOut).toEqual(["url", "empty", "", "bar", "a:b", "KEYS"]);
  });

  it("PUB-9.2: a value with a colon is left out of replies, and named", () => {
    const { pairs } = parseProperties("url:http://h|a:1|");
    expect(formatProperties(pairs)).toEqual({ text: "a:1|", leftOut: ["url"] });
    expect(firstLeftOut(pairs)).toBe("url");
    expect(firstLeftOut(pairs.slice(1))).toBeUndefined();
  });

  it("nothing is the empty text", () => {
    expect(formatProperties([])).toEqual({ text: "", leftOut: [] });
  });
});
