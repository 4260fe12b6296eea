import { crc32 } from "node:zlib";
import { MIB } from "../../domain/size.ts";
import type { DiskFile } from "../../runtime/disk.ts";
import { decodeGroupHeader, GROUP_HEADER_BYTES, type GroupHeader, type SegmentHeader } from "./segment.ts";

const WINDOW_BYTES = MIB;

/** What the next group of the chain must say of itself. */
export interface ChainLink {
  readonly sequence: number;
  /** Checksum of the group before it. */
  readonly previous: number;
}

/** A group as it stands in its segment, header and frames; it holds, and continues the chain. */
export interface ReadGroup {
  readonly sort: "group";
  readonly header: GroupHeader & { readonly checksum: number };
  /** Offsets in the segment. */
  readonly offset: number;
  readonly end: number;
  readonly bytes: Buffer;
}

/** Bytes that are no group of the chain; `end` is as far as they reach for all that is known. */
export interface BadBytes {
  readonly sort: "bad";
  readonly offset: number;
  readonly end: number;
}

/**
 * Reads one group after the other from a segment, as long as they hold. Asks the disk for a window at a time, so that a
 * turn of the loop never has more than that, or one group, to check.
 */
export class GroupReader {
  readonly #header: SegmentHeader;
  readonly #file: Pick<DiskFile, "read">;
  readonly #to: number;
  #window: Buffer = Buffer.alloc(0);
  #windowAt = 0;
  #isCutShort = false;
  /** Where the next group begins. */
  offset: number;
  link: ChainLink;

  /** From the offset `from`, where a group begins that is to fit `link`, to the offset `to`. */
  constructor(
    segment: { readonly header: SegmentHeader; readonly file: Pick<DiskFile, "read"> },
    { from, to, link }: { readonly from: number; readonly to: number; readonly link: ChainLink },
  ) {
    this.#header = segment.header;
    this.#file = segment.file;
    this.#to = to;
    this.offset = from;
    this.link = link;
  }

  get isAtEnd(): boolean {
    return this.offset >= this.#to;
  }

  /** The next group, or what stands in its place; undefined: `load` first. Not to be asked at the end. */
  next(): ReadGroup | BadBytes | undefined {
    const { offset } = this;
    if (!this.#holds(GROUP_HEADER_BYTES)) return undefined;
    const place = { seed: this.#header.seed, position: this.#header.base + offset };
    const header = decodeGroupHeader(this.#window, offset - this.#windowAt, place);
    if (!header) return { sort: "bad", offset, end: this.#to };
    const end = offset + GROUP_HEADER_BYTES + header.length;
    if (header.sequence !== this.link.sequence || header.previous !== this.link.previous || end > this.#to) {
      return { sort: "bad", offset, end: Math.min(end, this.#to) };
    }
    if (!this.#holds(end - offset)) return undefined;
    const bytes = this.#window.subarray(offset - this.#windowAt, end - this.#windowAt);
    const frames = bytes.subarray(GROUP_HEADER_BYTES);
    if (frames.length < header.length || crc32(frames) !== header.frames) return { sort: "bad", offset, end };
    this.offset = end;
    this.link = { sequence: header.sequence + 1, previous: header.checksum };
    return { sort: "group", header, offset, end, bytes };
  }

  /** Reads on in the file. */
  async load(): Promise<void> {
    const { offset } = this;
    // Of a group whose header is there, and holds, it is the rest that is missing.
    const group = this.#holds(GROUP_HEADER_BYTES)
      ? GROUP_HEADER_BYTES + this.#window.readUInt32LE(offset - this.#windowAt + 4)
      : 0;
    const asked = Math.min(Math.max(group, WINDOW_BYTES), this.#to - offset);
    this.#window = await this.#file.read(offset, asked);
    this.#windowAt = offset;
    this.#isCutShort = this.#window.length < asked;
  }

  /** What the file does not have is not waited for: it is bad. */
  #holds(length: number): boolean {
    const end = Math.min(this.offset + length, this.#to);
    return this.#isCutShort || end <= this.#windowAt + this.#window.length;
  }
}
