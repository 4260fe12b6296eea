import { writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask, bodiesOf } from "./ask.ts";
import { BrokerProcess, cleanUp, newDirectory } from "./broker-process.ts";
import { poll, publish } from "./signed-request.ts";
import { runVerb, startVerb, type VerbOptions } from "./verb-process.ts";

let broker: BrokerProcess;
/** Its time stands, and is moved by one test after the other. */
let still: BrokerProcess;

beforeAll(async () => {
  broker = await BrokerProcess.start({ args: ["--ephemeral"] });
  still = await BrokerProcess.start({ args: ["--clock", "simulated"] });
});

afterAll(cleanUp);

const stagemq = (args: readonly string[], options: VerbOptions = {}) => runVerb(args, { broker, ...options });
const recordsOf = (output: string) =>
  output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe.concurrent("stagemq send and consume", () => {
  it("a message goes there and back, with counts beside it", async ({ expect }) => {
    const sent = await stagemq(["send", "hello", "hi there", "--tag", "paid", "--key", "o-1", "--property", "shop=7"]);
    expect(sent).toMatchObject({ code: 0, errorOutput: "1 message sent to hello\n" });
    const [, id = ""] = /^MESSAGE ID +BODY MD5\n([0-9A-F]{32}) {2}[0-9A-F]{32}\n$/.exec(sent.output) ?? [];
    expect(await stagemq(["consume", "hello", "-g", "GID_a"])).toEqual({
      code: 0,
      signal: null,
      output: `MESSAGE ID${" ".repeat(24)}ATTEMPT  TAG   KEY  BODY\n${id}  1        paid  o-1  hi there\n`,
      errorOutput: "1 received, 1 acknowledged\n",
    });
    const again = await stagemq(["consume", "hello", "-g", "GID_a", "--wait", "0", "-o", "ndjson"]);
    expect(again).toMatchObject({ code: 0, output: "", errorOutput: "0 received\n" });
  });

  it("takes a body from standard input, to the last byte", async ({ expect }) => {
    const body = "支付\n\ttwo  \r\n";
    expect(await stagemq(["send", "piped", "-"], { input: body })).toMatchObject({ code: 0 });
    const { output } = await stagemq(["consume", "piped", "-g", "GID_a", "-o", "json"]);
    expect(JSON.parse(output)).toMatchObject([{ body, attempt: 1 }]);
  });

  it("consumes by tag, and no more than it is told to", async ({ expect }) => {
    for (const tag of ["a", "b", "a"]) await ask(broker, publish("tagged", { body: tag, tag }));
    const args = ["consume", "tagged", "-g", "GID_a", "--tag", "a", "-n", "1", "-o", "ndjson"];
    const first = await stagemq(args);
    expect([recordsOf(first.output).length, first.errorOutput]).toEqual([1, "1 received, 1 acknowledged\n"]);
    expect(recordsOf((await stagemq(args)).output)).toMatchObject([{ tag: "a" }]);
  });

  it("keeps the order of a sharding key", async ({ expect }) => {
    const lines = Array.from({ length: 40 }, (_, at) => `{"body":"${at}","shardingKey":"k${at % 4}"}\n`);
    expect(await stagemq(["send", "in-order", "--file", "-"], { input: lines.join("") })).toMatchObject({
      code: 0,
      output: "",
      errorOutput: "40 messages sent to in-order\n",
    });
    const { output } = await stagemq(["consume", "in-order", "-g", "GID_a", "--ordered", "-n", "100", "-o", "ndjson"]);
    const received = recordsOf(output);
    expect(received).toHaveLength(40);
    for (const key of ["k0", "k1", "k2", "k3"]) {
      const bodies = received.flatMap(({ shardingKey, body }) => (shardingKey === key ? [Number(body)] : []));
      expect(bodies).toHaveLength(10);
      expect(bodies).toEqual([...bodies].sort((a, b) => a - b));
    }
  });
});

