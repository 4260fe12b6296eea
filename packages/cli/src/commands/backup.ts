import { resolve } from "node:path";
import { describeSize } from "../describe-size.ts";
import { EXIT } from "../exit-codes.ts";
import type { Surroundings } from "../host.ts";
import { showProgress } from "../progress-bar.ts";
import { describeReport } from "./describe-report.ts";

export interface BackupFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Copies a data directory while a broker may use it. */
export async function createBackup(
  from: string,
  to: string,
  { json, quiet = false }: BackupFlags,
  { host, door }: Surroundings,
): Promise<number> {
  const [directory, target] = [resolve(host.directory, from), resolve(host.directory, to)];
  const progress = showProgress(host, { quiet });
  const backup = await door.createBackup(directory, target, host, progress).finally(progress.end);
  const bytes = backup.files.reduce((sum, file) => sum + file.bytes, 0);
  const begun = new Date(backup.begunAt).toISOString();
  host.answer(
    json
      ? `${JSON.stringify({ target, ...backup, begunAt: begun }, undefined, 2)}\n`
      : `${target}: ${describeSize(bytes)} in ${backup.files.length} files, all that was confirmed by ${begun}.\n`,
  );
  return EXIT.ok;
}

/** Says whether a backup is sound, and what it holds. */
export async function verifyBackup(
  given: string,
  { json, quiet = false }: BackupFlags,
  { host, door }: Surroundings,
): Promise<number> {
  const target = resolve(host.directory, given);
  const progress = showProgress(host, { quiet });
  const { faults, report } = await door.verifyBackup(target, host, progress).finally(progress.end);
  const sound = faults.length === 0;
  if (json) host.answer(`${JSON.stringify({ target, sound, faults, report }, undefined, 2)}\n`);
  else
    host.answer(`${faults.map((fault) => `${target}: ${fault}.\n`).join("")}${report ? describeReport(report) : ""}`);
  return sound ? EXIT.ok : EXIT.failure;
}

/** Makes a data directory of a backup. */
export async function restoreBackup(
  from: string,
  to: string,
  { json, quiet = false }: BackupFlags,
  { host, door }: Surroundings,
): Promise<number> {
  const [target, directory] = [resolve(host.directory, from), resolve(host.directory, to)];
  const progress = showProgress(host, { quiet });
  const report = { ...(await door.restoreBackup(target, directory, host, progress).finally(progress.end)), directory };
  host.answer(json ? `${JSON.stringify(report, undefined, 2)}\n` : describeReport(report));
  return EXIT.ok;
}
