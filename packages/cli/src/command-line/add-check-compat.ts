import type { CheckCompatFlags } from "../commands/check-compat.ts";
import { type CommandLine, helpOf, withExample } from "./command-line.ts";

export function addCheckCompat({ program, host, endWith }: CommandLine): void {
  const told = (sentence: string, words: string) =>
    withExample(sentence, `stagemq check-compat http://127.0.0.1:4876 ${words}`);
  program
    .command("check-compat")
    .description(
      told("Holds an endpoint, ours or the cloud's, against the wire's checklist, and prints what differs.", "--yes"),
    )
    .helpOption(...helpOf("stagemq check-compat"))
    .argument("<url>", "The endpoint: http://HOST:PORT.")
    .option("--instance <ID>", told("The instance of the topics. Default: none is named.", "--instance MQ_INST_dev"))
    .option("--topics <PREFIX>", told("What the four topics begin with. Default: stagemq_compat.", "--topics try"))
    .option("--group <ID>", told("The group; another ends with _2. Default: GID_stagemq_compat.", "--group GID_try"))
    .option("--yes", told("Publishes without asking.", "--yes"))
    .option("--json", told("Prints every item as JSON.", "--yes --json"))
    .allowExcessArguments(false)
    .action(async (url: string, flags: CheckCompatFlags) => {
      const { checkCompat } = await import("../commands/check-compat.ts");
      endWith(await checkCompat(url, flags, host));
    });
}
