import type { Disk } from "../../runtime/disk.ts";
import { isSystemError } from "../journal/data-directory.ts";
import { type BackupFile, type BackupManifest, MANIFEST, readManifest } from "./backup-manifest.ts";
import { readThrough } from "./copy-file.ts";
import { describeDamage } from "./damage.ts";
import { saying } from "./data-files.ts";
import type { Findings } from "./findings.ts";
import { inspectData } from "./inspect-data.ts";
import { NOBODY_WATCHES, type Progress } from "./progress.ts";

export interface VerifiedBackup {
  readonly manifest: BackupManifest;
  /** What is wrong with it, in sentences; none where it is sound. */
  readonly faults: readonly string[];
  /** What it holds; absent where a file is missing or spoiled. */
  readonly findings: Findings | undefined;
}

/** Reads all of a backup: every file by its size and checksum, then what they hold, as a start would. */
export async function verifyBackup(
  disk: Disk,
  { target, version }: { readonly target: string; readonly version: string },
  progress: Progress = NOBODY_WATCHES,
): Promise<VerifiedBackup> {
  return await saying(target, async () => {
    const manifest = await readManifest(disk, target);
    progress.begin(manifest.files.reduce((sum, { bytes }) => sum + bytes, 0));
    const faults: string[] = [];
    for (const file of manifest.files) {
      const fault = await faultOf(disk, target, file, progress);
      if (fault !== undefined) faults.push(fault);
    }
    const known = new Set([MANIFEST, ...manifest.files.map(({ name }) => name)]);
    const others = (await disk.list(target)).filter((name) => !known.has(name));
    faults.push(...others.map((name) => `${name} does not belong to it`));
    if (faults.length > 0) return { manifest, faults, findings: undefined };
    const findings = await inspectData(disk, { directory: target, version });
    return { manifest, faults: findings.damages.map(describeDamage), findings };
  });
}

async function faultOf(
  disk: Disk,
  target: string,
  { name, bytes, checksum }: BackupFile,
  progress: Progress,
): Promise<string | undefined> {
  try {
    const there = await readThrough(disk, `${target}/${name}`, (chunk) => progress.add(chunk.length));
    if (there.bytes !== bytes) return `${name} has ${there.bytes} bytes; it had ${bytes}`;
    return there.checksum === checksum ? undefined : `${name} does not fit its checksum`;
  } catch (error) {
    if (isSystemError(error) && error.code === "ENOENT") return `${name} is missing`;
    throw error;
  }
}
