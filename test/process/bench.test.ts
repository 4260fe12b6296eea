import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BrokerProcess, cleanUp, runProgram } from "./broker-process.ts";

let broker: BrokerProcess;
const bench = (...flags: readonly string[]) =>
  runProgram("bench", "--endpoint", broker.endpoint, "--messages", "300", "--conns", "8", "--time", "1h", ...flags);

beforeAll(async () => {
  broker = await BrokerProcess.start();
});

afterAll(cleanUp);

describe("stagemq bench", () => {
  it("publishes so many messages, receives them in order and finds nothing wrong", async () => {
    const { code, output } = await bench("--topic", "bench_ordered", "--ordered", "--verify", "--json");
    expect(JSON.parse(output)).toMatchObject({
      published: 300,
      received: 300,
      unconfirmed: 0,
      verdict: { lost: [], outOfOrder: [], changed: [], foreign: 0 },
    });
    expect(code).toBe(0);
  });

  it("tells people the rate, and nothing of a verdict that it did not ask for", async () => {
    const { code, output } = await bench("--size", "1k");
    expect(output).toMatch(/^published {3}300 in [\d.]+ s: [\d,]+\/s, p50 [\d.]+ ms, p99 [\d.]+ ms, most [\d.]+ ms\n$/);
    expect(code).toBe(0);
  });

  it("verifies beside what an earlier run left behind", async () => {
    const { code, output } = await bench("--verify");
    expect(output).toMatch(/^verified {4}nothing lost, nothing changed; 300 were not of this run$/m);
    expect(code).toBe(0);
  });
});
