import { crc32 } from "node:zlib";
import type { Disk, DiskFile } from "../../runtime/disk.ts";
import type { Log } from "../../runtime/log.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { DamagedJournal, describeBytes } from "./damaged-journal.ts";
import type { Position } from "./fact.ts";
import { decodeFact } from "./fact-codec.ts";
import { endOfFrame, FRAME_HEADER_BYTES } from "./frame.ts";
import type { Recorded } from "./journal.ts";
import { ReplayProgress } from "./replay-progress.ts";
import {
  decodeGroupHeader,
  decodeSegmentHeader,
  GROUP_HEADER_BYTES,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentName,
} from "./segment.ts";

/** Reads a journal from its beginning, and tells a torn tail, which it cuts, from damage, which it only names (DUR-1). */

const WINDOW_BYTES = 1_024 * 1_024;
const MAX_SLICE = 2_000;

/** A segment as the journal goes on with it. */
export interface Segment {
  readonly header: SegmentHeader;
  readonly file: DiskFile;
}

/** Where the journal goes on. */
export interface Recovered {
  readonly segments: readonly Segment[];
  readonly end: Position;
  readonly sequence: number;
  /** Checksum of the last group. */
  readonly previous: number;
  /** The last group is a quiet header. */
  readonly quiet: boolean;
}

/** The chain of groups as far as it was followed. */
interface Chain {
  end: Position;
  sequence: number;
  previous: number;
  quiet: boolean;
  /** Of the newest segment, what no header says is synced. */
  unsynced: Piece[];
}

/** Bytes of a segment as they were read and checked. */
interface Piece {
  readonly offset: number;
  readonly bytes: Buffer;
}

export async function* recover(
  { disk, log, clock }: Runtime,
  directory: string,
  numbers: readonly number[],
): AsyncGenerator<readonly Recorded[], Recovered> {
  // The first segment was there before the directory was signed.
  if (numbers.length === 0) throw new DamagedJournal(directory, "segment 1 is missing");
  const chain: Chain = { end: 0, sequence: 0, previous: 0, quiet: true, unsynced: [] };
  const segments: Segment[] = [];
  const files = await openAll(disk, directory, numbers);
  const progress = new ReplayProgress(
    clock,
    log,
    files.reduce((sum, { bytes }) => sum + bytes, 0),
  );
  try {
    for (const [index, { number, file, bytes }] of files.entries()) {
      if (number !== index + 1) throw new DamagedJournal(directory, `segment ${index + 1} is missing`);
      const isLast = index === files.length - 1;
      const headerBytes = await file.read(0, SEGMENT_HEADER_BYTES);
      const header = decodeSegmentHeader(headerBytes);
      if (!header && isLast && index > 0 && bytes <= SEGMENT_HEADER_BYTES) {
        // The header is on disk before the first group is written: without one there never was a group.
        await removeSegment(disk, log, directory, number, bytes, file);
        break;
      }
      if (!header || !continues(header, number, chain)) {
        throw new DamagedJournal(directory, describeBytes(number, 0, SEGMENT_HEADER_BYTES));
      }
      segments.push({ header, file });
      chain.end += SEGMENT_HEADER_BYTES;
      // Every segment but the last was synced before the next was begun.
      chain.unsynced = [{ offset: 0, bytes: headerBytes }];
      const stop = yield* readGroups(directory, header, file, bytes, chain, progress);
      if (stop === undefined) continue;
      // Of a segment that was synced as a whole: no search.
      if (!isLast) throw new DamagedJournal(directory, describeBytes(number, stop.offset, stop.end));
      const later = await findConfirmation(header, file, bytes, stop.offset);
      if (later !== undefined) {
        throw new DamagedJournal(directory, describeBytes(number, stop.offset, Math.min(stop.end, later)));
      }
      await file.truncate(stop.offset);
      sayCut(log, directory, number, stop.offset, bytes - stop.offset);
    }
    await keepForGood(segments.at(-1)?.file, chain.unsynced);
    await disk.syncDirectory(directory);
    const { end, sequence, previous, quiet } = chain;
    return { segments, end, sequence, previous, quiet };
  } catch (error) {
    await Promise.allSettled(files.map(({ file }) => file.close()));
    throw error;
  }
}

/**
 * What a killed process left may be in the page cache only; from here on it counts as synced. After a failed sync a
 * second one would succeed without having written anything (DUR-2), so the bytes are written anew: over themselves, as
 * some of them may have been confirmed. The sync also makes the cut last before anything is appended (DUR-1).
 */
async function keepForGood(file: DiskFile | undefined, unsynced: readonly Piece[]): Promise<void> {
  const [first] = unsynced;
  if (!file || !first) return;
  await file.overwrite(first.offset, Buffer.concat(unsynced.map(({ bytes }) => bytes)));
  await file.sync();
}

interface SegmentFile {
  readonly number: number;
  readonly file: DiskFile;
  readonly bytes: number;
}

