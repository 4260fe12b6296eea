import { Command, CommanderError, Option } from "commander";
import { type BackupFlags, createBackup, restoreBackup, verifyBackup } from "./commands/backup.ts";
import { type BenchFlags, bench } from "./commands/bench.ts";
import { type CheckCompatFlags, checkCompat } from "./commands/check-compat.ts";
import { dev } from "./commands/dev.ts";
import { type FsckFlags, fsck } from "./commands/fsck.ts";
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
  addCheckCompat(program).action(async (url: string, flags: CheckCompatFlags) => {
    exitCode = await checkCompat(url, flags, host);
  });
  addBench(program).action(async (flags: BenchFlags) => {
    exitCode = await bench(flags, host);
  });
  const around = { host, door };
  addFsck(program).action(async (directory: string, flags: FsckFlags) => {
    exitCode = await fsck(directory, flags, around);
  });
  const backup = addBackup(program);
  backup.create.action(async (directory: string, target: string, flags: BackupFlags) => {
    exitCode = await createBackup(directory, target, flags, around);
  });
  backup.verify.action(async (target: string, flags: BackupFlags) => {
    exitCode = await verifyBackup(target, flags, around);
  });
  backup.restore.action(async (target: string, directory: string, flags: BackupFlags) => {
    exitCode = await restoreBackup(target, directory, flags, around);
  });
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
    .helpOption(...helpOf("stagemq"))
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeOut: (text) => host.answer(text), writeErr: () => {} });
}

function addBrokerCommand(program: Command, { name, sentence, example }: BrokerCommand, { FLAGS }: Door): Command {
  const command = program
    .command(name)
    .description(`${sentence}\nExample: ${example}`)
    .helpOption(...helpOf(`stagemq ${name}`));
  for (const flag of FLAGS) {
    const byDefault = flag.default === undefined ? "" : ` Default: ${flag.default}.`;
    const told = `${flag.sentence}${byDefault}\nExample: stagemq ${name} ${flag.example}`;
    const option = new Option(flag.argument === undefined ? flag.flag : `${flag.flag} <${flag.argument}>`, told);
    // Known to serve all the same, so that it can say why not.
    command.addOption(flag.devOnly && name === "serve" ? option.hideHelp() : option);
  }
  return command.allowExcessArguments(false);
}

function addCheckCompat(program: Command): Command {
  const sentence = "Holds an endpoint, ours or the cloud's, against the wire's checklist, and prints what differs.";
  const example = (words: string) => `\nExample: stagemq check-compat http://127.0.0.1:4876 ${words}`;
  return program
    .command("check-compat")
    .description(`${sentence}${example("--yes")}`)
    .helpOption(...helpOf("stagemq check-compat"))
    .argument("<url>", "The endpoint: http://HOST:PORT.")
    .option(
      "--instance <ID>",
      `The instance of the topics. Default: none is named.${example("--instance MQ_INST_dev")}`,
    )
    .option("--topics <PREFIX>", `What the four topics begin with. Default: stagemq_compat.${example("--topics try")}`)
    .option(
      "--group <ID>",
      `The group; another ends with _2. Default: GID_stagemq_compat.${example("--group GID_try")}`,
    )
    .option("--yes", `Publishes without asking.${example("--yes")}`)
    .option("--json", `Prints every item as JSON.${example("--yes --json")}`)
    .allowExcessArguments(false);
}

function addBench(program: Command): Command {
  const example = (words: string) => `\nExample: stagemq bench ${words}`;
  const sentence = "Publishes to any endpoint as fast as it goes, and says how fast that was.";
  const command = program
    .command("bench")
    .description(`${sentence}${example("--conns 64 --size 500 --time 30s --verify")}`)
    .helpOption(...helpOf("stagemq bench"))
    .option(
      "--endpoint <URL>",
      `http://HOST:PORT. Default: STAGEMQ_ENDPOINT, or http://127.0.0.1:4876.${example("--endpoint http://127.0.0.1:4877")}`,
    )
    .option("--conns <N>", `Connections that publish, one message after the other. Default: 64.${example("--conns 8")}`)
    .option("--size <BYTES>", `Size of a body, up to 4m. Default: 500.${example("--size 64k")}`)
    .option("--time <SPAN>", `How long to publish, up to 1h. Default: 10s.${example("--time 30s")}`)
    .option("--messages <N>", `Publishes so many at most.${example("--messages 100000")}`)
    .option(
      "--verify",
      `Receives and acknowledges as well, and checks that nothing is lost or changed.${example("--verify")}`,
    )
    .option(
      "--ordered",
      `A sharding key for each connection; with --verify, their order is checked too.${example("--topic bench_ordered --ordered --verify")}`,
    )
    .option("--topic <NAME>", `The topic. Default: stagemq_bench.${example("--topic try")}`)
    .option("--group <ID>", `The group. Default: GID_stagemq_bench.${example("--group GID_try --verify")}`)
    .option("--instance <ID>", `The instance of the topic. Default: none is named.${example("--instance MQ_INST_dev")}`)
    .option("--yes", `Does not ask before it publishes beyond this machine.${example("--yes")}`);
  return withOutputFlags(command, "stagemq bench");
}

function addFsck(program: Command): Command {
  const command = program
    .command("fsck")
    .helpOption(...helpOf("stagemq fsck"))
    .argument("<directory>", "The data directory; no broker may use it.")
    .description(
      "Says what stands in a data directory and what of it is damaged; exit code 1 if anything is.\nExample: stagemq fsck /var/lib/stagemq",
    )
    .option("--repair", "Repairs it, after saying what is lost by that.\nExample: stagemq fsck .stagemq --repair")
    .option("--yes", "Does not ask before repairing.\nExample: stagemq fsck .stagemq --repair --yes")
    .option("--no-copy", "Keeps no copy of what it removes.\nExample: stagemq fsck .stagemq --repair --no-copy");
  return withOutputFlags(command, "stagemq fsck .stagemq");
}

function addBackup(program: Command): Readonly<Record<"create" | "verify" | "restore", Command>> {
  const backup = program
    .command("backup")
    .description("Copies a data directory, also of a running broker.\nExample: stagemq backup create .stagemq copy")
    .helpOption(...helpOf("stagemq backup"))
    .helpCommand(false);
  const add = (name: string, sentence: string, example: string): Command => {
    const command = backup
      .command(name)
      .description(`${sentence}\nExample: stagemq backup ${example}`)
      .helpOption(...helpOf(`stagemq backup ${name}`));
    return withOutputFlags(command, `stagemq backup ${example}`);
  };
  return {
    create: add("create", "Copies a data directory; a broker may go on using it.", "create .stagemq copy")
      .argument("<directory>", "The data directory.")
      .argument("<target>", "Where to put the copy: a new or empty directory."),
    verify: add("verify", "Reads all of a backup; exit code 1 if it is not sound.", "verify copy").argument(
      "<target>",
      "The backup.",
    ),
    restore: add("restore", "Makes a data directory of a backup.", "restore copy restored")
      .argument("<target>", "The backup.")
      .argument("<directory>", "The data directory to make: a new or empty directory."),
  };
}

function helpOf(command: string): [flag: string, told: string] {
  return ["--help", `Prints what there is.\nExample: ${command} --help`];
}

function withOutputFlags(command: Command, example: string): Command {
  return command
    .option("--json", `Answers in JSON.\nExample: ${example} --json`)
    .option("-q, --quiet", `Shows no progress.\nExample: ${example} --quiet`)
    .allowExcessArguments(false);
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
