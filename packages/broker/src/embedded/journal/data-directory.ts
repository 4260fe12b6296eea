import { crc32 } from "node:zlib";
import { StartError } from "../../domain/start-error.ts";
import type { EpochMs } from "../../domain/time.ts";
import { DATA_FORMAT } from "../../domain/version.ts";
import type { Disk, DiskLock } from "../../runtime/disk.ts";
import type { Random } from "../../runtime/random.ts";
import { DamagedJournal } from "./damaged-journal.ts";
import type { Position } from "./fact.ts";
import { parseSegmentName, SEGMENT_HEADER_BYTES } from "./segment.ts";
import { isUnfinishedSnapshot, parseSnapshotName } from "./snapshot-file.ts";
import { RESERVE_NAME } from "./space.ts";

/** The folder that holds one broker's data: whose it is, who holds it, and what in it is ours. */

export const IDENTITY = "stagemq-data.json";
const UNFINISHED_IDENTITY = "stagemq-data.json.new";
const SECRET_BYTES = 32;
/** Left behind by file systems and by the lock (DUR-4). */
export const NOT_DATA = /^(lost\+found|(new-)?lock-[0-9a-f]+)$/;

export interface DataDirectoryOptions {
  readonly directory: string;
  /** Of this stagemq. */
  readonly version: string;
  readonly clock: "system" | "simulated";
}

export interface DataDirectory {
  readonly secret: Uint8Array;
  /** Lets go of it; takes it away where it was made for nothing. */
  readonly leave: () => Promise<void>;
  /** Numbers of the segments that are there, ascending. */
  readonly segments: readonly number[];
  /** Positions of the snapshots that are there, ascending. */
  readonly snapshots: readonly Position[];
  /** Only of a directory that is new: makes it ours for good. After the first segment is there, before the first fact. */
  readonly sign?: () => Promise<void>;
}

/** Kept as JSON beside a checksum of the others. This form stays, so that every stagemq can name what it cannot read. */
export interface Identity {
  readonly format: number;
  readonly version: string;
  readonly clock: "system" | "simulated";
  readonly secret: string;
}

/** Takes the lock and finds out whose the directory is; refuses what RUN-1 names. */
export async function openDataDirectory(
  { disk, random }: { readonly disk: Disk; readonly random: Random },
  options: DataDirectoryOptions,
): Promise<DataDirectory> {
  const { directory } = options;
  return await refusing(disk, directory, async () => {
    const found = await disk.list(directory);
    refuseForeign(directory, found);
    // Until it is signed its name may not last, whoever made it.
    const isMade = !found.includes(IDENTITY) && (await disk.makeDirectory(directory));
    const lock = await takeLock(disk, directory);
    const leave = async (): Promise<void> => {
      await lock.release();
      if (isMade) await disk.removeDirectory(directory);
    };
    try {
      const names = await disk.list(directory);
      const segments = names.map(parseSegmentName).filter((number) => number !== undefined);
      if (names.includes(IDENTITY)) {
        const secret = checkIdentity(options, await readIdentity(disk, directory));
        await disk.restrict(directory);
        const snapshots = names.map(parseSnapshotName).filter((position) => position !== undefined);
        return { secret, leave, segments, snapshots };
      }
      await removeFirstAttempt(disk, directory, names);
      await disk.restrict(directory);
      const secret = random.bytes(SECRET_BYTES);
      return { secret, leave, segments: [], snapshots: [], sign: () => writeIdentity(disk, options, secret) };
    } catch (error) {
      await leave();
      throw error;
    }
  });
}

export interface DataDescription {
  readonly bytes: number;
  readonly lastWrittenAt: EpochMs;
}

/**
 * Removes what stagemq wrote, and nothing else, once `agrees` has seen what it is. Holds the lock from before the question to the
 * end. False: it was to stay. True: it is gone, or was never there.
 */
export async function removeData(
  disk: Disk,
  directory: string,
  agrees: (found: DataDescription) => Promise<boolean> = async () => true,
): Promise<boolean> {
  return await refusing(disk, directory, async () => {
    const found = await disk.list(directory);
    refuseForeign(directory, found);
    if (!found.some(isData)) return true;
    const lock = await takeLock(disk, directory);
    try {
      const names = (await disk.list(directory)).filter(isData);
      if (!(await agrees(await describeFiles(disk, directory, names)))) return false;
      // Segments before the identity: a reset cut short leaves damage that the next reset removes, never foreign files.
      const segments = names.filter((name) => parseSegmentName(name) !== undefined);
      // Snapshots before segments: with one, a start would not miss the oldest ones.
      const doomed = [...names.filter(isSnapshot), ...segments, RESERVE_NAME, UNFINISHED_IDENTITY, IDENTITY];
      for (const name of doomed) await disk.remove(`${directory}/${name}`);
      await disk.syncDirectory(directory);
      return true;
    } finally {
      await lock.release();
    }
  });
}

async function describeFiles(disk: Disk, directory: string, names: readonly string[]): Promise<DataDescription> {
  const told = names.filter((name) => name !== RESERVE_NAME);
  const stats = await Promise.all(told.map((name) => disk.stat(`${directory}/${name}`)));
  return {
    bytes: stats.reduce((sum, { bytes }) => sum + bytes, 0),
    lastWrittenAt: Math.max(0, ...stats.map(({ modifiedAt }) => modifiedAt)),
  };
}

function isData(name: string): boolean {
  return (
    name === RESERVE_NAME ||
    name === IDENTITY ||
    name === UNFINISHED_IDENTITY ||
    parseSegmentName(name) !== undefined ||
    isSnapshot(name)
  );
}

