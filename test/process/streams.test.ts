import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, it } from "vitest";
import { ask, askOn, elementsOf, verdictOf } from "./ask.ts";
import { BrokerProcess, cleanUp, newDirectory, runToEnd } from "./broker-process.ts";
import { RawClient } from "./raw-client.ts";
import { acknowledge, messagesOf, poll, publish } from "./signed-request.ts";

afterAll(cleanUp);

/** Publishes, polls and acknowledges on one connection: 24 kB of the log each time, for the key of the message. */
async function makeTraffic(broker: BrokerProcess, rounds: number): Promise<string[]> {
  const client = await RawClient.connect(broker.endpoint);
  const verdicts = new Set<string>();
  for (let n = 0; n < rounds; n++) {
    verdicts.add(verdictOf(await askOn(client, publish("orders", { properties: `KEYS:${"k".repeat(8_000)}|` }))));
    const delivered = await askOn(client, poll("orders", "GID_a"));
    verdicts.add(verdictOf(delivered));
    verdicts.add(
      verdictOf(await askOn(client, acknowledge("orders", "GID_a", ...elementsOf(delivered, "ReceiptHandle")))),
    );
  }
  client.close();
  return [...verdicts];
}

/** What a module breaks its promise at. */
const MOMENTS = {
  "at a signal": (breakIt: string) => `process.on("SIGUSR2", () => ${breakIt});`,
  "as soon as somebody watches": (breakIt: string) =>
    `const look = setInterval(() => {
       if (process.listenerCount("unhandledRejection") === 0) return;
       clearInterval(look);
       ${breakIt};
     });`,
};

/** The environment of a process in which a promise is broken that nobody looks after. */
async function withBrokenPromise(moment: keyof typeof MOMENTS): Promise<Record<string, string>> {
  const file = join(await newDirectory(), "break-a-promise.mjs");
  await writeFile(file, MOMENTS[moment](`Promise.reject(new Error("nobody cared"))`));
  return { NODE_OPTIONS: `--import=${file}` };
}

describe.concurrent("what a broker writes", () => {
  it("RUN-3.1: the log is on standard error and holds no secret and no body, whatever happens", async ({ expect }) => {
    const startedIn = await newDirectory();
    await writeFile(
      join(startedIn, "stagemq.yaml"),
      "version: 1\nusers:\n  - name: shop\n    keys: [ { id: shop, secret: { env: SHOP_SECRET } } ]\n",
    );
    const broker = await BrokerProcess.start({
      startedIn,
      environment: { SHOP_SECRET: "SECRET-OF-SHOP" },
      args: ["--log-level", "debug"],
    });
    const shop = { accessKeyId: "shop", secret: "SECRET-OF-SHOP" };
    const body = "THE-BODY";
    const published = await ask(broker, { ...publish("orders", { body, tag: "paid" }), ...shop });
    const delivered = await ask(broker, { ...poll("orders", "GID_a"), ...shop });
    const [handle = ""] = elementsOf(delivered, "ReceiptHandle");
    await ask(broker, { ...acknowledge("orders", "GID_a", handle), ...shop });
    await ask(broker, { ...publish("orders", { body }), ...shop, secret: "SECRET-GUESSED" });
    await ask(broker, { method: "POST", target: messagesOf("orders"), body });
    await ask(broker, publish("orders", { body, properties: "__STARTDELIVERTIME:soon|" }));
    await ask(broker, { ...poll("orders", "GID_a"), body });
    await broker.stop();
    const [id = ""] = elementsOf(published, "MessageId");
    for (const event of ["published", "delivered", "acknowledged"]) {
      expect(broker.logged(`message.${event}`)).toEqual([expect.objectContaining({ id, topic: "orders" })]);
    }
    expect(broker.log).not.toMatch(/SECRET|dev-secret|THE-BODY|MQ (shop|dev):/);
    for (const line of broker.log.trimEnd().split("\n")) expect(JSON.parse(line)).toHaveProperty("event");
  });

  it("RUN-3.1: nothing but the ready line comes on standard output", async ({ expect }) => {
    const broker = await BrokerProcess.start({ args: ["--log-level", "debug"] });
    const more: string[] = [];
    broker.pipes.output.on("data", (chunk) => more.push(String(chunk)));
    await makeTraffic(broker, 2);
    await broker.stop();
    expect(more).toEqual([]);
  });

  it("RUN-3.2: closed pipes do not stop it", async ({ expect }) => {
    const broker = await BrokerProcess.start({ args: ["--log-level", "debug"] });
    broker.pipes.output.destroy();
    broker.pipes.errorOutput.destroy();
    expect(await makeTraffic(broker, 5)).toEqual(["201", "200", "204"]);
    expect(await broker.stop()).toEqual({ code: 0, signal: null });
  });

  it("RUN-3.2: a pipe that nobody reads does not stop it, and what was lost is counted", async ({ expect }) => {
    const broker = await BrokerProcess.start({ args: ["--log-level", "debug", "--ephemeral"] });
    broker.pipes.errorOutput.pause();
    expect(await makeTraffic(broker, 100)).toEqual(["201", "200", "204"]);
    broker.pipes.errorOutput.resume();
    while (broker.logged("log.dropped").length === 0) await ask(broker, poll("orders", "GID_a"));
    expect(broker.logged("log.dropped")[0]?.count).toBeGreaterThan(0);
    expect(await broker.stop()).toEqual({ code: 0, signal: null });
  });

  it("RUN-3.2: a full pipe of the kernel does not stop it either, nor its end", async ({ expect }) => {
    // Whoever opens a named pipe for both directions is its only reader, and never reads.
    const unread = ["sh", "-c", 'mkfifo unread && exec 9<>unread && exec "$@" 2>&9', "sh"];
    const broker = await BrokerProcess.start({ args: ["--log-level", "debug", "--ephemeral"], under: unread });
    expect(await makeTraffic(broker, 30)).toEqual(["201", "200", "204"]);
    expect(await broker.stop()).toEqual({ code: 0, signal: null });
  });

  it("RUN-3.2: a promise that nobody cares for ends it with 70 and a line of the log", async ({ expect }) => {
    const broker = await BrokerProcess.start({ environment: await withBrokenPromise("at a signal") });
    expect(await makeTraffic(broker, 1)).toEqual(["201", "200", "204"]);
    broker.signal("SIGUSR2");
    expect(await broker.ended).toEqual({ code: 70, signal: null });
    expect(broker.logged("process.crashed")).toEqual([
      expect.objectContaining({
        level: "error",
        sentence: "stagemq stops: an error that nobody expected: nobody cared",
      }),
    ]);
  });

  it("RUN-3.2: so does one that is broken before there is a log", async ({ expect }) => {
    const ended = await runToEnd({ environment: await withBrokenPromise("as soon as somebody watches") });
    expect(ended).toMatchObject({ code: 70, output: "" });
    expect(ended.errorOutput).toContain("stagemq stops: an error that nobody expected: nobody cared\n");
  });
});
