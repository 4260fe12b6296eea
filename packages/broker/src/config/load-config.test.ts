import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { StartError } from "../domain/start-error.ts";
import { DAY, HOUR, MINUTE, SECOND } from "../domain/time.ts";
import { type Config, type ConfigInput, loadConfig } from "./load-config.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "stagemq-config-"));
  return () => rmSync(directory, { recursive: true });
});

function write(text: string, name = "stagemq.yaml"): void {
  writeFileSync(join(directory, name), text);
}

function load(input: Partial<ConfigInput> = {}): Promise<Config> {
  return loadConfig({ command: "dev", flags: {}, environment: {}, directory, ...input });
}

async function refusalOf(input: Partial<ConfigInput> = {}): Promise<{ exitCode: number; lines: string[] }> {
  const error = await load(input).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof StartError)) throw new Error(`not refused, but ${String(error)}`);
  return { exitCode: error.exitCode, lines: error.message.split("\n") };
}

const SHOP = `version: 1
http: 0.0.0.0:4876
data: /var/lib/stagemq
typeCheck: enforce                  # enforce | warn | off
defaultInstance: MQ_INST_shop       # answers requests without ns
users:
  - name: orders-app
    keys: [ { id: orders-app, secret: { env: ORDERS_SECRET } } ]
instances:
  - id: MQ_INST_shop
    topics:
      - { name: order_events, kind: ordered, queues: 8 }
      - { name: payments,     kind: transactional }
    groups:
      - { id: GID_billing, invisibleFor: 5m, orderedInvisibleFor: 1m, maxRetries: 16, from: earliest, onExhausted: dead-letter }
`;

describe("without anything said", () => {
  it("dev is open on loopback, and makes what is used", async () => {
    expect(await load()).toMatchObject({
      http: { host: "127.0.0.1", port: 4876 },
      alsoIpv6Loopback: true,
      dataDirectory: join(directory, ".stagemq"),
      durability: "sync",
      keys: [{ id: "dev", secret: "dev-secret" }],
      devKey: { id: "dev", secret: "dev-secret" },
      undeclaredKeys: "let-in",
      defaultInstance: "MQ_INST_dev",
      makeByUse: true,
      typeCheck: "warn",
      messageLogLevel: "info",
      declarations: { instances: ["MQ_INST_dev"], topics: [], groups: [] },
      warnings: [],
    });
  });

  it("serve is strict", async () => {
    expect(await load({ command: "serve" })).toMatchObject({
      alsoIpv6Loopback: false,
      keys: [],
      devKey: undefined,
      undeclaredKeys: "refuse",
      makeByUse: false,
      typeCheck: "enforce",
      messageLogLevel: "debug",
      declarations: { instances: [], topics: [], groups: [] },
      warnings: [{ event: "access.no-key" }],
    });
  });

  it("every setting of the rules has its default", async () => {
    expect(await load()).toMatchObject({
      invisibleFor: 5 * MINUTE,
      orderedInvisibleFor: MINUTE,
      halfInvisibleFor: 10 * SECOND,
      checkFor: 24 * HOUR,
      maxRetries: 288,
      onExhausted: "dead-letter",
      from: undefined,
      maxBatchBytes: 4 * 2 ** 20,
      giveBacksBeforeDelivery: 5,
      newShare: 1,
      maxOutstanding: 1_000_000,
      filterMemory: 5 * MINUTE,
      orderedQueues: 8,
      maxDelay: 40 * DAY,
      retentionAge: 72 * HOUR,
      retentionBytes: undefined,
      clockStep: 10 * MINUTE,
      ageRestsFor: HOUR,
      clockSkew: 15 * MINUTE,
      sharedReadBytes: 256 * 2 ** 20,
      reserveBytes: 64 * 2 ** 20,
      minFreeBytes: 64 * 2 ** 20,
    });
  });
});

