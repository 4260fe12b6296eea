import { StartError } from "../../domain/start-error.ts";
import type { Disk } from "../../runtime/disk.ts";
import { IDENTITY } from "../journal/data-directory.ts";
import { copyFile } from "./copy-file.ts";
import { makeEmptyDirectory } from "./create-backup.ts";
import { lockAlone, saying } from "./data-files.ts";
import type { Findings } from "./findings.ts";
import type { Progress } from "./progress.ts";
import { verifyBackup } from "./verify-backup.ts";

/** Makes a data directory of a backup, which is verified first. */
export async function restoreBackup(
  disk: Disk,
  { target, directory, version }: { readonly target: string; readonly directory: string; readonly version: string },
  progress: Progress,
): Promise<Findings> {
  const { manifest, faults, findings } = await verifyBackup(disk, { target, version });
  if (findings === undefined || faults.length > 0) {
    throw new StartError(1, `Damaged backup in ${target}: ${faults.join("; ")}. Nothing was restored.`);
  }
  return await saying(directory, async () => {
    await makeEmptyDirectory(disk, directory);
    const lock = await lockAlone(disk, directory);
    try {
      progress.begin(manifest.files.reduce((sum, { bytes }) => sum + bytes, 0));
      // The identity last: what is cut short never opens as if it were all.
      const identityLast = [...manifest.files].sort(
        (a, b) => Number(a.name === IDENTITY) - Number(b.name === IDENTITY),
      );
      for (const { name, checksum } of identityLast) {
        if (name === IDENTITY) await disk.syncDirectory(directory);
        const copy = await copyFile(disk, `${target}/${name}`, `${directory}/${name}`, {
          tell: (bytes) => progress.add(bytes),
        });
        if (copy.checksum !== checksum) {
          throw new StartError(70, `${target}/${name} changed while it was read. ${directory} is not complete.`);
        }
      }
      await disk.syncDirectory(directory);
    } finally {
      await lock.release();
    }
    return findings;
  });
}
