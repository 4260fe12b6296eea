import type { Config } from "./config/config.ts";
import type { ConfigInput } from "./config/to-config.ts";
import type { Broker, DataDescription, ProcessIdentity, Surroundings } from "./main.ts";

/** The door of the broker as a library. What it is made of is loaded when it is asked for: `--version` need not wait for it. */

export type { Config } from "./config/config.ts";
export { FLAGS } from "./config/options.ts";
export { StartError } from "./domain/start-error.ts";
export { DATA_FORMAT, VERSION } from "./domain/version.ts";
export type { Broker, Surroundings } from "./main.ts";

/** What flags, environment and file ask for together. Rejects with a StartError that names every mistake. */
export async function loadConfig(input: ConfigInput): Promise<Config> {
  const config = await import("./config/load-config.ts");
  return config.loadConfig(input);
}

/** Starts a broker. Rejects with a StartError where that cannot succeed (RUN-1). */
export async function startBroker(config: Config, surroundings: Surroundings): Promise<Broker> {
  const main = await import("./main.ts");
  return main.startBroker(config, surroundings);
}

/** Deletes what stagemq wrote into a directory, once `agrees` has seen what it is. False: it was to stay. */
export async function resetData(
  directory: string,
  identity: ProcessIdentity,
  agrees: (found: DataDescription) => Promise<boolean>,
): Promise<boolean> {
  const main = await import("./main.ts");
  return main.resetData(directory, identity, agrees);
}