describe("precedence", () => {
  it("is flag, environment, file, default", async () => {
    write("logLevel: error");
    const environment = { STAGEMQ_LOG_LEVEL: "warn" };
    expect((await load({ flags: { logLevel: "debug" }, environment })).logLevel).toBe("debug");
    expect((await load({ environment })).logLevel).toBe("warn");
    expect((await load()).logLevel).toBe("error");
    expect((await load({ environment: { STAGEMQ_LOG_LEVEL: "" } })).logLevel).toBe("error");
  });

  it("holds for yes and no too", async () => {
    write("fast: true");
    expect((await load({ environment: { STAGEMQ_FAST: "false" } })).fast).toBe(false);
  });

  it("looks for a directory of the file beside the file, and for another where stagemq was started", async () => {
    mkdirSync(join(directory, "etc"));
    write("data: messages", "etc/shop.yaml");
    const flags = { config: "etc/shop.yaml" };
    expect((await load({ flags })).dataDirectory).toBe(join(directory, "etc/messages"));
    expect((await load({ flags: { ...flags, data: "here" } })).dataDirectory).toBe(join(directory, "here"));
  });

  it("decides between a directory and none", async () => {
    write("data: messages");
    expect((await load({ flags: { ephemeral: true } })).dataDirectory).toBeUndefined();
    write("ephemeral: true");
    expect((await load()).dataDirectory).toBeUndefined();
    expect((await load({ flags: { data: "here" } })).dataDirectory).toBe(join(directory, "here"));
  });

  it("RET-1.1: what is kept in memory only is bounded, unless another size is named", async () => {
    const sizeWith = async (flags: Record<string, string | boolean>) => (await load({ flags })).retentionBytes;
    expect(await sizeWith({ ephemeral: true })).toBe(2 ** 30);
    expect(await sizeWith({ clock: "simulated" })).toBe(2 ** 30);
    expect(await sizeWith({ clock: "simulated", data: "here" })).toBeUndefined();
    write("retentionBytes: 64MiB");
    expect(await sizeWith({ ephemeral: true })).toBe(64 * 2 ** 20);
  });

  it("TIM-4.3: a simulated clock keeps nothing unless a directory is named", async () => {
    expect((await load({ flags: { clock: "simulated" } })).dataDirectory).toBeUndefined();
    const named = await load({ flags: { clock: "simulated", data: "here" } });
    expect(named.dataDirectory).toBe(join(directory, "here"));
  });

  it("names another variable that is a near miss, and leaves others alone", async () => {
    const environment = { STAGEMQ_LOG_LEVL: "warn", STAGEMQ_ENDPOINT: "http://127.0.0.1:4876" };
    const { warnings } = await load({ environment });
    expect(warnings.map(({ sentence }) => sentence)).toEqual([
      "STAGEMQ_LOG_LEVL is no setting and was ignored. Did you mean STAGEMQ_LOG_LEVEL?",
    ]);
  });
});

