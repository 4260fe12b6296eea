import { Command, Option } from "commander";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { choosing } from "../command-line/add-client-flags.ts";
import { printCompletion, printProposals } from "./completion.ts";

let printed: string[];
let told: string;
const host = {
  tell: (text: string) => {
    told += text;
  },
} as Parameters<typeof printCompletion>[1];

beforeEach(() => {
  [printed, told] = [[], ""];
  vi.spyOn(console, "log").mockImplementation((line: string) => {
    printed.push(line);
  });
});

afterEach(() => vi.restoreAllMocks());

function aProgram(): Command {
  const program = new Command("stagemq").helpCommand(false);
  program
    .command("send")
    .description("Sends.\nExample: stagemq send orders hello")
    .argument("<topic>")
    .option("--tag <TAG>", "One label.\nExample: stagemq send orders hello --tag paid")
    .addOption(choosing(new Option("-o, --output <FORMAT>", "How."), ["table", "json"]));
  program.command("secret", { hidden: true });
  const backup = program.command("backup").description("Copies.").helpCommand(false);
  backup.command("create").description("Copies one.");
  program.command("completion").argument("<shell>");
  return program;
}

/** What may follow these words, without what they are. */
function proposals(...words: readonly string[]): string[] {
  printed = [];
  printProposals(words, aProgram());
  expect(printed.at(-1)).toBe(":4");
  return printed.slice(0, -1).map((line) => line.split("\t", 1)[0] ?? "");
}

describe("completion", () => {
  it("proposes commands, and says of each what it does, on one line", () => {
    expect(proposals("")).toEqual(["send", "backup", "completion"]);
    expect(printed[0]).toBe("send\tSends.");
    expect(proposals("ba")).toEqual(["backup"]);
    expect(proposals("backup", "")).toEqual(["create"]);
  });

  it("proposes flags, and the words that a flag may have", () => {
    expect(proposals("send", "orders", "--")).toEqual(["--tag", "--output", "--help"]);
    expect(printed[0]).toBe("--tag\tOne label.");
    expect(proposals("send", "orders", "--output", "")).toEqual(["table", "json"]);
    expect(proposals("send", "orders", "--output", "j")).toEqual(["json"]);
    expect(proposals("send", "orders", "--tag", "")).toEqual([]);
    expect(proposals("completion", "")).toEqual(["bash", "zsh", "fish", "powershell"]);
  });

  it.each(["bash", "zsh", "fish", "powershell"])("has a script for %s, which asks stagemq", (shell) => {
    expect(printCompletion(shell, host)).toBe(0);
    expect(printed.join("\n")).toMatch(/stagemq complete .?--/);
  });

  it("says for which shells there is one", () => {
    expect(printCompletion("tcsh", host)).toBe(2);
    expect([told, printed]).toEqual([
      "There is no completion for tcsh; there is one for bash, zsh, fish, powershell.\n",
      [],
    ]);
  });
});
