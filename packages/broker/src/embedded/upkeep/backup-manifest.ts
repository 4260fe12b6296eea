import { crc32 } from "node:zlib";
import { MIB } from "../../domain/size.ts";
import { StartError } from "../../domain/start-error.ts";
import type { EpochMs } from "../../domain/time.ts";
import type { Disk } from "../../runtime/disk.ts";
import type { CopiedFile } from "./copy-file.ts";

/** Written last: a backup without it is not finished. */
export const MANIFEST = "stagemq-backup.json";

const MAX_BYTES = 16 * MIB;
const MANIFEST_FORMAT = 1;

export interface BackupManifest {
  readonly format: typeof MANIFEST_FORMAT;
  /** Of the stagemq that made the backup. */
  readonly version: string;
  /** All that was confirmed before is in it. */
  readonly begunAt: EpochMs;
  readonly clock: "system" | "simulated";
  readonly files: readonly BackupFile[];
}

export interface BackupFile extends CopiedFile {
  readonly name: string;
}

/** Only names as a data directory has them: a manifest is no way out of the backup. */
const PLAIN_NAME = /^[a-z0-9][a-z0-9.-]*$/;

export async function writeManifest(
  disk: Disk,
  target: string,
  manifest: Omit<BackupManifest, "format">,
): Promise<void> {
  const content: BackupManifest = { format: MANIFEST_FORMAT, ...manifest };
  const file = await disk.open(`${target}/${MANIFEST}`, "create");
  try {
    await file.append(Buffer.from(`${JSON.stringify({ ...content, checksum: checksumOf(content) }, undefined, 2)}\n`));
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.syncDirectory(target);
}

/** Refuses what is no backup, or none that was finished. */
export async function readManifest(disk: Disk, target: string): Promise<BackupManifest> {
  if (!(await disk.list(target)).includes(MANIFEST)) {
    throw new StartError(3, `${target} holds no finished backup: ${MANIFEST} is missing.`);
  }
  const file = await disk.open(`${target}/${MANIFEST}`, "read");
  try {
    const { checksum, ...content } = JSON.parse((await file.read(0, MAX_BYTES)).toString("utf8"));
    const { format, files } = content as BackupManifest;
    const isSound = checksum === checksumOf(content) && files.every(({ name }) => PLAIN_NAME.test(name));
    if (isSound && format === MANIFEST_FORMAT) return content;
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
  } finally {
    await file.close();
  }
  throw new StartError(1, `Damaged backup in ${target}: ${MANIFEST} cannot be read.`);
}

function checksumOf(content: object): number {
  return crc32(JSON.stringify(content));
}
