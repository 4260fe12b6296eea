import type { TopicRef } from "../../domain/names.ts";
import { MIB } from "../../domain/size.ts";
import type { Disk } from "../../runtime/disk.ts";
import { UnreadableBytes } from "../journal/binary.ts";
import type { Fact, Id, Position } from "../journal/fact.ts";
import { segmentName } from "../journal/segment.ts";
import { SegmentReader } from "../journal/segment-reader.ts";
import type { FoundSegment } from "../journal/segment-survey.ts";
import type { Ledger } from "../state/ledger.ts";
import { livingBefore, type MessagePlace } from "../state/living.ts";
import { type StoredMessage, storedMessageIn, toDeadLetter } from "../stored-message.ts";
import type { Range } from "./damage.ts";

/** A message that somebody may still be given, and that stands, itself or its dead letter, in bytes that are damaged. */
export interface Alive {
  readonly topic: TopicRef;
  /** As `message-copied-forward` names it. */
  readonly use: { readonly topic: Id } & MessagePlace;
  /** Of the damaged bytes in question. */
  readonly at: Position;
  /** Undefined where it is lost. */
  readonly content: StoredMessage | undefined;
}

const BLOCKS_BYTES = MIB;

/** Everything in these ranges of the journal that the ledger still counts on. One frame of a damaged group may be sound. */
export async function findAlive(
  disk: Disk,
  directory: string,
  segments: readonly FoundSegment[],
  ledger: Ledger,
  ranges: readonly Range[],
): Promise<Alive[]> {
  const end = ranges.reduce((last, { to }) => Math.max(last, to), 0);
  const isGone = (position: Position): boolean => ranges.some(({ from, to }) => position >= from && position < to);
  const reader = new SegmentReader(BLOCKS_BYTES);
  const read = (position: Position): Promise<Fact | undefined> => readFact(disk, directory, segments, position, reader);
  const readStored = async (position: Position): Promise<StoredMessage | undefined> => {
    const fact = await read(position);
    return fact && storedMessageIn(fact);
  };
  const alive: Alive[] = [];
  for (const { topic: id, place, position } of livingBefore(ledger, end)) {
    const topic = ledger.topicById(id);
    if (topic === undefined) continue;
    const found = { topic: topic.ref, use: { topic: id, ...place } };
    const letter = topic.isDeadLetterTopic ? await read(position) : undefined;
    if (letter?.kind !== "message-dead-lettered") {
      if (isGone(position)) alive.push({ ...found, at: position, content: await readStored(position) });
      continue;
    }
    const at = [position, letter.storedAt].find(isGone);
    if (at === undefined) continue;
    const stored = await readStored(letter.storedAt);
    alive.push({ ...found, at, content: stored && toDeadLetter(stored, letter, ledger) });
  }
  return alive;
}

/** The fact at a position; undefined where its frame does not hold. */
async function readFact(
  disk: Disk,
  directory: string,
  segments: readonly FoundSegment[],
  position: Position,
  reader: SegmentReader,
): Promise<Fact | undefined> {
  const segment = segments.findLast(({ header }) => header.base <= position);
  if (segment === undefined) return undefined;
  const { header, bytes } = segment;
  const file = await disk.open(`${directory}/${segmentName(header.number)}`, "read");
  try {
    const readable = { header, read: (at: number, length: number) => file.read(at, length) };
    return await reader.read(readable, position, header.base + bytes);
  } catch (error) {
    if (error instanceof UnreadableBytes) return undefined;
    throw error;
  } finally {
    await file.close();
  }
}
