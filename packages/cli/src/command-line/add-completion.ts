import { EXIT } from "../exit-codes.ts";
import { type CommandLine, helpOf, withExample } from "./command-line.ts";

/** The second command is for the shell: it asks for what may follow the words that stand there. */
export function addCompletion({ program, host, endWith }: CommandLine): void {
  program
    .command("completion")
    .description(
      withExample(
        "Prints what makes a shell complete the words of stagemq.",
        "stagemq completion bash > ~/.stagemq-completion.bash",
      ),
    )
    .helpOption(...helpOf("stagemq completion"))
    .argument("<shell>", "bash, zsh, fish or powershell; bash needs the package bash-completion.")
    .allowExcessArguments(false)
    .action(async (shell: string) => {
      const { printCompletion } = await import("../commands/completion.ts");
      endWith(printCompletion(shell, host));
    });
  program
    .command("complete", { hidden: true })
    .argument("[words...]")
    .action(async (words: readonly string[]) => {
      const { printProposals } = await import("../commands/completion.ts");
      printProposals(words, program);
      endWith(EXIT.ok);
    });
}
