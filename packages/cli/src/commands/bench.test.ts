import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { beforeEach, describe, expect, it } from "vitest";
import type { BenchOutcome } from "../bench/bench-run.ts";
import type { Host } from "../host.ts";
import { type BenchFlags, bench, formatOutcome } from "./bench.ts";

/** Nobody listens there. */
const ENDPOINT_OF_NOBODY = "http://127.0.0.1:9";
let told: string;
let asked: string[];
let host: { -readonly [Name in keyof Host]?: Host[Name] };

beforeEach(() => {
  [told, asked] = ["", []];
  host = {
    environment: { ALIBABA_CLOUD_ACCESS_KEY_ID: "dev", ALIBABA_CLOUD_ACCESS_KEY_SECRET: "hush" },
    pid: 123,
    interactive: true,
    terminal: false,
    tell: (text) => {
      told += text;
    },
    ask: async (question) => {
      asked.push(question);
      return "n";
    },
    stopRequested: () => new Promise(() => {}),
  };
});

const run = (flags: BenchFlags) => bench({ endpoint: ENDPOINT_OF_NOBODY, ...flags }, host as Host);

describe("bench", () => {
  it.each<[BenchFlags, string]>([
    [{ endpoint: "http://x/" }, "http://x/ is no endpoint: http://HOST:PORT, no path, no slash at the end."],
    [{ conns: "0" }, '--conns is "0"; it must be at most 1,000, for example 64.'],
    [{ conns: "1001" }, '--conns is "1001"; it must be at most 1,000, for example 64.'],
    [{ conns: "many" }, '--conns is "many"; it must be at most 1,000, for example 64.'],
    [{ size: "5m" }, '--size is "5m"; it must be at most 4m, for example 500 or 64k.'],
    [{ time: "30" }, '--time is "30"; it must be at most 1h, for example 30s or 5m.'],
    [{ time: "2h" }, '--time is "2h"; it must be at most 1h, for example 30s or 5m.'],
    [{ messages: "1k" }, '--messages is "1k"; it must be at most 100,000,000, for example 100000.'],
  ])("refuses %j", async (flags, sentence) => {
    expect(await run(flags)).toBe(2);
    expect(told).toBe(`${sentence}\n`);
  });

  it("says that nobody listens there", async () => {
    expect(await run({ size: "4m", time: "1h", conns: "3" })).toBe(69);
    expect(told).toBe("http://127.0.0.1:9 cannot be reached: connect ECONNREFUSED 127.0.0.1:9. Is a broker there?\n");
    expect(asked).toEqual([]);
  });

  it("asks whether it speaks http, where TLS found something else", async () => {
    const plain = createServer().listen(0, "127.0.0.1");
    await once(plain, "listening");
    const endpoint = `https://127.0.0.1:${(plain.address() as AddressInfo).port}`;
    expect(await run({ endpoint })).toBe(69);
    expect(told).toMatch(/^https:.* cannot be reached: .*[.] Does it speak http[?]\n$/s);
    plain.close();
  });

  it("takes the endpoint of the environment, and needs no keys for this machine", async () => {
    host.environment = { STAGEMQ_ENDPOINT: "http://localhost:9" };
    expect(await bench({}, host as Host)).toBe(69);
    expect(told).toContain("http://localhost:9 cannot be reached");
  });

  it("needs keys for another machine", async () => {
    host.environment = {};
    expect(await run({ endpoint: "http://192.0.2.1:80" })).toBe(2);
    expect(told).toBe("Set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET.\n");
  });

  it("asks before it publishes to another machine, and says what it would do", async () => {
    expect(await run({ endpoint: "http://192.0.2.1:80", topic: "try", verify: true, messages: "5000" })).toBe(1);
    for (const words of ["try at http://192.0.2.1", "at most 5,000 messages", "EVERYTHING", "GID_stagemq_bench"])
      expect(told).toContain(words);
    expect([asked, told.endsWith("Nothing was published.\n")]).toEqual([["Go on? [y/N] "], true]);
    expect(told).not.toContain("hush");
  });

  it("does not go on by itself where nobody can answer", async () => {
    host.interactive = false;
    expect(await run({ endpoint: "http://192.0.2.1:80" })).toBe(2);
    expect(told).toContain("Here is nobody to ask. Add --yes");
  });
});

describe("what bench measured", () => {
  const outcome: BenchOutcome = {
    published: 300_000,
    publishSeconds: 10,
    unconfirmed: 0,
    latency: { p50: 1.71, p99: 6.44, max: 18.2 },
  };
  const verdict = { lost: [], outOfOrder: [], changed: [], again: 0, foreign: 0 };

  it("is a line for people", () => {
    expect(formatOutcome(outcome)).toBe(
      "published   300,000 in 10.0 s: 30,000/s, p50 1.7 ms, p99 6.4 ms, most 18 ms\n",
    );
  });

  it("tells what was verified, and that order was not where it was not", () => {
    const received = { received: 300_000, receiveSeconds: 10.5 };
    expect(formatOutcome({ ...outcome, ...received, verdict })).toContain(
      "verified    nothing lost, nothing changed, nothing out of order\n",
    );
    expect(
      formatOutcome({ ...outcome, ...received, verdict: { lost: [], changed: [], again: 2, foreign: 1 } }),
    ).toContain(
      "verified    nothing lost, nothing changed; 2 came more than once, which is allowed; 1 were not of this run\n",
    );
  });

  it("names what is wrong, the first of many", () => {
    const lost = ["a", "b", "c", "d"];
    const text = formatOutcome({ ...outcome, unconfirmed: 3, verdict: { ...verdict, lost, outOfOrder: ["e"] } });
    expect(text).toContain("unanswered  3 publishes: they may or may not be stored\n");
    expect(text).toContain("verified    4 LOST: confirmed, and never came (keys a, b, c, …)\n");
    expect(text).toContain("verified    1 OUT OF ORDER: came after a later one of its connection (keys e)\n");
    expect(text).not.toContain("nothing lost");
  });
});
