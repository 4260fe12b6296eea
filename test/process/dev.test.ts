import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, it } from "vitest";
import { ask, bodiesOf, elementsOf, hintOf, verdictOf } from "./ask.ts";
import { BrokerProcess, cleanUp, newDirectory, runProgram } from "./broker-process.ts";
import { poll, publish } from "./signed-request.ts";

afterAll(cleanUp);

const STRANGER = { accessKeyId: "stranger", secret: "anything" };

describe.concurrent("the program", () => {
  it("prints its version and its data format", async ({ expect }) => {
    expect(await runProgram("--version")).toEqual({
      code: 0,
      signal: null,
      output: expect.stringMatching(/^stagemq \d+[.]\d+[.]\d+ \(data format \d+\)\n$/),
      errorOutput: "",
    });
  });

  it("prints every flag, with a sentence and an example", async ({ expect }) => {
    const { code, output, errorOutput } = await runProgram("dev", "--help");
    expect({ code, errorOutput }).toEqual({ code: 0, errorOutput: "" });
    for (const flag of [
      "--http",
      "--data",
      "--config",
      "--ephemeral",
      "--reset",
      "--durability",
      "--fast",
      "--clock",
      "--ready-json",
      "--log-level",
      "--help",
    ])
      expect(output).toContain(flag);
    expect(output).toContain("Example: stagemq dev --http");
    expect((await runProgram("--help")).output).toMatch(/^ *dev .*^ *serve /ms);
  });
});

