import { Command, CommanderError, Option } from "commander";
import { dev } from "./commands/dev.ts";
import { type BrokerCommand, type GivenFlags, runBroker } from "./commands/run-broker.ts";
import { serve } from "./commands/serve.ts";
import { describeUsageMistake } from "./describe-usage-mistake.ts";
import { EXIT } from "./exit-codes.ts";
import type { Door, Host } from "./host.ts";

/** Does what the command line says; resolves to the exit code. */
export async function runProgram(args: readonly string[], host: Host): Promise<number> {
  const door = await host.openDoor();
  let exitCode: number = EXIT.ok;
  const program = openProgram(door, host);
  for (const command of [dev, serve]) {
    addBrokerCommand(program, command, door).action(async (flags: GivenFlags) => {
      exitCode = await runBroker(command.name, flags, { host, door });
    });
  }
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    return refuse(error, program, host);
  }
}

function openProgram({ VERSION, DATA_FORMAT }: Door, host: Host): Command {
  return new Command("stagemq")
    .description("A message broker that speaks the ApsaraMQ-for-RocketMQ HTTP protocol.")
    .version(
      `stagemq ${VERSION} (data format ${DATA_FORMAT})`,
      "--version",
      "Prints the version.\nExample: stagemq --version",
    )
    .helpOption("--help", "Prints what there is.\nExample: stagemq dev --help")
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeOut: (text) => host.answer(text), writeErr: () => {} });
}

function addBrokerCommand(program: Command, { name, sentence, example }: BrokerCommand, { FLAGS }: Door): Command {
  const command = program.command(name).description(`${sentence}\nExample: ${example}`);
  for (const flag of FLAGS) {
    const byDefault = flag.default === undefined ? "" : ` Default: ${flag.default}.`;
    const told = `${flag.sentence}${byDefault}\nExample: stagemq ${name} ${flag.example}`;
    const option = new Option(flag.argument === undefined ? flag.flag : `${flag.flag} <${flag.argument}>`, told);
    // Known to serve all the same, so that it can say why not.
    command.addOption(flag.devOnly && name === "serve" ? option.hideHelp() : option);
  }
  return command.allowExcessArguments(false);
}

function refuse(error: unknown, program: Command, host: Host): number {
  if (isStartError(error)) {
    host.tell(`${error.message}\n`);
    return error.exitCode;
  }
  if (!(error instanceof CommanderError)) throw error;
  // Help and version that were asked for come this way too.
  if (error.exitCode === EXIT.ok) return EXIT.ok;
  const named = program.commands.find((command) => command.name() === program.args[0])?.name();
  const flags = program.commands.flatMap(({ options }) => options.map(({ long }) => long ?? ""));
  const help = `${named === undefined ? "stagemq" : `stagemq ${named}`} --help`;
  host.tell(
    error.code === "commander.help"
      ? program.helpInformation()
      : `${describeUsageMistake(error, flags)} See ${help}.\n`,
  );
  return EXIT.usage;
}

/** RUN-1, known by its shape: the class belongs to the broker. */
function isStartError(error: unknown): error is Error & { readonly exitCode: number } {
  return error instanceof Error && error.name === "StartError" && "exitCode" in error;
}
