import type { CommanderError } from "commander";

/** What the command line's parser complains about, as a sentence of ours. */
export function describeUsageMistake({ code, message }: CommanderError): string {
  const [, quoted = ""] = /'([^']*)'/.exec(message) ?? [];
  const [, meant] = /Did you mean (?:one of )?([^\s,?)]+)/.exec(message) ?? [];
  const suggestion = meant === undefined ? "" : ` Did you mean ${meant}?`;
  if (code === "commander.unknownOption") return `Unknown option ${quoted.replace(/=.*/s, "")}.${suggestion}`;
  if (code === "commander.unknownCommand") return `Unknown command ${quoted}.${suggestion}`;
  if (code === "commander.optionMissingArgument") {
    const [flag = "", argument = ""] = quoted.split(" ");
    return `${flag} needs a value: ${argument.replace(/[<>]/g, "")}.`;
  }
  const sentence = message.replace(/^error: /, "");
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1).replace(/\.$/, "")}.`;
}