describe.concurrent("a broker for development", () => {
  it("REQ-1.1: lets in an id that nobody declared, and says so once per id", async ({ expect }) => {
    const broker = await BrokerProcess.start({ args: ["--ephemeral"] });
    for (let n = 0; n < 3; n++) expect(verdictOf(await ask(broker, { ...publish("orders"), ...STRANGER }))).toBe("201");
    expect(verdictOf(await ask(broker, { ...publish("orders"), accessKeyId: "other" }))).toBe("201");
    await broker.stop();
    expect(broker.log.match(/stranger/g)).toHaveLength(1);
    expect(broker.log.match(/"other"|\bother\b/g)).toHaveLength(1);
  });

  it("REQ-1.5: beyond loopback says so in one line, and refuses ids that nobody declared", async ({ expect }) => {
    const broker = await BrokerProcess.start({ args: ["--http", "0.0.0.0:0", "--ephemeral"] });
    const here = { endpoint: `http://127.0.0.1:${new URL(broker.endpoint).port}` };
    expect(verdictOf(await ask(here, { ...publish("orders"), ...STRANGER }))).toBe("403 InvalidAccessKeyId");
    expect(verdictOf(await ask(here, publish("orders")))).toBe("201");
    expect(broker.logged("http.beyond-loopback")).toEqual([
      expect.objectContaining({
        sentence:
          "Listening beyond this machine (0.0.0.0:0): everybody who reaches the port may use it with a declared key, " +
          "and dev/dev-secret is known to all. Unknown key ids are refused.",
      }),
    ]);
    await broker.stop();
  });

  it("REQ-1.4: given an address it listens there alone, on ::1 too if that is it", async ({ expect, skip }) => {
    const ipv4 = await BrokerProcess.start({ args: ["--ephemeral"] });
    const there = { endpoint: ipv4.endpoint.replace("127.0.0.1", "[::1]") };
    await expect(ask(there, poll("orders", "GID_a"))).rejects.toThrow(/ECONNREFUSED|EADDRNOTAVAIL/);
    await ipv4.stop();
    const ipv6 = await BrokerProcess.start({ args: ["--http", "[::1]:0", "--ephemeral"] }).catch((error: Error) => {
      if (error.message.includes("no such address")) return undefined;
      throw error;
    });
    if (ipv6 === undefined) skip("this machine has no ::1");
    else {
      expect(new URL(ipv6.endpoint).hostname).toBe("[::1]");
      expect(verdictOf(await ask(ipv6, publish("orders")))).toBe("201");
      await ipv6.stop();
    }
  });

  it("REQ-4.1: explains to a browser what this port is", async ({ expect }) => {
    const broker = await BrokerProcess.start({ args: ["--ephemeral"] });
    const { host } = new URL(broker.endpoint);
    const response = await ask(broker, { method: "GET", target: "/", headers: { Host: host } });
    expect(verdictOf(response)).toBe("400 InvalidRequestURL");
    expect(hintOf(response)).toBe(
      `this is the message port of stagemq ${broker.ready.version} for the official HTTP SDKs, not a web page. ` +
        `Use ${broker.endpoint} as the endpoint of your SDK; see its README.`,
    );
    await broker.stop();
  });

  it("INS-1.1 and INS-1.2: makes an instance by its first use, and keeps it apart", async ({ expect }) => {
    const broker = await BrokerProcess.start({ args: ["--ephemeral"] });
    await ask(broker, publish("orders", { body: "default" }));
    await ask(broker, publish("orders", { body: "theirs" }, "MQ_INST_theirs"));
    expect(await bodiesOf(broker, poll("orders", "GID_a", "ns=MQ_INST_theirs"))).toEqual(["theirs"]);
    expect(await bodiesOf(broker, poll("orders", "GID_a", `ns=${broker.ready.instance}`))).toEqual(["default"]);
    expect(await bodiesOf(broker, poll("orders", "GID_a"))).toEqual([]);
    await broker.stop();
  });

  it("PUB-2.4 and PUB-2.5: takes a topic's kind from its first message, and says what does not fit", async ({
    expect,
  }) => {
    const broker = await BrokerProcess.start({ args: ["--ephemeral"] });
    await ask(broker, publish("payments", { properties: "__TransCheckT:10|" }));
    expect(verdictOf(await ask(broker, publish("payments")))).toBe("201");
    await broker.stop();
    expect(broker.log).toMatch(/payments[^\n]*transactional/);
    expect(broker.log).toMatch(/payments[^\n]*normal/);
  });

  it("TIM-3.1 and TIM-3.2: --fast redelivers after 3 s instead of 5 min, and says so", async ({ expect }) => {
    const broker = await BrokerProcess.start({ args: ["--ephemeral", "--fast"] });
    expect(broker.ready.fast).toBe(true);
    await ask(broker, publish("orders"));
    const first = await ask(broker, poll("orders", "GID_a"));
    const [backAt] = elementsOf(first, "NextConsumeTime");
    expect(Number(backAt) - Number(elementsOf(first, "FirstConsumeTime")[0])).toBe(3_000);
    const second = await ask(broker, poll("orders", "GID_a", "waitseconds=30"));
    expect(elementsOf(second, "ConsumedTimes")).toEqual(["2"]);
    expect(Date.now()).toBeGreaterThanOrEqual(Number(backAt));
    await broker.stop();
  });

  it("PUB-1.3: --ephemeral keeps nothing, not even a directory", async ({ expect }) => {
    const startedIn = await newDirectory();
    for (let start = 0; start < 2; start++) {
      const broker = await BrokerProcess.start({ args: ["--ephemeral"], startedIn });
      expect(broker.ready.dataDirectory).toBeUndefined();
      expect(await bodiesOf(broker, poll("orders", "GID_a"))).toEqual([]);
      await ask(broker, publish("orders"));
      await broker.stop();
    }
    expect(await readdir(startedIn)).toEqual([]);
  });

  it("PUB-1.3: --durability relaxed is said where it serves", async ({ expect }) => {
    const broker = await BrokerProcess.start({ args: ["--durability", "relaxed"] });
    expect(broker.ready).toMatchObject({ durability: "relaxed" });
    expect(broker.logged("broker.ready")).toEqual([expect.objectContaining({ durability: "relaxed" })]);
    expect(verdictOf(await ask(broker, publish("orders")))).toBe("201");
    await broker.stop();
  });

  it("DUR-6.1: the data directory has mode 0700, its files 0600, whatever the process allows others", async ({
    expect,
  }) => {
    const dataDirectory = join(await newDirectory(), "data");
    const broker = await BrokerProcess.start({ dataDirectory, under: ["sh", "-c", 'umask 0; exec "$@"', "sh"] });
    await ask(broker, publish("orders"));
    const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
    expect(await modeOf(dataDirectory)).toBe("700");
    const names = await readdir(dataDirectory, { withFileTypes: true });
    const files = names.filter((entry) => entry.isFile());
    expect(files.length).toBeGreaterThan(1);
    for (const { name } of files) expect(await modeOf(join(dataDirectory, name))).toBe("600");
    await broker.stop();
  });

  it("keeps its data until --reset --yes deletes them", async ({ expect }) => {
    const dataDirectory = await newDirectory();
    const first = await BrokerProcess.start({ dataDirectory });
    await ask(first, publish("orders"));
    await first.stop();
    const second = await BrokerProcess.start({ dataDirectory });
    expect(await bodiesOf(second, poll("orders", "GID_a"))).toEqual(["hello"]);
    await second.stop();
    const third = await BrokerProcess.start({ dataDirectory, args: ["--reset", "--yes"] });
    expect(await bodiesOf(third, poll("orders", "GID_b"))).toEqual([]);
    await third.stop();
  });
});
