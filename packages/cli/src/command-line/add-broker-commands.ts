import { type Command, Option } from "commander";
import { dev } from "../commands/dev.ts";
import type { BrokerCommand, GivenFlags } from "../commands/run-broker.ts";
import { serve } from "../commands/serve.ts";
import type { Door } from "../host.ts";
import { type CommandLine, helpOf, withExample } from "./command-line.ts";

export function addBrokerCommands({ program, host, door, endWith }: CommandLine): void {
  for (const command of [dev, serve]) {
    addBrokerCommand(program, command, door).action(async (flags: GivenFlags) => {
      const { runBroker } = await import("../commands/run-broker.ts");
      endWith(await runBroker(command.name, flags, { host, door }));
    });
  }
}

function addBrokerCommand(program: Command, { name, sentence, example }: BrokerCommand, { FLAGS }: Door): Command {
  const command = program
    .command(name)
    .description(withExample(sentence, example))
    .helpOption(...helpOf(`stagemq ${name}`));
  for (const flag of FLAGS) {
    const byDefault = flag.default === undefined ? "" : ` Default: ${flag.default}.`;
    const told = withExample(`${flag.sentence}${byDefault}`, `stagemq ${name} ${flag.example}`);
    const option = new Option(flag.argument === undefined ? flag.flag : `${flag.flag} <${flag.argument}>`, told);
    // Known to serve all the same, so that it can say why not.
    command.addOption(flag.devOnly && name === "serve" ? option.hideHelp() : option);
  }
  return command.allowExcessArguments(false);
}
