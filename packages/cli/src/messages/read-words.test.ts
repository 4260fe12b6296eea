import { describe, expect, it } from "vitest";
import { readChoice, readCount, readInstant, readProperties, readRate, readWait } from "./read-words.ts";

const NOW = Date.parse("2026-11-21T03:41:00Z");

describe("an instant", () => {
  it.each([
    ["+0s", "2026-11-21T03:41:00.000Z"],
    ["+250ms", "2026-11-21T03:41:00.250Z"],
    ["+30s", "2026-11-21T03:41:30.000Z"],
    ["+5m", "2026-11-21T03:46:00.000Z"],
    ["+2h", "2026-11-21T05:41:00.000Z"],
    ["+1d", "2026-11-22T03:41:00.000Z"],
    ["2026-11-21T12:00:00Z", "2026-11-21T12:00:00.000Z"],
    ["2026-11-21T12:00:00.125+08:00", "2026-11-21T04:00:00.125Z"],
    ["2026-11-21T12:00", new Date("2026-11-21T12:00").toISOString()],
  ])("%s is read", (text, instant) => {
    expect(readInstant("--at", text, NOW).toISOString()).toBe(instant);
  });

  it.each(["", "+", "30s", "+30", "+1.5s", "-5m", "tomorrow", "2026-11-21", "2026-13-21T12:00Z", "1795232460000"])(
    "%j is refused",
    (text) => {
      expect(() => readInstant("--at", text, NOW)).toThrow(
        `--at is "${text}"; it must be like +30s, +5m, +2h, +1d or 2026-11-21T12:00:00Z.`,
      );
    },
  );
});

describe("the words of a flag", () => {
  it("a choice is one of a few", () => {
    expect(readChoice("--output", "json", ["table", "json"])).toBe("json");
    expect(() => readChoice("--output", "xml", ["table", "json"])).toThrow(
      '--output is "xml"; it must be one of table, json.',
    );
  });

  it.each(["0", "-1", "1.5", "", "ten", "1e3"])("%j is no number of messages", (text) => {
    expect(readCount("--number", "100")).toBe(100);
    expect(() => readCount("--number", text)).toThrow(
      `--number is "${text}"; it must be a whole number from 1 on, for example 100.`,
    );
  });

  it.each(["0", "-1", "", "fast", "500/s", "1e3"])("%j is no rate", (text) => {
    expect(readRate("--rate", "0.5")).toBe(0.5);
    expect(() => readRate("--rate", text)).toThrow(
      `--rate is "${text}"; it must be messages per second, for example 500 or 0.5.`,
    );
  });

  it.each([
    ["0", 0],
    ["0s", 0],
    ["500ms", 500],
    ["30s", 30_000],
  ])("waits %s", (text, ms) => {
    expect(readWait("--wait", text)).toBe(ms);
  });

  it.each(["31s", "1m", "5", "", "soon"])("does not wait %j", (text) => {
    expect(() => readWait("--wait", text)).toThrow(`--wait is "${text}"; it must be 0s to 30s, for example 10s.`);
  });

  it("properties are names and values", () => {
    expect(readProperties("--property", ["a=1", "b=x=y", "c="])).toEqual({ a: "1", b: "x=y", c: "" });
    expect(readProperties("--property", ["__proto__=1"])).toHaveProperty("__proto__", "1");
  });

  it.each([
    [["a"], '--property is "a"; it must be NAME=VALUE.'],
    [["=1"], '--property is "=1"; it must be NAME=VALUE.'],
    [["a=1", "a=2"], "--property names a twice."],
  ])("%j are no properties", (texts, sentence) => {
    expect(() => readProperties("--property", texts)).toThrow(sentence);
  });
});
