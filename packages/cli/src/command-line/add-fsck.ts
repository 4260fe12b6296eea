import type { FsckFlags } from "../commands/fsck.ts";
import { addOutputFlags, type CommandLine, helpOf, withExample } from "./command-line.ts";

export function addFsck({ program, host, door, endWith }: CommandLine): void {
  const told = (sentence: string, words: string) => withExample(sentence, `stagemq fsck ${words}`);
  const command = program
    .command("fsck")
    .helpOption(...helpOf("stagemq fsck"))
    .argument("<directory>", "The data directory; no broker may use it.")
    .description(
      told(
        "Says what stands in a data directory and what of it is damaged; exit code 1 if anything is.",
        "/var/lib/stagemq",
      ),
    )
    .option("--repair", told("Repairs it, after saying what is lost by that.", ".stagemq --repair"))
    .option("--yes", told("Does not ask before repairing.", ".stagemq --repair --yes"))
    .option("--no-copy", told("Keeps no copy of what it removes.", ".stagemq --repair --no-copy"));
  addOutputFlags(command, "stagemq fsck .stagemq").action(async (directory: string, flags: FsckFlags) => {
    const { fsck } = await import("../commands/fsck.ts");
    endWith(await fsck(directory, flags, { host, door }));
  });
}
