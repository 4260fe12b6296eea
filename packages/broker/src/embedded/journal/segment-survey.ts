import type { Disk } from "../../runtime/disk.ts";
import { DamagedJournal, describeBytes } from "./damaged-journal.ts";
import { decodeSegmentHeader, SEGMENT_HEADER_BYTES, type SegmentHeader, segmentName } from "./segment.ts";

/** A segment whose header holds. */
export interface FoundSegment {
  readonly header: SegmentHeader;
  readonly bytes: number;
}

/** The newest segment, begun and not yet in use: its header never got to the disk. */
export interface UnbegunSegment {
  readonly number: number;
  readonly bytes: number;
}

export interface Survey {
  /** At least one, without a gap, up to the newest. */
  readonly found: readonly FoundSegment[];
  readonly unbegun: UnbegunSegment | undefined;
}

/**
 * Reads the header of every segment. Those before segment `replaysFrom`, of which the replay sees nothing, have to follow on
 * each other; the others are left to it.
 */
export async function surveySegments(
  disk: Disk,
  directory: string,
  numbers: readonly number[],
  replaysFrom: number,
): Promise<Survey> {
  checkNumbers(directory, numbers, replaysFrom);
  const found: FoundSegment[] = [];
  for (const number of numbers) {
    const { header, bytes } = await readHead(disk, directory, number);
    // The header is on disk before the first group is written: without one there never was a group.
    if (!header && found.length > 0 && number === numbers.at(-1) && bytes <= SEGMENT_HEADER_BYTES) {
      return { found, unbegun: { number, bytes } };
    }
    if (header?.number !== number) throw damagedHead(directory, number);
    const before = found.at(-1);
    if (before && number <= replaysFrom) checkFollows(directory, before, header);
    found.push({ header, bytes });
  }
  return { found, unbegun: undefined };
}

/** Only the first ones may be gone, and of those that are replayed none. */
function checkNumbers(directory: string, numbers: readonly number[], replaysFrom: number): void {
  const first = Math.min(numbers[0] ?? replaysFrom, replaysFrom);
  for (let number = first; number <= Math.max(replaysFrom, numbers.at(-1) ?? 0); number++) {
    if (numbers[number - first] !== number) throw new DamagedJournal(directory, `segment ${number} is missing`);
  }
}

/** The header of a segment, if it holds. */
export async function readHead(
  disk: Disk,
  directory: string,
  number: number,
): Promise<{ readonly header: SegmentHeader | undefined; readonly bytes: number }> {
  const file = await disk.open(`${directory}/${segmentName(number)}`, "read");
  try {
    return { header: decodeSegmentHeader(await file.read(0, SEGMENT_HEADER_BYTES)), bytes: await file.size() };
  } finally {
    await file.close();
  }
}

function checkFollows(directory: string, before: FoundSegment, header: SegmentHeader): void {
  const { number, base } = before.header;
  const length = header.base - base;
  if (before.bytes < length) throw new DamagedJournal(directory, describeBytes(number, before.bytes, length));
  if (before.bytes > length || header.sequence < before.header.sequence) throw damagedHead(directory, header.number);
}

function damagedHead(directory: string, number: number): DamagedJournal {
  return new DamagedJournal(directory, describeBytes(number, 0, SEGMENT_HEADER_BYTES));
}
