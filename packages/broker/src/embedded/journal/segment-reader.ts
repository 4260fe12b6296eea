import { KIB } from "../../domain/size.ts";
import type { DiskFile } from "../../runtime/disk.ts";
import { UnreadableBytes } from "./binary.ts";
import type { Fact, Position } from "./fact.ts";
import { endOfFrame, FRAME_HEADER_BYTES, readFrame } from "./frame.ts";
import type { SegmentHeader } from "./segment.ts";

const BLOCK_BYTES = 64 * KIB;

/** A segment, and its bytes. */
export interface ReadableSegment extends Pick<DiskFile, "read"> {
  readonly header: SegmentHeader;
}

/** Reads single frames back. Neighbours are mostly read together, so it reads whole blocks and keeps the newest ones. */
export class SegmentReader {
  readonly #maxBlocks: number;
  /** By the block's position; the one that somebody waited for last stands last. */
  readonly #blocks = new Map<Position, Block>();

  constructor(maxBytes: number) {
    this.#maxBlocks = Math.max(1, Math.floor(maxBytes / BLOCK_BYTES));
  }

  /** The fact at `position` in this segment, where a block that was read before has all of it. */
  readAtOnce({ header }: ReadableSegment, position: Position): Fact | undefined {
    const start = (position - header.base) % BLOCK_BYTES;
    const bytes = this.#blocks.get(position - start)?.bytes;
    return bytes && isWhole(bytes, start) ? readFrame(bytes, start) : undefined;
  }

  /** The fact at `position` in this segment, of which the bytes before `written` are there for good. */
  async read(segment: ReadableSegment, position: Position, written: Position): Promise<Fact> {
    const { base } = segment.header;
    const at = position - base;
    const blockAt = at - (at % BLOCK_BYTES);
    const block = await this.#block(segment, base + blockAt, blockAt, written);
    const start = at - blockAt;
    if (isWhole(block, start)) return readFrame(block, start);
    const head = await segment.read(at, FRAME_HEADER_BYTES);
    if (head.length < FRAME_HEADER_BYTES) throw new UnreadableBytes("A frame is not all there.");
    const length = endOfFrame(head, 0);
    if (position + length > written) throw new UnreadableBytes("A frame leads beyond the end.");
    return readFrame(await segment.read(at, length), 0);
  }

  async #block(segment: ReadableSegment, position: Position, at: number, written: Position): Promise<Buffer> {
    // The last block still grows.
    if (position + BLOCK_BYTES > written) return await segment.read(at, written - position);
    const block = this.#blocks.get(position) ?? readBlock(segment, at);
    this.#blocks.delete(position);
    this.#blocks.set(position, block);
    for (const oldest of this.#blocks.keys()) {
      if (this.#blocks.size <= this.#maxBlocks) break;
      this.#blocks.delete(oldest);
    }
    return block.bytes ?? (await block.reading);
  }
}

interface Block {
  readonly reading: Promise<Buffer>;
  /** Once it was read. */
  bytes: Buffer | undefined;
}

function readBlock(segment: ReadableSegment, at: number): Block {
  const reading = segment.read(at, BLOCK_BYTES).then((bytes) => {
    block.bytes = bytes;
    return bytes;
  });
  const block: Block = { reading, bytes: undefined };
  return block;
}

/** Whether all of the frame that begins at `start` is there. */
function isWhole(bytes: Buffer, start: number): boolean {
  return start + FRAME_HEADER_BYTES <= bytes.length && endOfFrame(bytes, start) <= bytes.length;
}