describe.concurrent("a file of messages", () => {
  it("what consume prints, send takes, odd bytes and all", async ({ expect }) => {
    const lines = [
      { body: "plain" },
      { body: 'quotes " and \\ and ]]>&lt;', tag: "支付", keys: ["o-1", "o-2"] },
      { body: "a\tb\nc\r\nd", properties: { 名: "值 =1", b: "2" } },
      { body: "\u0085 \u009b31m \u202e \u2028 \uFFFD \u{1F600}", keys: ["k"] },
      { body: " ".repeat(1_000), keys: ["k"] },
    ];
    const input = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    expect(await stagemq(["send", "odd", "--file", "-"], { input })).toMatchObject({ code: 0 });
    const printed = (await stagemq(["consume", "odd", "-g", "GID_a", "-o", "ndjson"])).output;
    expect(recordsOf(printed)).toMatchObject(lines);

    const file = join(await newDirectory(), "odd.ndjson");
    await writeFile(file, printed);
    const sent = await stagemq(["send", "odd-copy", "--file", file, "-o", "ndjson"]);
    expect(recordsOf(sent.output).map(({ line }) => line)).toEqual([1, 2, 3, 4, 5]);
    const copied = recordsOf((await stagemq(["consume", "odd-copy", "-g", "GID_a", "-o", "ndjson"])).output);
    const said = ({ body, tag, keys, properties }: Record<string, unknown>) => ({ body, tag, keys, properties });
    expect(copied.map(said)).toEqual(recordsOf(printed).map(said));
  });

  it("bad lines are named, and do not spoil the others", async ({ expect }) => {
    const good = (body: string) => Buffer.from(`${JSON.stringify({ body })}\n`);
    const bad = [Buffer.from("nope\n"), Buffer.from([0xff, 0x0a]), good("\u0001"), good("x".repeat(4_194_305))];
    const input = Buffer.concat([good("1"), ...bad, good("6")]);
    const { code, errorOutput } = await stagemq(["send", "spoilt", "--file", "-"], { input });
    expect(code).toBe(1);
    const told = errorOutput.trimEnd().split("\n").sort();
    expect(told).toEqual([
      "2 messages sent to spoilt; 4 lines refused",
      expect.stringMatching(/^line 2: This is not JSON/),
      "line 3: This is not UTF-8.",
      expect.stringMatching(/^line 4: .*U[+]0001/),
      expect.stringMatching(/^line 5: The body has 4,194,305 bytes/),
    ]);
    expect(await bodiesOf(broker, poll("spoilt", "GID_a"))).toEqual(["1", "6"]);
  });

  it("Ctrl-C ends it, and it says from where on to send again", async ({ expect }) => {
    const input = Array.from({ length: 1_000 }, (_, at) => `{"body":"${at + 1}"}\n`).join("");
    const args = ["send", "cut-short", "--file", "-", "--rate", "20", "-o", "ndjson"];
    const verb = await startVerb(args, { broker, input });
    await verb.lines(3);
    verb.child.kill("SIGINT");
    const { code, output, errorOutput } = await verb.ended;
    expect(code).toBe(1);
    const sent = recordsOf(output).length;
    expect(errorOutput).toMatch(
      new RegExp(`^${sent} messages sent to cut-short[.] Not sent: .*all from line \\d+ on\n$`),
    );
    const [, first] = /Not sent: (?:lines? (\d+).* and )?all from/.exec(errorOutput) ?? [];
    const [, next] = /all from line (\d+) on/.exec(errorOutput) ?? [];
    expect(Number(first ?? next)).toBe(sent + 1);
  });
});

describe.concurrent("stagemq consume --follow", () => {
  it("prints what comes; Ctrl-C ends it with 0 and loses nothing", async ({ expect }) => {
    const verb = await startVerb(["consume", "followed", "-g", "GID_a", "--follow", "-o", "ndjson"], { broker });
    for (const [at, body] of ["a", "b", "c"].entries()) {
      await ask(broker, publish("followed", { body }));
      expect(await verb.lines(at + 1)).toHaveLength(at + 1);
    }
    verb.child.kill("SIGINT");
    expect(await verb.ended).toMatchObject({ code: 0, signal: null, errorOutput: "3 received, 3 acknowledged\n" });
    await ask(broker, publish("followed", { body: "d" }));
    expect(await bodiesOf(broker, poll("followed", "GID_a", "waitseconds=30"))).toEqual(["d"]);
  });

  it("its list is whole after Ctrl-C", async ({ expect }) => {
    await ask(broker, publish("listed", { body: "a" }));
    const verb = await startVerb(["consume", "listed", "-g", "GID_a", "--follow", "-o", "json"], { broker });
    await verb.lines(1);
    verb.child.kill("SIGINT");
    const { code, output } = await verb.ended;
    expect([code, JSON.parse(output)]).toMatchObject([0, [{ body: "a" }]]);
  });
});