describe("the file", () => {
  it("declares keys, instances, topics and groups", async () => {
    write(SHOP);
    const config = await load({ command: "serve", environment: { ORDERS_SECRET: "s3cret" } });
    expect(config).toMatchObject({
      file: join(directory, "stagemq.yaml"),
      http: { host: "0.0.0.0", port: 4876 },
      beyondLoopback: true,
      dataDirectory: "/var/lib/stagemq",
      keys: [{ id: "orders-app", secret: "s3cret" }],
      defaultInstance: "MQ_INST_shop",
      warnings: [],
    });
    expect(config.declarations).toEqual({
      instances: ["MQ_INST_shop"],
      topics: [
        { ref: { instance: "MQ_INST_shop", topic: "order_events" }, kind: "ordered", queues: 8 },
        { ref: { instance: "MQ_INST_shop", topic: "payments" }, kind: "transactional" },
      ],
      groups: [
        {
          ref: { instance: "MQ_INST_shop", group: "GID_billing" },
          settings: {
            invisibleFor: 5 * MINUTE,
            orderedInvisibleFor: MINUTE,
            maxRetries: 16,
            from: "earliest",
            onExhausted: "dead-letter",
          },
        },
      ],
    });
  });

  it("is shown by the generated page as it may be written", async () => {
    const page = readFileSync(new URL("../../../../docs/operating/configuration.md", import.meta.url), "utf8");
    write(/```yaml\n(.*?)```/s.exec(page)?.[1] ?? "");
    const config = await load({ command: "serve", environment: { ORDERS_SECRET: "s" } });
    expect(config.declarations.topics).toHaveLength(2);
  });

  it("may be empty, and may have empty lists", async () => {
    write("");
    expect((await load()).keys).toHaveLength(1);
    write("users:\ninstances:\n  - id: A\n    topics:\n");
    expect((await load()).declarations.instances).toEqual(["MQ_INST_dev", "A"]);
  });

  it("in dev adds its keys to dev's own, and may declare that one itself", async () => {
    write("users: [ { name: a, keys: [ { id: k, secret: { env: S }, token: { env: S } } ] } ]");
    const environment = { S: "s" };
    expect((await load({ environment })).keys).toEqual([
      { id: "dev", secret: "dev-secret" },
      { id: "k", secret: "s", token: "s" },
    ]);
    write("users: [ { name: a, keys: [ { id: dev, secret: { env: S } } ] } ]");
    const config = await load({ environment });
    expect([config.keys, config.devKey]).toEqual([[{ id: "dev", secret: "s" }], undefined]);
  });

  it("reads a secret from a file beside it, without the end of the line", async () => {
    write("s3cret\n", "orders.secret");
    write("users: [ { name: a, keys: [ { id: k, secret: { file: orders.secret } } ] } ]");
    expect((await load({ command: "serve" })).keys).toEqual([{ id: "k", secret: "s3cret" }]);
  });

  it("warns about a secret that stands in it, without telling it", async () => {
    write("users: [ { name: a, keys: [ { id: k, secret: hunter2 } ] } ]");
    const { warnings } = await load();
    expect(warnings.map(({ sentence }) => sentence)).toEqual([
      "stagemq.yaml:1:46 users[0].keys[0].secret: the secret stands in the file itself; { env: NAME } or { file: PATH } keeps it out.",
    ]);
  });

  it("in serve makes its only instance the default one", async () => {
    write("instances: [ { id: A } ]");
    expect((await load({ command: "serve" })).defaultInstance).toBe("A");
    write("instances: [ { id: A }, { id: B } ]");
    expect((await load({ command: "serve" })).defaultInstance).toBe("MQ_INST_default");
  });
});

