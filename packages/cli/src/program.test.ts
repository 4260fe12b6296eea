import type { Broker, Config } from "@stagemq/broker";
import { beforeEach, describe, expect, it } from "vitest";
import type { Door, Host } from "./host.ts";
import { describeOldNode } from "./node-version.ts";
import { runProgram } from "./program.ts";

/** What loadConfig was asked, and what the broker was told. */
interface Told {
  flags: unknown;
  out: string;
  err: string;
  log: { level: string; event: string; fields: unknown }[];
  asked: string[];
  stops: number;
}

class StartError extends Error {
  override readonly name = "StartError";
  readonly exitCode = 5;
}

let told: Told;
let requestStop: () => void;
let fail: (error: Error) => void;
let config: Partial<Config>;
let door: Partial<Door>;
let host: { -readonly [Name in keyof Host]: Host[Name] };

beforeEach(() => {
  told = { flags: undefined, out: "", err: "", log: [], asked: [], stops: 0 };
  config = {
    command: "dev",
    dataDirectory: "/srv/shop/.stagemq",
    devKey: { id: "dev", secret: "dev-secret" },
    keys: [{ id: "dev", secret: "dev-secret" }],
    undeclaredKeys: "let-in",
    defaultInstance: "MQ_INST_dev",
    makeByUse: true,
    durability: "sync",
    clock: "system",
    fast: false,
    hastened: [],
    warnings: [],
    reset: false,
    yes: false,
    readyJson: false,
  };
  const broker: Broker = {
    http: ["http://127.0.0.1:4876", "http://[::1]:4876"],
    log: {
      isEnabled: () => true,
      write: (level, event, fields) => told.log.push({ level, event, fields }),
    },
    stop: async () => {
      told.stops++;
    },
    failed: new Promise((resolve) => {
      fail = resolve;
    }),
  };
  door = {
    VERSION: "0.1.0",
    DATA_FORMAT: 2,
    FLAGS: [
      {
        name: "http",
        flag: "--http",
        argument: "HOST:PORT",
        example: "--http 127.0.0.1:0",
        devOnly: false,
        sentence: "Where.",
        default: "x:1",
      },
      {
        name: "fast",
        flag: "--fast",
        argument: undefined,
        example: "--fast",
        sentence: "Quick.",
        default: undefined,
        devOnly: false,
      },
      {
        name: "logLevel",
        flag: "--log-level",
        argument: "LEVEL",
        example: "--log-level debug",
        sentence: "What.",
        default: "info",
        devOnly: false,
      },
    ],
    loadConfig: async (input) => {
      told.flags = { command: input.command, ...input.flags };
      return config as Config;
    },
    startBroker: async () => broker,
    resetData: async (_directory, _host, confirm) =>
      await confirm({ bytes: 38_000_000, lastWrittenAt: new Date(2026, 10, 20, 18, 3).getTime() }),
  };
  const stopRequested = new Promise<void>((resolve) => {
    requestStop = resolve;
  });
  host = {
    environment: {},
    directory: "/srv/shop",
    pid: 123,
    uid: 1000,
    terminal: false,
    interactive: false,
    columns: undefined,
    openDoor: async () => door as Door,
    answer: (text) => {
      told.out += text;
    },
    print: async (text) => {
      told.out += text;
      return true;
    },
    readInput: async function* () {},
    tell: (text) => {
      told.err += text;
    },
    ask: async (question) => {
      told.asked.push(question);
      return "y";
    },
    stopRequested: () => stopRequested,
    reportCrashesTo: () => {},
  };
});

const run = (...args: string[]) => runProgram(args, host);

/** Starts, and stops as soon as it serves. */
async function runUntilReady(...args: string[]): Promise<number> {
  const ended = run(...args);
  requestStopOnceReady();
  return await ended;
}

function requestStopOnceReady(): void {
  host.reportCrashesTo = () => requestStop();
}

