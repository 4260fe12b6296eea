import type { Command } from "commander";
import type { BackupFlags } from "../commands/backup.ts";
import { addOutputFlags, type CommandLine, helpOf, withExample } from "./command-line.ts";

export function addBackup({ program, host, door, endWith }: CommandLine): void {
  const around = { host, door };
  const backup = program
    .command("backup")
    .description(
      withExample("Copies a data directory, also of a running broker.", "stagemq backup create .stagemq copy"),
    )
    .helpOption(...helpOf("stagemq backup"))
    .helpCommand(false);
  add(backup, "create", "Copies a data directory; a broker may go on using it.", ".stagemq copy")
    .argument("<directory>", "The data directory.")
    .argument("<target>", "Where to put the copy: a new or empty directory.")
    .action(async (directory: string, target: string, flags: BackupFlags) => {
      const { createBackup } = await import("../commands/backup.ts");
      endWith(await createBackup(directory, target, flags, around));
    });
  add(backup, "verify", "Reads all of a backup; exit code 1 if it is not sound.", "copy")
    .argument("<target>", "The backup.")
    .action(async (target: string, flags: BackupFlags) => {
      const { verifyBackup } = await import("../commands/backup.ts");
      endWith(await verifyBackup(target, flags, around));
    });
  add(backup, "restore", "Makes a data directory of a backup.", "copy restored")
    .argument("<target>", "The backup.")
    .argument("<directory>", "The data directory to make: a new or empty directory.")
    .action(async (target: string, directory: string, flags: BackupFlags) => {
      const { restoreBackup } = await import("../commands/backup.ts");
      endWith(await restoreBackup(target, directory, flags, around));
    });
}

function add(backup: Command, name: string, sentence: string, words: string): Command {
  const example = `stagemq backup ${name} ${words}`;
  const command = backup
    .command(name)
    .description(withExample(sentence, example))
    .helpOption(...helpOf(`stagemq backup ${name}`));
  return addOutputFlags(command, example);
}
