import { afterAll, describe, expect, it } from "vitest";
import { BrokerProcess, cleanUp } from "./broker-process.ts";

afterAll(cleanUp);

describe("a broker process", () => {
  it("serves, and ends with 0 at TERM", async () => {
    const broker = await BrokerProcess.start();
    expect((await fetch(broker.endpoint)).status).toBe(400);
    expect(await broker.stop()).toEqual({ code: 0, signal: null });
  });

  it("moves a simulated clock", async () => {
    const broker = await BrokerProcess.start({ args: ["--clock", "simulated"] });
    const before = await broker.advance("0s");
    const after = await broker.advance("5m");
    expect(after.getTime() - before.getTime()).toBe(300_000);
    await broker.reset();
    await broker.stop();
  });
});