describe("the command line", () => {
  it("hands flags on as they are written", async () => {
    await runUntilReady("serve", "--http", "0.0.0.0:1", "--fast", "--log-level=debug");
    expect(told.flags).toEqual({ command: "serve", http: "0.0.0.0:1", fast: true, logLevel: "debug" });
  });

  it.each(["--version", "-v", "-V", "version"])("%s prints version and data format", async (word) => {
    expect(await run(word)).toBe(0);
    expect(told).toMatchObject({ out: "stagemq 0.1.0 (data format 2)\n", err: "" });
  });

  it.each([
    [["--help"], "stagemq [options] [command]"],
    [["-h"], "stagemq [options] [command]"],
    [["help"], "stagemq [options] [command]"],
    [["help", "--help"], "stagemq [options] [command]"],
    [["send", "-h"], "stagemq send "],
    [["help", "send"], "stagemq send "],
    [["help", "backup", "create"], "stagemq backup create "],
  ])("%j shows the help of what it names", async (words, usage) => {
    expect(await run(...words)).toBe(0);
    expect(told.out).toContain(`Usage: ${usage}`);
    expect(told.err).toBe("");
  });

  it.each([[["send"]], [["backup"]], [["backup", "restore"]], [["check"]]])(
    "the help of %j fits into 80 columns, with its examples in the right one",
    async (words) => {
      expect(await run(...words, "--help")).toBe(0);
      const lines = told.out.split("\n");
      expect(lines.filter((line) => line.length > 80)).toEqual([]);
      expect(lines.filter((line) => /^ {1,9}Example:/.test(line))).toEqual([]);
    },
  );

  it("prints every flag with a sentence, its default and an example", async () => {
    expect(await run("dev", "--help")).toBe(0);
    const words = told.out.replace(/\s+/g, " ");
    expect(words).toContain("--http <HOST:PORT> Where. Default: x:1. Example: stagemq dev --http 127.0.0.1:0");
    expect(words).toContain("--fast Quick. Example: stagemq dev --fast");
  });

  it("prints every verb with a sentence and an example", async () => {
    expect(await run("--help")).toBe(0);
    expect(told.out).toMatch(/dev .*Runs a broker for development/);
    expect(told.out).toContain("Example: stagemq serve");
  });

  it.each([
    [["dev", "--htp", "1"], "Unknown option --htp. Did you mean --http? See stagemq dev --help.\n"],
    [["dev", "--htp=1"], "Unknown option --htp. See stagemq dev --help.\n"],
    [["serve", "--colour"], "Unknown option --colour. See stagemq serve --help.\n"],
    [["dev", "--http"], "--http needs a value: HOST:PORT. See stagemq dev --help.\n"],
    [["consume", "orders", "--group"], "--group needs a value: ID. See stagemq consume --help.\n"],
    [["consume", "orders", "-n"], "--number needs a value: N. See stagemq consume --help.\n"],
    [["dev", "--fast=1"], "--fast takes no value. See stagemq dev --help.\n"],
    [["dev", "here"], "There is a word too many: only flags may follow the command. See stagemq dev --help.\n"],
    [
      ["send", "orders", "two", "words"],
      "There is a word too many: put what has spaces into quotes. See stagemq send --help.\n",
    ],
    [["send"], "Missing required argument 'topic'. See stagemq send --help.\n"],
    [["deb"], "Unknown command deb. Did you mean dev? See stagemq --help.\n"],
    [["help", "deb"], "Unknown command deb. Did you mean dev? See stagemq --help.\n"],
    [["--colour"], "Unknown option --colour. See stagemq --help.\n"],
    [["backup", "copy"], "Unknown command copy. See stagemq backup --help.\n"],
    [["backup", "create"], "Missing required argument 'directory'. See stagemq backup create --help.\n"],
    [["backup", "verify", "copy", "--colour"], "Unknown option --colour. See stagemq backup verify --help.\n"],
  ])("refuses %j with a sentence and 2", async (args, sentence) => {
    expect(await run(...args)).toBe(2);
    expect(told).toMatchObject({ err: sentence, out: "" });
  });

  it("without a command tells what there is, on standard error", async () => {
    expect(await run()).toBe(2);
    expect(told.err).toContain("Usage: stagemq");
    expect(told.out).toBe("");
  });

  it("of a command with commands of its own tells those", async () => {
    expect(await run("backup")).toBe(2);
    expect(told.err).toContain("Usage: stagemq backup");
    expect(told.out).toBe("");
  });

  it.each([
    [["dev"]],
    [["send"]],
    [["consume"]],
    [["check"]],
    [["completion"]],
    [["fsck"]],
    [["check-compat"]],
    [["backup"]],
    [["backup", "restore"]],
  ])("the help of %j has no example of another command", async (words) => {
    expect(await run(...words, "--help")).toBe(0);
    const examples = told.out.replace(/\s+/g, " ").match(/Example: stagemq/g);
    const own = told.out.replace(/\s+/g, " ").match(new RegExp(`Example: stagemq ${words.join(" ")}`, "g"));
    expect(own).toEqual(examples?.map((example) => `${example} ${words.join(" ")}`));
  });

  it.each([
    ["18.19.1", "stagemq needs Node 20.19 or newer; this is 18.19.1."],
    ["20.18.3", "stagemq needs Node 20.19 or newer; this is 20.18.3."],
    ["20.19.0", undefined],
    ["20.20.2", undefined],
    ["24.1.0", undefined],
  ])("on Node %s says %j", (version, sentence) => {
    expect(describeOldNode(version)).toBe(sentence);
  });
});

