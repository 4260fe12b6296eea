import { type Complete, RootCommand } from "@bomb.sh/tab";
import type { Argument, Command, Option } from "commander";
import { EXIT } from "../exit-codes.ts";
import type { Host } from "../host.ts";

const SHELLS = ["bash", "zsh", "fish", "powershell"] as const;

/** Prints a script for a shell; it asks `stagemq complete -- …` at every tab. Resolves to the exit code. */
export function printCompletion(shell: string, host: Host): number {
  const known = SHELLS.find((name) => name === shell);
  if (known === undefined) {
    host.tell(`There is no completion for ${shell}; there is one for ${SHELLS.join(", ")}.\n`);
    return EXIT.usage;
  }
  new RootCommand().setup("stagemq", "stagemq", known);
  return EXIT.ok;
}

/** Prints what may follow these words. */
export function printProposals(words: readonly string[], program: Command): void {
  const root = new RootCommand();
  describe(program, [], root);
  root.parse([...words]);
}

type Described = ReturnType<RootCommand["command"]>;

function describe(command: Command, path: readonly string[], root: RootCommand): void {
  const described: Described =
    path.length === 0 ? root : root.command(path.join(" "), firstLine(command.description()));
  const help = command.createHelp();
  for (const option of help.visibleOptions(command)) describeOption(option, described);
  for (const argument of command.registeredArguments) describeArgument(argument, described);
  for (const each of help.visibleCommands(command)) describe(each, [...path, each.name()], root);
}

function describeOption({ long, short, flags, required, optional, description }: Option, described: Described): void {
  const name = long?.slice(2) ?? "";
  const alias = short?.slice(1);
  if (required || optional) described.option(name, firstLine(description), propose(choicesOf(flags)), alias);
  else described.option(name, firstLine(description), alias);
}

function describeArgument(argument: Argument, described: Described): void {
  const choices = argument.name() === "shell" ? SHELLS : [];
  described.argument(argument.name(), propose(choices), argument.variadic);
}

/** Of `--output <table|json>`. */
function choicesOf(flags: string): readonly string[] {
  const [, value = ""] = /[<[](.+)[\]>]$/.exec(flags) ?? [];
  return value.includes("|") ? value.split("|") : [];
}

function propose(choices: readonly string[]): (complete: Complete) => void {
  return (complete) => {
    for (const choice of choices) complete(choice, "");
  };
}

/** The example below it is for the help. */
function firstLine(description: string): string {
  return description.split("\n", 1)[0] ?? "";
}
