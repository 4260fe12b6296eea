import { type ParseArgsConfig, parseArgs } from "node:util";

/** The flags of a script. A mistake is one sentence and exit code 2, as with the commands of stagemq; `numbers` must be whole. */
export function readWords<const Options extends NonNullable<ParseArgsConfig["options"]>>(
  options: Options,
  numbers: readonly (keyof Options & string)[],
) {
  try {
    const { values } = parseArgs({ options });
    for (const name of numbers) {
      const given = (values as Readonly<Record<string, unknown>>)[name];
      if (given !== undefined && !/^\d+$/.test(String(given))) throw new Error(`--${name} takes a whole number.`);
    }
    return values;
  } catch (error) {
    const known = Object.keys(options).map((name) => `--${name}`);
    console.error(`${error instanceof Error ? error.message : String(error)} Known here: ${known.join(", ")}.`);
    process.exit(2);
  }
}