describe("a start that cannot succeed", () => {
  it.each(["loadConfig", "startBroker"] as const)("ends with the sentence and code of %s", async (step) => {
    door[step] = async () => {
      throw new StartError("127.0.0.1:4876 is in use.");
    };
    expect(await run("dev")).toBe(5);
    expect(told).toMatchObject({ err: "127.0.0.1:4876 is in use.\n", out: "" });
  });

  it("does not hide what nobody expected", async () => {
    door.loadConfig = async () => {
      throw new TypeError("a bug");
    };
    await expect(run("dev")).rejects.toThrow("a bug");
  });
});

describe("when it serves", () => {
  it("a terminal gets the box", async () => {
    host.terminal = true;
    expect(await runUntilReady("dev")).toBe(0);
    expect(told.err).toBe(`stagemq 0.1.0, dev
  Endpoint    http://127.0.0.1:4876    put this into your SDK: no path, no slash at the end
  Access key  dev / dev-secret         other key ids are let in unchecked
  Instance    MQ_INST_dev              or none; topics and groups are made on first use
  Data        /srv/shop/.stagemq       kept; to wipe it, start with --reset
  Stop        Ctrl-C
`);
    expect(told.log.map(({ event }) => event)).toEqual(["broker.stopped"]);
  });

  it("TIM-3.2: the box has the lines that are true besides, in the words of people", async () => {
    host.terminal = true;
    config = {
      ...config,
      durability: "relaxed",
      fast: true,
      hastened: [
        { from: 300_000, to: 3_000 },
        { from: 60_000, to: 1_000 },
        { from: 86_400_000, to: 864_000 },
      ],
    };
    await runUntilReady("dev");
    expect(told.err).toContain("\n  Durability  RELAXED: a crash may lose 100 ms of confirmed messages\n");
    expect(told.err).toContain("\n  Times       fast: 5 min → 3 s, 1 min → 1 s, 24 h → 15 min\n");
  });

  it("the box tells of memory and of the test interface", async () => {
    host.terminal = true;
    config = { ...config, dataDirectory: undefined, retentionBytes: 2 ** 30, durability: "relaxed" };
    const start = door.startBroker;
    door.startBroker = async (...args) => ({ ...(await start?.(...args)), test: "http://127.0.0.1:40123" }) as Broker;
    await runUntilReady("dev");
    expect(told.err).toMatch(
      /\n {2}Data {8}none: --ephemeral forgets everything at the end {4}above 1 GiB the oldest messages go\n/,
    );
    expect(told.err).toContain("\n  Test        http://127.0.0.1:40123, the clock stands until it is advanced\n");
    expect(told.err).not.toContain("Durability");
  });

  it("anything else gets the same facts in the log, without a secret", async () => {
    await runUntilReady("dev");
    expect(told.err).toBe("");
    expect(told.log[0]).toMatchObject({
      level: "info",
      event: "broker.ready",
      fields: { http: "http://127.0.0.1:4876", instance: "MQ_INST_dev", dataDirectory: "/srv/shop/.stagemq", pid: 123 },
    });
    expect(JSON.stringify(told.log)).not.toContain("dev-secret");
  });

  it("warnings are told before it", async () => {
    config = { ...config, warnings: [{ event: "http.beyond-loopback", sentence: "Listening beyond." }] };
    await runUntilReady("dev");
    expect(told.log.slice(0, 2)).toMatchObject([
      { level: "warn", event: "http.beyond-loopback", fields: { sentence: "Listening beyond." } },
      { event: "broker.ready" },
    ]);
  });

  it("--ready-json writes one line to standard output", async () => {
    config = { ...config, readyJson: true };
    await runUntilReady("dev");
    expect(told.out).toMatch(/^[^\n]+\n$/);
    expect(JSON.parse(told.out)).toEqual({
      event: "ready",
      http: "http://127.0.0.1:4876",
      accessKeyId: "dev",
      accessKeySecret: "dev-secret",
      instance: "MQ_INST_dev",
      dataDirectory: "/srv/shop/.stagemq",
      pid: 123,
      version: "0.1.0",
    });
  });

  it("TIM-3.2: the ready line says fast, and serve's has no key", async () => {
    config = { ...config, command: "serve", readyJson: true, devKey: undefined, fast: true };
    await runUntilReady("serve");
    expect(JSON.parse(told.out)).toMatchObject({ event: "ready", fast: true });
    expect(told.out).not.toContain("accessKey");
  });

  it("without --ready-json standard output stays empty", async () => {
    await runUntilReady("dev");
    expect(told.out).toBe("");
  });
});

