import type { TopicRef } from "../../domain/names.ts";
import type { Disk } from "../../runtime/disk.ts";
import { UnreadableBytes } from "../journal/binary.ts";
import type { Fact, Id, MessageCopiedForward, MessageDeadLettered, Offset, Position } from "../journal/fact.ts";
import { endOfFrame, FRAME_HEADER_BYTES, readFrame } from "../journal/frame.ts";
import { type SegmentHeader, segmentName } from "../journal/segment.ts";
import type { Ledger } from "../state/ledger.ts";

/** A message that somebody may still be given, and that stands, itself or its dead letter, in bytes that are damaged. */
export interface Alive {
  readonly topic: TopicRef;
  readonly use: Use;
  /** Of the damaged bytes in question. */
  readonly at: Position;
  /** Undefined where it is lost. */
  readonly content: Content | undefined;
}

/** As `message-copied-forward` names it. */
export type Use =
  | { readonly topic: Id; readonly queue: number; readonly offset: Offset }
  | { readonly topic: Id; readonly delayed: Id }
  | { readonly topic: Id; readonly half: Id };

export type Content = Pick<MessageCopiedForward, "messageId" | "message" | "publishedAt" | "deadLetter">;

interface StoredSegment {
  readonly header: SegmentHeader;
  readonly bytes: number;
}

interface Range {
  readonly from: Position;
  readonly to: Position;
}

/** Everything in these ranges of the journal that the ledger still counts on. One frame of a damaged group may be sound. */
export async function findAlive(
  disk: Disk,
  directory: string,
  segments: readonly StoredSegment[],
  ledger: Ledger,
  ranges: readonly Range[],
): Promise<Alive[]> {
  if (ranges.length === 0) return [];
  const isGone = (position: Position): boolean => ranges.some(({ from, to }) => position >= from && position < to);
  const read = (position: Position): Promise<Fact | undefined> => readFact(disk, directory, segments, position);
  const alive: Alive[] = [];
  for (const { topic, use, position, isDeadLetter } of usesBefore(ledger, ranges)) {
    if (!isDeadLetter) {
      if (isGone(position)) alive.push({ topic, use, at: position, content: contentOf(await read(position)) });
      continue;
    }
    const letter = await read(position);
    const storedAt = letter?.kind === "message-dead-lettered" ? letter.storedAt : position;
    const at = [position, storedAt].find(isGone);
    if (at === undefined) continue;
    const stored = contentOf(storedAt === position ? letter : await read(storedAt));
    const content = stored && letter ? deadLetterOf(stored, letter, ledger) : undefined;
    alive.push({ topic, use, at, content });
  }
  return alive;
}

interface Used {
  readonly topic: TopicRef;
  readonly use: Use;
  readonly position: Position;
  readonly isDeadLetter: boolean;
}

/** What stands before the end of the last range. */
function* usesBefore(ledger: Ledger, ranges: readonly Range[]): Generator<Used> {
  const end = ranges.reduce((last, { to }) => (to > last ? to : last), 0);
  for (const { id: topic, ref, queues, half, isDeadLetterTopic: isDeadLetter } of ledger.topics()) {
    for (const [queue, messages] of queues.entries()) {
      for (const offset of messages.standingBefore(end)) {
        yield { topic: ref, use: { topic, queue, offset }, position: messages.positionOf(offset), isDeadLetter };
      }
    }
    for (const { id, position, state } of half.all()) {
      // Of an ended transaction only the outcome counts.
      if (state === "committed" || state === "rolled-back") continue;
      yield { topic: ref, use: { topic, half: id }, position, isDeadLetter: false };
    }
  }
  for (const { id, topic, position } of ledger.delayed.all()) {
    const ref = ledger.topicById(topic)?.ref;
    if (ref !== undefined) yield { topic: ref, use: { topic, delayed: id }, position, isDeadLetter: false };
  }
}

function contentOf(fact: Fact | undefined): Content | undefined {
  switch (fact?.kind) {
    case "message-stored":
    case "delayed-message-stored":
    case "half-message-stored":
      return { messageId: fact.messageId, message: fact.message, publishedAt: fact.publishedAt };
    case "message-copied-forward": {
      const { messageId, message, publishedAt, deadLetter } = fact;
      return { messageId, message, publishedAt, ...(deadLetter === undefined ? {} : { deadLetter }) };
    }
    default:
      return undefined;
  }
}

/** DLQ-4: a dead letter tells where it comes from. */
function deadLetterOf(content: Content, letter: Fact, ledger: Ledger): Content {
  if (letter.kind !== "message-dead-lettered") return content;
  const { topic, reason, attempts }: MessageDeadLettered = letter;
  const name = ledger.topicById(topic)?.ref.topic ?? "";
  return { ...content, deadLetter: { topic: name, messageId: content.messageId, reason, attempts } };
}

/** The fact at a position; undefined where its frame does not hold. */
async function readFact(
  disk: Disk,
  directory: string,
  segments: readonly StoredSegment[],
  position: Position,
): Promise<Fact | undefined> {
  const segment = segments.findLast(({ header }) => header.base <= position);
  if (segment === undefined) return undefined;
  const at = position - segment.header.base;
  const file = await disk.open(`${directory}/${segmentName(segment.header.number)}`, "read");
  try {
    const head = await file.read(at, FRAME_HEADER_BYTES);
    if (head.length < FRAME_HEADER_BYTES || at + endOfFrame(head, 0) > segment.bytes) return undefined;
    return readFrame(await file.read(at, endOfFrame(head, 0)), 0);
  } catch (error) {
    if (error instanceof UnreadableBytes) return undefined;
    throw error;
  } finally {
    await file.close();
  }
}