describe("mistakes in the file", () => {
  it("name place, path, what was given and what would be right", async () => {
    write(SHOP.replace("kind: transactional", "kind: transaction"));
    expect(await refusalOf({ environment: { ORDERS_SECRET: "s" } })).toEqual({
      exitCode: 2,
      lines: [
        'stagemq.yaml:13:37 instances[0].topics[1].kind: "transaction" is not one of normal, delayed, ordered, transactional. Did you mean "transactional"?',
        "1 mistake in stagemq.yaml; not started.",
      ],
    });
  });

  it("are told together with those of flags and environment", async () => {
    write("htp: 1\nfast: maybe\n");
    expect(await refusalOf({ flags: { http: "4876" }, environment: { STAGEMQ_CLOCK: "simulate" } })).toEqual({
      exitCode: 2,
      lines: [
        '--http is "4876"; it must be HOST:PORT, for example 127.0.0.1:4876.',
        'STAGEMQ_CLOCK is "simulate"; it must be one of system, simulated. Did you mean "simulated"?',
        'stagemq.yaml:1:1 htp: unknown key. Did you mean "http"?',
        'stagemq.yaml:2:7 fast: "maybe" is not true or false.',
        "2 mistakes in stagemq.yaml; not started.",
      ],
    });
  });

  it.each([
    ["version: 2", "1:10 version: 2 is not one of 1."],
    ["- a", "1:1 the file: is not a group of keys and values."],
    ["http: 4876", "1:7 http: 4876 is not HOST:PORT, for example 127.0.0.1:4876."],
    ["invisibleFor: 300", "1:15 invisibleFor: 300 is not a time from 1s to 366d, for example 90s, 5m or 24h."],
    ["invisibleFor: 500ms", '1:15 invisibleFor: "500ms" is not a time from 1s to 366d, for example 90s, 5m or 24h.'],
    ["maxBatchBytes: 4MB", '1:16 maxBatchBytes: "4MB" is not a size of at least 1, for example 4MiB.'],
    ["retentionBytes: 1KiB", '1:17 retentionBytes: "1KiB" is not a size of at least 64MiB, for example 64MiB.'],
    ["maxRetries: -1", "1:13 maxRetries: -1 is not a whole number from 0 to 100,000."],
    ["defaultInstance: a b", '1:18 defaultInstance: "a b" is not 1 to 64 letters, digits, "_" or "-".'],
    ["reset: true", "1:1 reset: unknown key."],
    ["logLevel:", "1:10 logLevel: is missing; it must be one of debug, info, warn, error."],
    ["logLevel: info\nlogLevel: warn", "2:1 Map keys must be unique"],
    ["a: [", "1:5 Flow sequence in block collection must be sufficiently indented and end with a ]"],
    ["users: {}", "1:8 users: is not a list."],
    ["users: [ { keys: [] } ]", "1:10 users[0].name: is missing; it must be text."],
    ["users: [ { name: a, policy: all } ]", "1:21 users[0].policy: unknown key. Known here: name, keys."],
    [
      "instances: [ { id: a b } ]",
      '1:20 instances[0].id: The instance "a b" is not legal: 1 to 64 letters, digits, "_" or "-".',
    ],
    ["instances: [ { id: A }, { id: A } ]", '1:31 instances[1].id: "A" stands at instances[0] already.'],
    ["instances: [ { id: A, topics: [ a ] } ]", "1:33 instances[0].topics[0]: is not a group of keys and values."],
    [
      "instances: [ { id: A, topics: [ { nam: a } ] } ]",
      '1:35 instances[0].topics[0].nam: unknown key. Did you mean "name"?',
    ],
    [
      "instances: [ { id: A, topics: [ { name: a }, { name: a } ] } ]",
      '1:54 instances[0].topics[1].name: "a" stands at instances[0].topics[0] already.',
    ],
    [
      "instances: [ { id: A, topics: [ { name: a, queues: 2 } ] } ]",
      "1:52 instances[0].topics[0].queues: only an ordered topic has queues; this one is normal.",
    ],
    [
      "instances: [ { id: A, topics: [ { name: '%DLQ%a' } ] } ]",
      '1:41 instances[0].topics[0].name: "%DLQ%a" is a dead-letter topic: it comes with its group.',
    ],
    [
      "instances: [ { id: A, groups: [ { id: g, invisibleFor: x } ] } ]",
      '1:56 instances[0].groups[0].invisibleFor: "x" is not a time from 1s to 366d, for example 90s, 5m or 24h.',
    ],
  ])("%j", async (text, mistake) => {
    write(text);
    const { lines } = await refusalOf();
    expect(
      lines.some((line) => line.startsWith(`stagemq.yaml:${mistake}`)),
      lines.join("\n"),
    ).toBe(true);
  });

  it.each([
    ["123456", "must be { env: NAME }, { file: PATH } or text; what looks like a number stands in quotes."],
    ["{ hunter2 }", "must be { env: NAME }, { file: PATH } or text; what looks like a number stands in quotes."],
    ["{ hunter2: x }", "must be { env: NAME }, { file: PATH } or text; what looks like a number stands in quotes."],
    ["{ env: NOPE }", "the environment has no NOPE."],
    ["{ file: nope }", "cannot read "],
  ])("a secret written as %j is refused without being told", async (secret, mistake) => {
    write(`users: [ { name: a, keys: [ { id: k, secret: ${secret} } ] } ]`);
    const { lines } = await refusalOf();
    expect(lines[0]).toContain(`users[0].keys[0].secret: ${mistake}`);
    expect(lines.join("\n")).not.toMatch(/hunter2|123456/);
  });
});