describe("the end", () => {
  it("stops cleanly when it is told to, with 0", async () => {
    expect(await runUntilReady("dev")).toBe(0);
    expect(told.stops).toBe(1);
  });

  it("does not start what is told to stop while it starts", async () => {
    door.startBroker = () => new Promise(() => {});
    const ended = run("dev");
    requestStop();
    expect(await ended).toBe(0);
    expect(told.stops).toBe(0);
  });

  it("DUR-2.2: ends with 70 and a log line when the storage fails", async () => {
    const ended = run("dev");
    fail(new Error("EIO on segment 3"));
    expect(await ended).toBe(70);
    expect(told.log.at(-1)).toMatchObject({
      level: "error",
      event: "broker.failed",
      fields: { sentence: "stagemq stops: EIO on segment 3. Before the next start: stagemq fsck /srv/shop/.stagemq." },
    });
    expect(told.stops).toBe(1);
  });
});

describe("--reset", () => {
  beforeEach(() => {
    config = { ...config, reset: true };
    host.interactive = true;
  });

  it("asks before it deletes", async () => {
    expect(await runUntilReady("dev")).toBe(0);
    expect(told.asked).toEqual([
      "Delete all data in /srv/shop/.stagemq (38 MB, last written 2026-11-20 18:03)? [y/N] ",
    ]);
  });

  it.each(["", "n", "yellow"])("takes %j for no, and does not start", async (answer) => {
    host.ask = async () => answer;
    expect(await run("dev")).toBe(1);
    expect(told.err).toBe("Nothing was deleted; not started.\n");
  });

  it("does not ask with --yes", async () => {
    config = { ...config, yes: true };
    host.interactive = false;
    expect(await runUntilReady("dev")).toBe(0);
    expect(told.asked).toEqual([]);
  });

  it("is refused where nobody can answer", async () => {
    host.interactive = false;
    expect(await run("dev")).toBe(2);
    expect(told.err).toMatch(/^--reset asks before it deletes, .*--yes/);
  });
});