/** Also one that is not finished. */
function isSnapshot(name: string): boolean {
  return parseSnapshotName(name) !== undefined || isUnfinishedSnapshot(name);
}

function refuseForeign(directory: string, names: readonly string[]): void {
  if (names.includes(IDENTITY) || names.every((name) => isData(name) || NOT_DATA.test(name))) return;
  throw new StartError(
    5,
    `${directory} holds files that stagemq did not write. Use a new or empty directory: --data DIR.`,
  );
}

async function takeLock(disk: Disk, directory: string): Promise<DiskLock> {
  const lock = await disk.lock(directory);
  if (lock.held) return lock;
  const holder = lock.pid === undefined ? "" : ` (pid ${lock.pid})`;
  throw new StartError(
    5,
    `${directory} is in use by another stagemq${holder}. Stop it, or use another directory: --data DIR.`,
  );
}

/** A first start that was cut short leaves at most a segment without facts; anything more has lost its identity. */
async function removeFirstAttempt(disk: Disk, directory: string, names: readonly string[]): Promise<void> {
  for (const name of names.filter(isData)) {
    const path = `${directory}/${name}`;
    const isSegment = parseSegmentName(name) !== undefined;
    if (isSnapshot(name) || (isSegment && (await disk.stat(path)).bytes > SEGMENT_HEADER_BYTES)) {
      throw new DamagedJournal(directory, `${IDENTITY} is missing`);
    }
  }
  for (const name of names.filter(isData)) await disk.remove(`${directory}/${name}`);
}

export async function readIdentity(disk: Disk, directory: string): Promise<Identity> {
  const file = await disk.open(`${directory}/${IDENTITY}`, "read");
  try {
    const text = (await file.read(0, 4_096)).toString("utf8");
    const { checksum, ...identity } = JSON.parse(text);
    if (checksum !== checksumOf(identity)) throw new Error("It does not fit its checksum.");
    return identity;
  } catch (error) {
    if (isSystemError(error)) throw error;
    throw new DamagedJournal(directory, IDENTITY, { cause: error });
  } finally {
    await file.close();
  }
}

function checkIdentity({ directory, version, clock }: DataDirectoryOptions, identity: Identity): Uint8Array {
  if (identity.format !== DATA_FORMAT) {
    const formats = describeFormats(directory, identity, version);
    throw new StartError(5, `${formats}. Start that version, or use another directory: --data DIR.`);
  }
  // TIM-4: times that were advanced by hand mean nothing to the system's clock, and the other way round.
  if (identity.clock !== clock) {
    throw new StartError(
      5,
      `${directory} was made with --clock ${identity.clock} and opens only with it. Start with --clock ${identity.clock}, or use another directory: --data DIR.`,
    );
  }
  return Uint8Array.from(Buffer.from(identity.secret, "hex"));
}

/** DUR-5: both formats, for whoever has to find the stagemq that fits. */
export function describeFormats(directory: string, identity: Identity, version: string): string {
  const written = `data format ${identity.format}, written by stagemq ${identity.version}`;
  return `${directory} has ${written}; this is ${version} and reads format ${DATA_FORMAT}`;
}

async function writeIdentity(disk: Disk, options: DataDirectoryOptions, secret: Uint8Array): Promise<void> {
  const identity: Identity = {
    format: DATA_FORMAT,
    version: options.version,
    clock: options.clock,
    secret: Buffer.from(secret).toString("hex"),
  };
  const unfinished = `${options.directory}/${UNFINISHED_IDENTITY}`;
  const file = await disk.open(unfinished, "create");
  try {
    await file.append(
      Buffer.from(`${JSON.stringify({ ...identity, checksum: checksumOf(identity) }, undefined, 2)}\n`),
    );
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(unfinished, `${options.directory}/${IDENTITY}`);
  await disk.syncDirectory(options.directory);
}

function checksumOf(identity: object): number {
  return crc32(JSON.stringify(identity));
}

export function isSystemError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}

/** Turns what the disk refuses into a sentence for a person (RUN-1). */
export async function refusing<T>(disk: Disk, directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw await asRefusal(disk, directory, error);
  }
}

/** An error of the disk as a sentence for a person (RUN-1); any other as it is. */
export async function asRefusal(disk: Disk, directory: string, error: unknown): Promise<unknown> {
  if (!isSystemError(error)) return error;
  return new StartError(...(await describeRefusal(disk, directory, error)), { cause: error });
}

/** DUR-3: `what` says how much there is, and how much there must be. */
export function noSpaceLeft(directory: string, what: string): StartError {
  return new StartError(70, `No space left for ${directory}: ${what}. ${FREE_SOME}`);
}

const FREE_SOME = "Free some, or use another directory: --data DIR.";

async function describeRefusal(
  disk: Disk,
  directory: string,
  error: Error & { code: string },
): Promise<[exitCode: number, sentence: string]> {
  switch (error.code) {
    case "EACCES":
    case "EPERM":
    case "EROFS": {
      const who = error.code === "EROFS" ? undefined : await disk.ownership(directory).catch(() => undefined);
      const isForeign = who && who.owner !== who.self;
      const why = isForeign ? `it belongs to uid ${who.owner}, stagemq runs as uid ${who.self}` : "not permitted";
      const cure = isForeign ? "Change its owner, or use" : "Use";
      return [4, `Cannot write to ${directory}: ${why}. ${cure} another directory: --data DIR.`];
    }
    case "ENOSPC":
    case "EDQUOT":
      return [70, `No space left for ${directory}. ${FREE_SOME}`];
    case "ENOTDIR":
    case "EEXIST":
      return [2, `${directory} is not a directory. Use another one: --data DIR.`];
    default:
      return [70, `The disk failed under ${directory} (${error.code}). Use another directory: --data DIR.`];
  }
}
