/** What people write because other programs take it, as this command line has it: `help send` is `send --help`. */
export function fromHabit(args: readonly string[], commands: readonly string[]): readonly string[] {
  const [first = "", ...rest] = args;
  if (["-V", "version"].includes(first)) return ["--version", ...rest];
  if (first !== "help") return args;
  const [command] = rest;
  // A command that is not there is refused by its name, not explained.
  return command === undefined || commands.includes(command) ? [...rest, "--help"] : rest;
}
