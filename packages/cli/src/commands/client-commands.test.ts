import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { Host } from "../host.ts";
import { check } from "./check.ts";
import { consume } from "./consume.ts";
import { send } from "./send.ts";

/** Nobody listens there. */
const NOBODY = { endpoint: "http://127.0.0.1:9" };
let told: string;
let answered: string;
let host: Pick<Host, "environment" | "terminal" | "interactive" | "columns" | "tell" | "print" | "stopRequested">;

beforeEach(() => {
  [told, answered] = ["", ""];
  host = {
    environment: {},
    terminal: false,
    interactive: false,
    columns: undefined,
    tell: (text) => {
      told += text;
    },
    print: async (text) => {
      answered += text;
      return true;
    },
    stopRequested: () => new Promise(() => {}),
  };
});

describe("a command line that cannot be meant is refused before anything is sent", () => {
  it.each([
    [undefined, {}, "Say what to send: a BODY, - for standard input, or --file FILE.\n"],
    ["x", { file: "m.ndjson" }, "There is a BODY and a --file; one of them is enough.\n"],
    ["x", { rate: "5" }, "--rate goes with --file.\n"],
    ["x", { transaction: "commit" }, "--transaction needs --group: who may be asked about it.\n"],
    ["x", { group: "GID_a" }, "--group goes with --transaction: it is who may be asked about it.\n"],
    [
      "x",
      { transaction: "abort", group: "GID_a" },
      '--transaction is "abort"; it must be one of commit, rollback, leave.\n',
    ],
    [
      "x",
      { transaction: "commit", group: "GID_a", shardingKey: "k" },
      "A transactional message cannot have a sharding key.\n",
    ],
    ["x", { output: "xml" }, '--output is "xml"; it must be one of table, json, ndjson.\n'],
    ["x", { at: "soon" }, '--at is "soon"; it must be like +30s, +5m, +2h, +1d or 2026-11-21T12:00:00Z.\n'],
    ["x", { property: ["a"] }, '--property is "a"; it must be NAME=VALUE.\n'],
    [
      undefined,
      { file: "m.ndjson", rate: "fast" },
      '--rate is "fast"; it must be messages per second, for example 500 or 0.5.\n',
    ],
    [
      "x",
      { accessKeyId: "a" },
      "The access key has no secret: give --access-key-secret, or set ALIBABA_CLOUD_ACCESS_KEY_SECRET.\n",
    ],
  ])("send %j %j", async (body, flags, sentence) => {
    expect(await send("orders", body, { ...NOBODY, ...flags }, host as Host)).toBe(2);
    expect([told, answered]).toEqual([sentence, ""]);
  });

  it("send from a file that is not there, or none", async () => {
    const path = `${import.meta.dirname}/none.ndjson`;
    expect(await send("orders", undefined, { ...NOBODY, file: path }, host as Host)).toBe(3);
    expect(told).toBe(`${path} does not exist (--file).\n`);
    told = "";
    expect(await send("orders", undefined, { ...NOBODY, file: import.meta.dirname }, host as Host)).toBe(2);
    expect(told).toBe(`${import.meta.dirname} is a directory (--file).\n`);
  });

  it.each([
    [{}, "Say for which group: --group GID.\n"],
    [{ group: "GID_a", wait: "1h" }, '--wait is "1h"; it must be 0s to 30s, for example 10s.\n'],
    [{ group: "GID_a", number: "0" }, '--number is "0"; it must be a whole number from 1 on, for example 100.\n'],
    [{ group: "GID_a", follow: true, wait: "5s" }, "--follow waits anyway: leave --wait out.\n"],
    [{ group: "GID_a", output: "xml" }, '--output is "xml"; it must be one of table, json, ndjson.\n'],
  ])("consume %j", async (flags, sentence) => {
    expect(await consume("orders", { ...NOBODY, ...flags }, host as Host)).toBe(2);
    expect([told, answered]).toEqual([sentence, ""]);
  });

  it.each([
    [{}, "Say for which group: --group GID.\n"],
    [
      { group: "GID_a", commit: true as const, rollback: ["0AF1"] },
      "With --commit and --rollback together, each needs the ids of its messages.\n",
    ],
    [{ group: "GID_a", commit: ["0AF1"], rollback: ["0AF1"] }, "0AF1 is named twice.\n"],
    [{ group: "GID_a", wait: "1h" }, '--wait is "1h"; it must be 0s to 30s, for example 10s.\n'],
  ])("check %j", async (flags, sentence) => {
    expect(await check("payments", { ...NOBODY, ...flags }, host as Host)).toBe(2);
    expect([told, answered]).toEqual([sentence, ""]);
  });
});

it("says that nobody is there, and nothing else", async () => {
  expect(await consume("orders", { ...NOBODY, group: "GID_a", output: "json" }, host as Host)).toBe(69);
  expect(told).toMatch(/^There is no connection to http:\/\/127.0.0.1:9 .*Start one with stagemq dev/);
  expect(answered).toBe("[]\n");
});

it("of many bad lines the first are named, and what ended it in any case", async () => {
  const directory = await mkdtemp(join(tmpdir(), "stagemq-test-"));
  const file = join(directory, "messages.ndjson");
  await writeFile(file, `${"nope\n".repeat(30)}{"body":"x"}\n{"body":"y"}\n`);
  expect(await send("orders", undefined, { ...NOBODY, file }, host as Host)).toBe(69);
  await rm(directory, { recursive: true });
  const lines = told.trimEnd().split("\n");
  expect(lines.slice(0, 20).every((line) => line.includes("This is not JSON"))).toBe(true);
  expect(lines.slice(20)).toEqual([
    "…",
    expect.stringContaining("There is no connection to http://127.0.0.1:9"),
    expect.stringMatching(/^0 messages sent to orders; 30 lines refused[.] Not sent: lines? 31/),
  ]);
});