describe("refusals", () => {
  it("of a file that is not there, unless it is the one that need not be", async () => {
    expect(await refusalOf({ flags: { config: "shop.yaml" } })).toEqual({
      exitCode: 3,
      lines: ["shop.yaml does not exist (--config)."],
    });
    expect(await refusalOf({ environment: { STAGEMQ_CONFIG: "shop.yaml" } })).toEqual({
      exitCode: 3,
      lines: ["shop.yaml does not exist (STAGEMQ_CONFIG)."],
    });
  });

  it("of a directory instead of a file", async () => {
    expect((await refusalOf({ flags: { config: "." } })).lines).toEqual([". is a directory, not a file (--config)."]);
  });

  it("of serve beyond loopback without a declared key", async () => {
    expect(await refusalOf({ command: "serve", flags: { http: "0.0.0.0:4876" } })).toEqual({
      exitCode: 2,
      lines: ["serve on 0.0.0.0:4876 needs a declared access key (users: in stagemq.yaml)."],
    });
  });

  it("TIM-4.4: of a simulated clock by serve", async () => {
    expect((await refusalOf({ command: "serve", flags: { clock: "simulated" } })).exitCode).toBe(2);
  });

  it("of deleting data by serve, and where nothing is kept", async () => {
    expect((await refusalOf({ command: "serve", flags: { reset: true } })).exitCode).toBe(2);
    expect((await refusalOf({ flags: { reset: true, ephemeral: true } })).exitCode).toBe(2);
  });

  it("of a directory together with none", async () => {
    expect((await refusalOf({ flags: { ephemeral: true, data: "x" } })).exitCode).toBe(2);
  });
});

describe("addresses", () => {
  it.each([
    ["127.0.0.1:0", false],
    ["127.8.8.8:1", false],
    ["[::1]:4876", false],
    ["localhost:4876", false],
    ["0.0.0.0:4876", true],
    ["[::]:4876", true],
    ["10.1.2.3:4876", true],
    ["broker.example:4876", true],
  ])("%s is beyond loopback: %s", async (http, beyondLoopback) => {
    const config = await load({ flags: { http } });
    expect(config).toMatchObject({ beyondLoopback, alsoIpv6Loopback: false });
    expect(config.undeclaredKeys).toBe(beyondLoopback ? "refuse" : "let-in");
  });

  it.each([
    "4876",
    "127.0.0.1",
    "127.0.0.1:",
    ":4876",
    "::1:4876",
    "127.0.0.1:65536",
    "http://127.0.0.1:4876",
    "a b:1",
  ])("%s is none", async (http) => {
    expect((await refusalOf({ flags: { http } })).exitCode).toBe(2);
  });

  it("dev beyond loopback says what that means", async () => {
    const { warnings } = await load({ flags: { http: "0.0.0.0:4876" } });
    expect(warnings.map(({ sentence }) => sentence)).toEqual([
      "Listening beyond this machine (0.0.0.0:4876): everybody who reaches the port may use it with a declared key, and dev/dev-secret is known to all. Unknown key ids are refused.",
    ]);
  });
});

describe("--fast", () => {
  it("TIM-3.1: divides the long times by 100, none below a second, and no other", async () => {
    const [fast, slow] = [await load({ flags: { fast: true } }), await load()];
    expect(fast).toMatchObject({
      invisibleFor: 3 * SECOND,
      orderedInvisibleFor: SECOND,
      halfInvisibleFor: SECOND,
      checkFor: 864 * SECOND,
      hastened: [
        { from: 5 * MINUTE, to: 3 * SECOND },
        { from: MINUTE, to: SECOND },
        { from: 24 * HOUR, to: 864 * SECOND },
      ],
    });
    for (const name of ["filterMemory", "maxDelay", "retentionAge", "ageRestsFor", "clockSkew"] as const)
      expect(fast[name]).toBe(slow[name]);
    expect(slow.hastened).toEqual([]);
  });

  it("TIM-3.1: divides what a group has set for itself too", async () => {
    write("instances: [ { id: A, groups: [ { id: g, invisibleFor: 10m, orderedInvisibleFor: 2s, maxRetries: 3 } ] } ]");
    const { declarations } = await load({ flags: { fast: true } });
    expect(declarations.groups[0]?.settings).toEqual({
      invisibleFor: 6 * SECOND,
      orderedInvisibleFor: SECOND,
      maxRetries: 3,
    });
  });
});
