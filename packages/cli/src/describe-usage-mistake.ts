import type { CommanderError } from "commander";

/** What the command line's parser complains about, as a sentence of ours. */
export function describeUsageMistake({ code, message }: CommanderError, flags: readonly string[]): string {
  const [, quoted = ""] = /'([^']*)'/.exec(message) ?? [];
  const given = quoted.replace(/=.*/s, "");
  const [, meant] = /Did you mean (?:one of )?([^\s,?)]+)/.exec(message) ?? [];
  const suggestion = meant === undefined ? "" : ` Did you mean ${meant}?`;
  if (code === "commander.unknownOption")
    return flags.includes(given) ? `${given} takes no value.` : `Unknown option ${given}.${suggestion}`;
  if (code === "commander.unknownCommand") return `Unknown command ${quoted}.${suggestion}`;
  if (code === "commander.optionMissingArgument") {
    const [, flag = "", argument = ""] = /(--\S+) <(.+)>/.exec(quoted) ?? [];
    return `${flag} needs a value: ${argument}.`;
  }
  if (code === "commander.excessArguments") {
    const takesWords = !message.includes("Expected 0 arguments");
    return `There is a word too many: ${takesWords ? "put what has spaces into quotes" : "only flags may follow the command"}.`;
  }
  const sentence = message.replace(/^error: /, "");
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1).replace(/\.$/, "")}.`;
}
