import type { Config } from "./config/config.ts";
import type { ConfigInput } from "./config/to-config.ts";
import type {
  BackupDescription,
  Broker,
  DataDescription,
  DataReport,
  ProcessIdentity,
  Progress,
  RepairProposal,
  RepairRequest,
  Surroundings,
} from "./main.ts";

/** The door of the broker as a library. What it is made of is loaded when it is asked for: `--version` need not wait for it. */

export type { Config } from "./config/config.ts";
export { FLAGS } from "./config/options.ts";
export { StartError } from "./domain/start-error.ts";
export { DATA_FORMAT, VERSION } from "./domain/version.ts";
export type { BackupDescription, Broker, DataReport, Progress, RepairProposal, Surroundings } from "./main.ts";

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

/** Reads a data directory that no broker uses, and says what is there and what of it is damaged (DUR-1). */
export async function inspectDirectory(
  directory: string,
  identity: ProcessIdentity,
  progress: Progress,
): Promise<DataReport> {
  const main = await import("./main.ts");
  return main.inspectDirectory(directory, identity, progress);
}

/** Repairs a data directory that no broker uses, once `agrees` has seen what is lost by it; undefined: it did not agree. */
export async function repairDirectory(
  request: RepairRequest,
  surroundings: Surroundings,
  agrees: (proposal: RepairProposal) => Promise<boolean>,
): Promise<DataReport | undefined> {
  const main = await import("./main.ts");
  return main.repairDirectory(request, surroundings, agrees);
}

/** Copies a data directory, also one that a broker uses. Rejects with a StartError where that cannot be. */
export async function createBackup(
  directory: string,
  target: string,
  identity: ProcessIdentity,
  progress: Progress,
): Promise<BackupDescription> {
  const main = await import("./main.ts");
  return main.backUp(directory, target, identity, progress);
}

/** Reads all of a backup: what is wrong with it, and what it holds where nothing is. */
export async function verifyBackup(
  target: string,
  identity: ProcessIdentity,
  progress: Progress,
): Promise<{ readonly faults: readonly string[]; readonly report: DataReport | undefined }> {
  const main = await import("./main.ts");
  return main.verify(target, identity, progress);
}

/** Makes a data directory of a backup, which is verified first. */
export async function restoreBackup(
  target: string,
  directory: string,
  identity: ProcessIdentity,
  progress: Progress,
): Promise<DataReport> {
  const main = await import("./main.ts");
  return main.restore(target, directory, identity, progress);
}