describe.sequential("as time passes", () => {
  const stagemq = (...args: readonly string[]) => runVerb(args, { broker: still });
  const sendHalf = (topic: string, body: string, end: string) =>
    stagemq("send", topic, body, "--transaction", end, "-g", "GID_p", "-o", "ndjson");

  it("what was only looked at comes again", async ({ expect }) => {
    await ask(still, publish("looked-at", { body: "x" }));
    const looked = await stagemq("consume", "looked-at", "-g", "GID_a", "--no-acknowledge");
    expect(looked).toMatchObject({ code: 0 });
    expect(looked.errorOutput).toMatch(/^1 received, none acknowledged; 1 comes again, the first at 2\d{3}-.*Z\n$/);
    expect(await bodiesOf(still, poll("looked-at", "GID_a"))).toEqual([]);
    await still.advance("5m");
    const again = await stagemq("consume", "looked-at", "-g", "GID_a", "-o", "ndjson");
    expect(recordsOf(again.output)).toMatchObject([{ body: "x", attempt: 2 }]);
  });

  it("a delayed message comes at its time", async ({ expect }) => {
    const at = new Date((await still.advance("0s")).getTime() + 60_000).toISOString();
    expect(await stagemq("send", "later", "x", "--at", at)).toMatchObject({ code: 0 });
    expect(await bodiesOf(still, poll("later", "GID_a"))).toEqual([]);
    await still.advance("1m");
    const { output } = await stagemq("consume", "later", "-g", "GID_a", "-o", "ndjson");
    expect(recordsOf(output)).toMatchObject([{ body: "x", deliverAt: at }]);
  });

  it("transactions are committed, rolled back, or left to be asked about", async ({ expect }) => {
    expect(recordsOf((await sendHalf("payments", "a", "commit")).output)).toMatchObject([{ transaction: "committed" }]);
    expect(recordsOf((await sendHalf("payments", "b", "rollback")).output)).toMatchObject([
      { transaction: "rolled back" },
    ]);
    const left = await sendHalf("payments", "c", "leave");
    const [half] = recordsOf(left.output);
    expect(half).toMatchObject({ transaction: "left open" });
    expect(left.errorOutput).toBe(
      "1 half message sent to payments, left open: in 10 s see stagemq check payments -g GID_p\n",
    );
    expect(await bodiesOf(still, poll("payments", "GID_a"))).toEqual(["a"]);

    await still.advance("11s");
    const shown = await stagemq("check", "payments", "-g", "GID_p", "-o", "ndjson");
    expect(recordsOf(shown.output)).toMatchObject([{ messageId: half?.messageId, body: "c", attempt: 1 }]);
    expect(shown).toMatchObject({ code: 0, errorOutput: "1 half message of payments\n" });
    await still.advance("10s");
    const ended = await stagemq("check", "payments", "-g", "GID_p", "--commit");
    expect(ended).toMatchObject({ code: 0, errorOutput: "1 half message of payments, 1 committed\n" });
    expect(await bodiesOf(still, poll("payments", "GID_b"))).toEqual(["a", "c"]);
  });

  it("transactions are ended by the ids of their messages", async ({ expect }) => {
    const ids: string[] = [];
    for (const body of ["a", "b", "c"]) {
      const { output } = await sendHalf("refunds", body, "leave");
      ids.push(String(recordsOf(output)[0]?.messageId));
    }
    const [a = "", b = ""] = ids;
    await still.advance("11s");
    const check = ["check", "refunds", "-g", "GID_p", "-o", "ndjson"];
    const ended = await stagemq(...check, "--commit", a, "--rollback", b);
    expect(ended).toMatchObject({ code: 0, errorOutput: "2 half messages of refunds, 1 committed, 1 rolled back\n" });
    expect(recordsOf(ended.output).map(({ body }) => body)).toEqual(["a", "b"]);
    expect(await bodiesOf(still, poll("refunds", "GID_a"))).toEqual(["a"]);
    const again = await stagemq(...check, "--commit", a, "--wait", "0");
    expect(again).toMatchObject({ code: 3, output: "" });
    expect(again.errorOutput).toContain(`Nobody asks about ${a}`);
  });

  it("a reader that goes away ends it quietly; what it did not read comes again", async ({ expect }) => {
    const args = ["consume", "unread", "-g", "GID_a", "--ordered", "--follow", "-o", "ndjson"];
    const verb = await startVerb(args, { broker: still });
    await ask(still, publish("unread", { body: "a" }));
    expect(await verb.lines(1)).toHaveLength(1);
    verb.child.stdout?.destroy();
    await ask(still, publish("unread", { body: "b" }));
    const { code, errorOutput } = await verb.ended;
    expect(code).toBe(0);
    expect(errorOutput).toMatch(/^2 received, 1 acknowledged; 1 comes again, the first at /);
    await still.advance("1m");
    expect(await bodiesOf(still, poll("unread", "GID_a"))).toEqual(["b"]);
  });
});

