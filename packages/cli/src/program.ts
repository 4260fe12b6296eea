import { Command, CommanderError } from "commander";
import { addBackup } from "./command-line/add-backup.ts";
import { addBench } from "./command-line/add-bench.ts";
import { addBrokerCommands } from "./command-line/add-broker-commands.ts";
import { addCheck } from "./command-line/add-check.ts";
import { addCheckCompat } from "./command-line/add-check-compat.ts";
import { addCompletion } from "./command-line/add-completion.ts";
import { addConsume } from "./command-line/add-consume.ts";
import { addFsck } from "./command-line/add-fsck.ts";
import { addSend } from "./command-line/add-send.ts";
import { type CommandLine, helpOf, withExample } from "./command-line/command-line.ts";
import { fromHabit } from "./command-line/from-habit.ts";
import { describeUsageMistake } from "./describe-usage-mistake.ts";
import { EXIT } from "./exit-codes.ts";
import type { Door, Host } from "./host.ts";

/** Of the column of sentences, for every command: were it narrower, nothing in it would be wrapped. */
const LEAST_HELP_WIDTH = 20;

/** In the order of the help. */
const COMMANDS: readonly ((line: CommandLine) => void)[] = [
  addBrokerCommands,
  addSend,
  addConsume,
  addCheck,
  addBench,
  addCheckCompat,
  addFsck,
  addBackup,
  addCompletion,
];

/** Does what the command line says; resolves to the exit code. */
export async function runProgram(args: readonly string[], host: Host): Promise<number> {
  const door = await host.openDoor();
  const program = openProgram(door, host);
  let exitCode: number = EXIT.ok;
  const endWith = (code: number): void => {
    exitCode = code;
  };
  for (const addCommand of COMMANDS) addCommand({ program, host, door, endWith });
  try {
    const names = program.commands.map((command) => command.name());
    await program.parseAsync(fromHabit(args, names), { from: "user" });
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
      "-v, --version",
      withExample("Prints the version.", "stagemq --version"),
    )
    .helpOption(...helpOf("stagemq"))
    .helpCommand(false)
    .configureHelp({ minWidthToWrap: LEAST_HELP_WIDTH })
    .exitOverride()
    .configureOutput({ writeOut: (text) => host.answer(text), writeErr: () => {} });
}

function refuse(error: unknown, program: Command, host: Host): number {
  if (isStartError(error)) {
    host.tell(`${error.message}\n`);
    return error.exitCode;
  }
  if (!(error instanceof CommanderError)) throw error;
  // Help and version that were asked for come this way too.
  if (error.exitCode === EXIT.ok) return EXIT.ok;
  const { command, words } = findCommand(program, ["stagemq"]);
  const flags = command.options.map(({ long }) => long ?? "");
  host.tell(
    error.code === "commander.help"
      ? command.helpInformation()
      : `${describeUsageMistake(error, flags)} See ${words.join(" ")} --help.\n`,
  );
  return EXIT.usage;
}

/** The command that the words name, as far as they name one. */
function findCommand(command: Command, words: readonly string[]): { command: Command; words: readonly string[] } {
  const named = command.commands.find((each) => each.name() === command.args[0]);
  return named === undefined ? { command, words } : findCommand(named, [...words, named.name()]);
}

/** RUN-1, known by its shape: the class belongs to the broker. */
function isStartError(error: unknown): error is Error & { readonly exitCode: number } {
  return error instanceof Error && error.name === "StartError" && "exitCode" in error;
}
