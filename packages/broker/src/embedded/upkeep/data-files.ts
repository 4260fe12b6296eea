import { StartError } from "../../domain/start-error.ts";
import { DATA_FORMAT } from "../../domain/version.ts";
import type { Disk, DiskLock } from "../../runtime/disk.ts";
import { DamagedJournal } from "../journal/damaged-journal.ts";
import { describeFormats, IDENTITY, type Identity, isSystemError, readIdentity } from "../journal/data-directory.ts";
import type { Position } from "../journal/fact.ts";
import { parseSegmentName, segmentName } from "../journal/segment.ts";
import { parseSnapshotName, snapshotName } from "../journal/snapshot-file.ts";

/** What of a data directory counts: the rest can be made anew. Numbers and positions ascend. */
export interface DataFiles {
  readonly identity: Identity | undefined;
  readonly snapshots: readonly Position[];
  readonly segments: readonly number[];
  /** All of them, in the order in which they may be copied while a broker runs: what they lean on comes after them. */
  readonly names: readonly string[];
}

/** Finds them; refuses a directory that holds nothing of ours, or what this stagemq cannot read (DUR-5). */
export async function findData(disk: Disk, directory: string, version: string): Promise<DataFiles> {
  const found = await disk.list(directory);
  const snapshots = found.map(parseSnapshotName).filter((position) => position !== undefined);
  const segments = found.map(parseSegmentName).filter((number) => number !== undefined);
  if (found.length === 0) throw new StartError(3, `${directory} is empty or does not exist.`);
  if (!found.includes(IDENTITY) && segments.length === 0) {
    throw new StartError(3, `${directory} holds no data of stagemq.`);
  }
  const identity = found.includes(IDENTITY) ? await identityOf(disk, directory) : undefined;
  if (identity !== undefined && identity.format !== DATA_FORMAT) {
    throw new StartError(5, `${describeFormats(directory, identity, version)}. Use that version.`);
  }
  const names = [
    ...(identity === undefined ? [] : [IDENTITY]),
    ...snapshots.map(snapshotName),
    ...segments.map(segmentName),
  ];
  return { identity, snapshots, segments, names };
}

/** Undefined where it is damaged. */
async function identityOf(disk: Disk, directory: string): Promise<Identity | undefined> {
  try {
    return await readIdentity(disk, directory);
  } catch (error) {
    if (error instanceof DamagedJournal) return undefined;
    throw error;
  }
}

/** Takes the lock of a directory that no broker may use meanwhile (DUR-4). */
export async function lockAlone(disk: Disk, directory: string): Promise<DiskLock> {
  const lock = await disk.lock(directory);
  if (lock.held) return lock;
  const holder = lock.pid === undefined ? "" : ` (pid ${lock.pid})`;
  throw new StartError(5, `${directory} is in use by stagemq${holder}. Stop it first.`);
}

/** Turns what the disk refuses under this directory into a sentence for a person. */
export async function saying<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new StartError(...describeRefusal(directory, error.code), { cause: error });
  }
}

function describeRefusal(directory: string, code: string): [exitCode: number, sentence: string] {
  switch (code) {
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return [4, `${directory}: not permitted (${code}).`];
    case "ENOSPC":
    case "EDQUOT":
      return [70, `No space left for ${directory}.`];
    case "ENOTDIR":
    case "EEXIST":
      return [2, `${directory} is not a directory.`];
    default:
      return [70, `The disk failed under ${directory} (${code}).`];
  }
}
