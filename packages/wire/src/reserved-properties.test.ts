import { describe, expect, it } from "vitest";
import { parseProperties } from "./properties.ts";
import { readIntent } from "./reserved-properties.ts";

const read = (text: string) => readIntent(parseProperties(text).pairs);
const intentOf = (text: string) => {
  const result = read(text);
  return "intent" in result ? result.intent : result;
};

describe("reserved properties", () => {
  it("each says its part of the intent", () => {
    expect(intentOf("a:1|KEYS:k|__SHARDINGKEY:s|__STARTDELIVERTIME:1700000000123|__TransCheckT:30|")).toEqual({
      key: "k",
      shardingKey: "s",
      deliverAt: 1_700_000_000_123,
      checkAfterSeconds: 30,
    });
    expect(intentOf("a:1|keys:k|__transcheckt:30|")).toEqual({});
  });

  it("PUB-9.3: a time with a fraction is cut down", () => {
    expect(intentOf("__STARTDELIVERTIME:1700000000123.9")).toEqual({ deliverAt: 1_700_000_000_123 });
    expect(intentOf("__TransCheckT:12.99")).toEqual({ checkAfterSeconds: 12 });
  });

  it("PUB-9.3: an empty one is absent", () => {
    expect(intentOf("__STARTDELIVERTIME:|__TransCheckT:|__SHARDINGKEY:|KEYS:|")).toEqual({});
    const given = [["__TransCheckT", ""] as const, ["__SHARDINGKEY", ""] as const, ["KEYS", ""] as const];
    expect(readIntent(given)).toEqual({ intent: {} });
  });

  it.each([
    ["__STARTDELIVERTIME", "tomorrow"],
    ["__STARTDELIVERTIME", "1e12"],
    ["__STARTDELIVERTIME", "0x10"],
    ["__STARTDELIVERTIME", " "],
    ["__TransCheckT", "30s"],
    ["__TransCheckT", "NaN"],
    ["__TransCheckT", "1:2"],
    ["__TransCheckT", "."],
  ])("PUB-9.3: an unreadable one is refused and quoted (%s:%s)", (name, value) => {
    const result = read(`${name}:${value}|`);
    expect(result).toHaveProperty("reason", expect.stringContaining(`${name} is "${value}"`));
  });

  it("PUB-9.3: a long one is quoted in part", () => {
    const result = read(`__TransCheckT:${"x".repeat(16_000)}`);
    expect("reason" in result && result.reason.length).toBeLessThan(200);
  });

  it.each([
    ["-5", 0],
    ["0", 0],
    ["9", 9],
    ["301", 301],
    ["9".repeat(400), Number.MAX_SAFE_INTEGER],
  ])("the immunity %s is %d s, in or out of bounds: those are no matter of the wire", (text, checkAfterSeconds) => {
    expect(intentOf(`__TransCheckT:${text}`)).toEqual({ checkAfterSeconds });
  });

  it("a delivery time before 1970 or beyond all numbers is still a number", () => {
    expect(intentOf("__STARTDELIVERTIME:-5")).toEqual({ deliverAt: 0 });
    expect(intentOf(`__STARTDELIVERTIME:${"9".repeat(400)}`)).toEqual({ deliverAt: Number.MAX_SAFE_INTEGER });
  });
});