describe.concurrent("Ctrl-C while nothing comes", () => {
  it.each([
    ["consume", "0 received\n"],
    ["check", "0 half messages of t\n"],
  ])("ends %s at once, with 0", async (verb, counts) => {
    // It never answers, and tells when somebody asks.
    const silent = createServer();
    const asked = new Promise((resolve) => silent.once("connection", resolve));
    await new Promise<void>((listening) => silent.listen(0, "127.0.0.1", listening));
    const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const waiting = await startVerb([verb, "t", "-g", "GID_a", "--endpoint", endpoint, "--wait", "30s"]);
    await asked;
    waiting.child.kill("SIGINT");
    const { code, signal, errorOutput } = await waiting.ended;
    expect([code, signal, errorOutput]).toEqual([0, null, counts]);
    silent.close();
  });
});

describe.concurrent("what cannot be", () => {
  it("nobody is there", async ({ expect }) => {
    for (const verb of [
      ["send", "t", "x"],
      ["consume", "t", "-g", "GID_a"],
      ["check", "t", "-g", "GID_a"],
    ]) {
      const { code, output, errorOutput } = await runVerb([...verb, "--endpoint", "http://127.0.0.1:9"]);
      expect([code, output]).toEqual([69, ""]);
      expect(errorOutput).toMatch(/There is no connection to http:\/\/127[.]0[.]0[.]1:9 .*Start one with stagemq dev/);
    }
  });

  it("the key is wrong", async ({ expect }) => {
    const environment = { ALIBABA_CLOUD_ACCESS_KEY_ID: "dev", ALIBABA_CLOUD_ACCESS_KEY_SECRET: "wrong" };
    const { code, output, errorOutput } = await stagemq(["send", "t", "x"], { environment });
    expect([code, output]).toEqual([4, ""]);
    expect(errorOutput).toMatch(/^SignatureDoesNotMatch: .*--access-key-id and --access-key-secret.*\n$/);
  });

  it("a topic that nobody declared, a key that nobody knows", async ({ expect }) => {
    const startedIn = await newDirectory();
    await writeFile(
      join(startedIn, "stagemq.yaml"),
      `version: 1
users: [{ name: shop, keys: [{ id: shop, secret: { env: SHOP_SECRET } }] }]
instances: [{ id: MQ_INST_shop, topics: [{ name: orders, kind: normal }], groups: [{ id: GID_a }] }]
`,
    );
    const strict = await BrokerProcess.start({ command: "serve", startedIn, environment: { SHOP_SECRET: "hush" } });
    const key = ["--access-key-id", "shop", "--access-key-secret", "hush"];
    const run = (...args: readonly string[]) => runVerb(args, { broker: strict });

    const unknown = await run("send", "order", "x", "-i", "MQ_INST_shop", ...key);
    expect([unknown.code, unknown.output]).toEqual([3, ""]);
    expect(unknown.errorOutput).toMatch(/^TopicNotExist: .*nearest name: orders[.]\n$/);
    expect(await run("consume", "orders", "-g", "GID_b", ...key)).toMatchObject({ code: 3 });
    const stranger = await run("send", "orders", "x");
    expect(stranger.code).toBe(4);
    expect(stranger.errorOutput).toMatch(/^InvalidAccessKeyId: .*Key id dev is not declared here.*--access-key-id/);
    expect(await run("send", "orders", "x", ...key)).toMatchObject({ code: 0 });
    expect(await run("consume", "orders", "-g", "GID_a", "-i", "MQ_INST_shop", ...key)).toMatchObject({ code: 0 });
  });
});

describe.concurrent("stagemq completion", () => {
  it("bash takes its script, and gets proposals", async ({ expect }) => {
    const { code, output } = await runVerb(["completion", "bash"]);
    expect([code, output]).toEqual([0, expect.stringContaining("complete -F")]);
    expect((await runVerb(["complete", "--", "con"])).output).toBe(
      "consume\tPrints messages of a topic, and acknowledges what it has printed.\n:4\n",
    );
  });
});
