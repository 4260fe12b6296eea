import type { Command } from "commander";
import type { Surroundings } from "../host.ts";

/** What a command is added to. What it does is loaded only once it is called: `--version` need not wait for it. */
export interface CommandLine extends Surroundings {
  readonly program: Command;
  endWith(exitCode: number): void;
}

export function helpOf(command: string): [flag: string, told: string] {
  return ["-h, --help", withExample("Shows this help.", `${command} --help`)];
}

/** A sentence and an example: what is told of a command and of each of its flags. */
export function withExample(sentence: string, example: string): string {
  return `${sentence}\nExample: ${example}`;
}

/** Of commands that say one thing at their end. */
export function addOutputFlags(command: Command, example: string): Command {
  return command
    .option("--json", withExample("Answers in JSON.", `${example} --json`))
    .option("-q, --quiet", withExample("Shows no progress.", `${example} --quiet`))
    .allowExcessArguments(false);
}
