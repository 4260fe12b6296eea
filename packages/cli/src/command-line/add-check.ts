import type { CheckFlags } from "../commands/decide-ends.ts";
import { addClientFlags } from "./add-client-flags.ts";
import { type CommandLine, helpOf, withExample } from "./command-line.ts";

export function addCheck({ program, host, endWith }: CommandLine): void {
  const told = (sentence: string, words: string) => withExample(sentence, `stagemq check payments ${words}`);
  const command = program
    .command("check")
    .description(
      told("Shows the half messages that the broker asks about, and ends their transactions.", "--group GID_payments"),
    )
    .helpOption(...helpOf("stagemq check"))
    .argument("<topic>", "The topic.")
    .option("-g, --group <ID>", told("The producer group; it is needed.", "--group GID_payments"))
    .option(
      "--commit [ID...]",
      told("Commits all that it shows, or those with these message ids.", "--group GID_payments --commit"),
    )
    .option(
      "--rollback [ID...]",
      told("Rolls back all that it shows, or those with these message ids.", "--group GID_payments --rollback"),
    )
    .option(
      "--wait <SPAN>",
      told(
        "How long to wait for the first, 0s to 30s; each is asked about every 10 s. Default: 12s.",
        "--group GID_payments --wait 30s",
      ),
    )
    .option("--yes", told("Does not ask before it ends them.", "--group GID_payments --rollback --yes"));
  addClientFlags(command, "stagemq check payments --group GID_payments").action(
    async (topic: string, flags: CheckFlags) => {
      const { check } = await import("../commands/check.ts");
      endWith(await check(topic, flags, host));
    },
  );
}
