import { StartError } from "../../domain/start-error.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Disk } from "../../runtime/disk.ts";
import { IDENTITY, isSystemError, NOT_DATA } from "../journal/data-directory.ts";
import { type BackupFile, type BackupManifest, MANIFEST, writeManifest } from "./backup-manifest.ts";
import { copyFile } from "./copy-file.ts";
import { describeDamage } from "./damage.ts";
import { type DataFiles, findData, saying } from "./data-files.ts";
import { inspectData } from "./inspect-data.ts";
import type { Progress } from "./progress.ts";

/** A retention that deletes faster than this is not waited for. */
const MAX_ATTEMPTS = 5;

export type BackupDescription = Omit<BackupManifest, "format">;

export interface BackupOptions {
  readonly directory: string;
  readonly target: string;
  /** Of this stagemq. */
  readonly version: string;
}

/**
 * Copies a data directory while a broker may use it, and without its help: segments only grow, and the end of the copy is
 * at worst a torn one, which a start cuts (DUR-1). What was confirmed before it began is in it.
 */
export async function createBackup(
  { disk, clock }: { readonly disk: Disk; readonly clock: Clock },
  options: BackupOptions,
  progress: Progress,
): Promise<BackupDescription> {
  const { directory, target, version } = options;
  const begunAt = clock.wall();
  await saying(directory, () => findData(disk, directory, version));
  if (`${target}/`.startsWith(`${directory}/`)) {
    throw new StartError(2, `${target} lies in the data directory itself. Put the copy somewhere else.`);
  }
  return await saying(target, async () => {
    await makeEmptyDirectory(disk, target);
    for (let attempt = 1; ; attempt++) {
      const copied = await copyAll(disk, options, progress).catch(async (error) => {
        await removeCopies(disk, target);
        throw error;
      });
      if (copied !== undefined) {
        const { clock: madeWith, files } = copied;
        const manifest = { version, begunAt, clock: madeWith, files };
        await writeManifest(disk, target, manifest);
        return manifest;
      }
      await removeCopies(disk, target);
      if (attempt === MAX_ATTEMPTS) {
        throw new StartError(
          1,
          `${directory} changes faster than it can be copied. Try again, or stop the broker first.`,
        );
      }
    }
  });
}

/** Undefined where what was there when it began has gone before it was copied. */
async function copyAll(
  disk: Disk,
  { directory, target, version }: BackupOptions,
  progress: Progress,
): Promise<Pick<BackupManifest, "clock" | "files"> | undefined> {
  const found = await findData(disk, directory, version);
  if (found.identity === undefined) throw new StartError(1, `Damaged data in ${directory}: ${IDENTITY}. ${LOOK_AT_IT}`);
  const files: BackupFile[] = [];
  try {
    const sizes = await Promise.all(found.names.map((name) => disk.stat(`${directory}/${name}`)));
    progress.begin(sizes.reduce((sum, { bytes }) => sum + bytes, 0));
    for (const name of found.names) {
      const copy = await copyFile(disk, `${directory}/${name}`, `${target}/${name}`, {
        tell: (bytes) => progress.add(bytes),
      });
      files.push({ name, ...copy });
    }
    await disk.syncDirectory(target);
  } catch (error) {
    if (isSystemError(error) && error.code === "ENOENT") return undefined;
    throw error;
  }
  if (!(await isStillThere(disk, directory, version, found))) return undefined;
  const { damages } = await inspectData(disk, { directory: target, version });
  const [first] = damages;
  if (first === undefined) return { clock: found.identity.clock, files };
  // A broker that started meanwhile may have cut what was being copied: the original decides.
  const original = await inspectData(disk, { directory, version });
  if (original.damages.length === 0) return undefined;
  throw new StartError(1, `Damaged data in ${directory}: ${describeDamage(first)}. ${LOOK_AT_IT}`);
}

const LOOK_AT_IT = "Look at it: stagemq fsck DIR.";

/** Whether the directory has not been made anew meanwhile. */
async function isStillThere(disk: Disk, directory: string, version: string, { identity }: DataFiles): Promise<boolean> {
  const now = await findData(disk, directory, version);
  return now.identity?.secret === identity?.secret;
}

/** Makes a directory (0700) that is to hold copies; refuses one with files in it. */
export async function makeEmptyDirectory(disk: Disk, directory: string): Promise<void> {
  const found = (await disk.list(directory)).filter((name) => !NOT_DATA.test(name));
  if (found.length > 0) throw new StartError(5, `${directory} is not empty. Use a new or empty directory.`);
  await disk.makeDirectory(directory);
  await disk.restrict(directory);
}

async function removeCopies(disk: Disk, target: string): Promise<void> {
  for (const name of await disk.list(target)) {
    if (!NOT_DATA.test(name) && name !== MANIFEST) await disk.remove(`${target}/${name}`);
  }
}