async function openAll(disk: Disk, directory: string, numbers: readonly number[]): Promise<SegmentFile[]> {
  const files: SegmentFile[] = [];
  for (const number of numbers) {
    const path = `${directory}/${segmentName(number)}`;
    const file = await disk.open(path, number === numbers.at(-1) || number === numbers.at(-2) ? "append" : "read");
    files.push({ number, file, bytes: await file.size() });
  }
  return files;
}

async function removeSegment(
  disk: Disk,
  log: Log,
  directory: string,
  number: number,
  bytes: number,
  file: DiskFile,
): Promise<void> {
  await file.close();
  await disk.remove(`${directory}/${segmentName(number)}`);
  sayCut(log, directory, number, 0, bytes);
}

function sayCut(log: Log, directory: string, number: number, offset: number, bytes: number): void {
  const file = `${directory}/${segmentName(number)}`;
  const sentence = `cut ${bytes.toLocaleString("en-US")} bytes of a write that was never confirmed`;
  log.write("warn", "journal.cut", { sentence, file, offset, bytes });
}

function continues(header: SegmentHeader, number: number, chain: Chain): boolean {
  return (
    header.number === number &&
    header.base === chain.end &&
    header.sequence === chain.sequence &&
    header.previous === chain.previous
  );
}

/** Reads groups while they hold and moves the chain along; returns the bad bytes it met, or nothing at a clean end. */
async function* readGroups(
  directory: string,
  { number, base, seed }: SegmentHeader,
  file: DiskFile,
  bytes: number,
  chain: Chain,
  progress: ReplayProgress,
): AsyncGenerator<readonly Recorded[], { offset: number; end: number } | undefined> {
  let window: Buffer = Buffer.alloc(0);
  let windowAt = 0;
  let slice: Recorded[] = [];
  let offset = SEGMENT_HEADER_BYTES;
  const holds = (length: number) => offset + length <= windowAt + window.length;
  const move = async (length: number) => {
    window = await file.read(offset, Math.min(Math.max(length, WINDOW_BYTES), bytes - offset));
    windowAt = offset;
  };
  while (offset < bytes) {
    if (!holds(GROUP_HEADER_BYTES)) await move(GROUP_HEADER_BYTES);
    const place = { seed, position: base + offset };
    const header = decodeGroupHeader(window, offset - windowAt, place);
    if (!header) return yield* stopAt(slice, offset, bytes);
    const end = offset + GROUP_HEADER_BYTES + header.length;
    if (header.sequence !== chain.sequence || header.previous !== chain.previous || end > bytes) {
      return yield* stopAt(slice, offset, Math.min(end, bytes));
    }
    if (!holds(end - offset)) await move(end - offset);
    const start = offset - windowAt + GROUP_HEADER_BYTES;
    const frames = window.subarray(start, start + header.length);
    if (frames.length < header.length || crc32(frames) !== header.frames) return yield* stopAt(slice, offset, end);
    try {
      readFrames(frames, place.position + GROUP_HEADER_BYTES, slice);
    } catch (cause) {
      throw new DamagedJournal(directory, describeBytes(number, offset, end), { cause });
    }
    chain.end = base + end;
    chain.sequence = header.sequence + 1;
    chain.previous = header.checksum;
    chain.quiet = header.length === 0;
    while (chain.unsynced[0] && base + chain.unsynced[0].offset < header.syncedTo) chain.unsynced.shift();
    chain.unsynced.push({ offset, bytes: window.subarray(offset - windowAt, end - windowAt) });
    progress.moveTo(chain.end);
    if (slice.length >= MAX_SLICE) {
      progress.count(slice.length);
      yield slice;
      slice = [];
    }
    offset = end;
  }
  progress.count(slice.length);
  if (slice.length > 0) yield slice;
  return undefined;
}

async function* stopAt(
  slice: readonly Recorded[],
  offset: number,
  end: number,
): AsyncGenerator<readonly Recorded[], { offset: number; end: number }> {
  if (slice.length > 0) yield slice;
  return { offset, end };
}

/** The group's checksum covers its frames: theirs need not be looked at one by one. */
function readFrames(frames: Buffer, position: Position, into: Recorded[]): void {
  for (let at = 0; at < frames.length; ) {
    const end = endOfFrame(frames, at);
    into.push({ fact: decodeFact(frames, at + FRAME_HEADER_BYTES, end), position: position + at });
    at = end;
  }
}

/**
 * Looks for a group header behind bad bytes that says they were synced. A bad length leads nowhere, so the search goes
 * byte by byte. Returns the offset of that header.
 */
async function findConfirmation(
  { base, seed }: SegmentHeader,
  file: DiskFile,
  bytes: number,
  bad: number,
): Promise<number | undefined> {
  for (let windowAt = bad + 1; windowAt < bytes; windowAt += WINDOW_BYTES) {
    const window = await file.read(windowAt, WINDOW_BYTES + GROUP_HEADER_BYTES - 1);
    const last = Math.min(WINDOW_BYTES, window.length - GROUP_HEADER_BYTES + 1);
    for (let at = 0; at < last; at++) {
      const header = decodeGroupHeader(window, at, { seed, position: base + windowAt + at });
      if (header && header.syncedTo > base + bad) return windowAt + at;
    }
  }
  return undefined;
}
