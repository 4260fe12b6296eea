import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Door, Host } from "../host.ts";
import { runProgram } from "../program.ts";

let printed: string[];
let told: string;

const host = {
  openDoor: async () => ({ VERSION: "0.1.0", DATA_FORMAT: 2, FLAGS: [] }) as Partial<Door> as Door,
  answer: () => {},
  tell: (text: string) => {
    told += text;
  },
} as Partial<Host> as Host;

beforeEach(() => {
  [printed, told] = [[], ""];
  vi.spyOn(console, "log").mockImplementation((line: string) => {
    printed.push(line);
  });
});

afterEach(() => vi.restoreAllMocks());

/** What may follow these words, and what is said of each. */
async function proposals(...words: readonly string[]): Promise<[word: string, told: string][]> {
  printed = [];
  expect(await runProgram(["complete", "--", ...words], host)).toBe(0);
  expect(printed.at(-1)).toBe(":4");
  return printed.slice(0, -1).map((line) => line.split("\t") as [string, string]);
}

const wordsAfter = async (...words: readonly string[]) => (await proposals(...words)).map(([word]) => word);

describe("completion", () => {
  it("proposes commands, and says on one line what each does", async () => {
    expect(await proposals("con")).toEqual([
      ["consume", "Prints messages of a topic, and acknowledges what it has printed."],
    ]);
    expect(await wordsAfter("")).toEqual(expect.arrayContaining(["dev", "serve", "send", "consume", "check", "bench"]));
    expect(await wordsAfter("")).not.toContain("complete");
    expect(await wordsAfter("backup", "")).toEqual(["create", "verify", "restore"]);
  });

  it("proposes flags, and the words that a flag may have", async () => {
    expect(await proposals("send", "orders", "--ta")).toEqual([["--tag", "One label, which consumers may filter by."]]);
    expect(await wordsAfter("send", "orders", "--output", "")).toEqual(["table", "json", "ndjson"]);
    expect(await wordsAfter("send", "orders", "-o", "j")).toEqual(["json"]);
    expect(await wordsAfter("send", "orders", "--transaction", "")).toEqual(["commit", "rollback", "leave"]);
    expect(await wordsAfter("send", "orders", "--tag", "")).toEqual([]);
    expect(await wordsAfter("completion", "")).toEqual(["bash", "zsh", "fish", "powershell"]);
  });

  it.each(["bash", "zsh", "fish", "powershell"])("has a script for %s, which asks stagemq", async (shell) => {
    expect(await runProgram(["completion", shell], host)).toBe(0);
    expect(printed.join("\n")).toMatch(/stagemq complete .?--/);
  });

  it("its help says what bash needs for it", async () => {
    let help = "";
    const answer = (text: string) => {
      help += text;
    };
    expect(await runProgram(["completion", "--help"], { ...host, answer })).toBe(0);
    expect(help.replace(/\s+/g, " ")).toContain("bash needs the package bash-completion");
  });

  it("says for which shells there is one", async () => {
    expect(await runProgram(["completion", "tcsh"], host)).toBe(2);
    expect([told, printed]).toEqual([
      "There is no completion for tcsh; there is one for bash, zsh, fish, powershell.\n",
      [],
    ]);
  });
});
