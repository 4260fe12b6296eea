import { access } from "node:fs/promises";
import { resolve } from "node:path";
import { StartError } from "../domain/start-error.ts";
import type { Config } from "./config.ts";
import {
  type Command,
  flagOf,
  OPTION_NAMES,
  OPTIONS,
  type OptionName,
  type OptionValues,
  variableOf,
} from "./options.ts";
import { type Asked, type ConfigInput, findContradictions, type ReadFile, toConfig } from "./to-config.ts";
import { didYouMean, type ValueType } from "./value-type.ts";

export type { Config, DeclaredKey, Warning } from "./config.ts";
export type { ConfigInput } from "./to-config.ts";

const DEFAULT_FILE = "stagemq.yaml";
const EXIT = { usage: 2, notFound: 3, denied: 4 };

/** Flag before environment before file before default. Throws a StartError that names every mistake at once (RUN-1). */
export async function loadConfig(input: ConfigInput): Promise<Config> {
  const flags = readValues((name) => input.flags[name], flagOf);
  const environment = readValues((name) => input.environment[variableOf(name)] || undefined, variableOf);
  const file = await readFile(input, flags.values.config ?? environment.values.config);
  const asked = { flags: flags.values, environment: environment.values, file: file?.options ?? {} };
  const values = settle(input.command, asked);

  const contradictions = findContradictions({ input, asked, values, file });
  const usage = [...flags.mistakes, ...environment.mistakes, ...contradictions];
  const inFile = file?.mistakes ?? [];
  if (usage.length + inFile.length > 0)
    throw new StartError(EXIT.usage, [...usage, ...inFile, ...countOf(file)].join("\n"));
  return toConfig({ input, asked, values, file });
}

async function readFile(input: ConfigInput, named: string | undefined): Promise<ReadFile | undefined> {
  const name = named ?? DEFAULT_FILE;
  const path = resolve(input.directory, name);
  try {
    await access(path);
    // Only now: its libraries take longer to load than everything else.
    const { readConfigFile } = await import("./config-file.ts");
    return { ...readConfigFile({ path, name, environment: input.environment }), name, path };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const from = input.flags.config === undefined ? variableOf("config") : flagOf("config");
    if (code === "ENOENT" && named === undefined) return undefined;
    if (code === "ENOENT") throw new StartError(EXIT.notFound, `${name} does not exist (${from}).`);
    if (code === "EACCES") throw new StartError(EXIT.denied, `Cannot read ${name}: not permitted (${from}).`);
    if (code === "EISDIR") throw new StartError(EXIT.usage, `${name} is a directory, not a file (${from}).`);
    throw error;
  }
}

function readValues(
  givenFor: (name: OptionName) => string | boolean | undefined,
  sayName: (name: OptionName) => string,
) {
  const values: Partial<Record<OptionName, unknown>> = {};
  const mistakes: string[] = [];
  for (const name of OPTION_NAMES) {
    const given = givenFor(name);
    if (given === undefined) continue;
    const type: ValueType<unknown> = OPTIONS[name].type;
    const value = type.read(String(given));
    if (value === undefined) {
      const meant = didYouMean(String(given), type.words);
      mistakes.push(`${sayName(name)} is ${JSON.stringify(given)}; it must be ${type.mustBe}.${meant}`);
    } else {
      values[name] = value;
    }
  }
  return { values: values as Partial<OptionValues>, mistakes };
}

function settle(command: Command, { flags, environment, file }: Asked): OptionValues {
  const defaults = Object.fromEntries(OPTION_NAMES.map((name) => [name, OPTIONS[name].default[command]]));
  return { ...(defaults as unknown as OptionValues), ...file, ...environment, ...flags };
}

function countOf(file: ReadFile | undefined): string[] {
  const count = file?.mistakes.length ?? 0;
  return count === 0 ? [] : [`${count} ${count === 1 ? "mistake" : "mistakes"} in ${file?.name}; not started.`];
}
