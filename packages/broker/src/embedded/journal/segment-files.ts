import type { Disk, DiskFile } from "../../runtime/disk.ts";
import { Deferred } from "./deferred.ts";
import type { Position } from "./fact.ts";
import type { SegmentSpan } from "./journal.ts";
import { encodeSegmentHeader, type SegmentHeader, segmentName } from "./segment.ts";

/** Files of old segments that are kept open; more only while they are all being read. */
const MAX_OPEN = 16;

/** A segment that is to be read, whether its file is open or not. */
export class StoredSegment {
  readonly header: SegmentHeader;
  readonly #files: SegmentFiles;
  #pins = 0;
  #idle = new Deferred();

  constructor(files: SegmentFiles, header: SegmentHeader) {
    this.#files = files;
    this.header = header;
  }

  get isPinned(): boolean {
    return this.#pins > 0;
  }

  /** Resolves when nobody holds it any more, or `stopWaiting` was called. */
  get idle(): Promise<void> {
    return this.#idle.promise;
  }

  /** Keeps its file where it is until what comes back is called. */
  pin(): () => void {
    let isHeld = true;
    this.#pins += 1;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#pins -= 1;
      if (this.#pins === 0) this.stopWaiting();
    };
  }

  stopWaiting(): void {
    this.#idle.resolve();
    this.#idle = new Deferred();
  }

  /** As of a `DiskFile`. */
  async read(at: number, length: number): Promise<Buffer> {
    const unpin = this.pin();
    try {
      const file = await this.#files.open(this);
      return await file.read(at, length);
    } finally {
      unpin();
    }
  }
}

/** The segments of a journal, oldest first: which there are, which of their files are open, when one may go. */
export class SegmentFiles {
  readonly #disk: Disk;
  readonly #directory: string;
  #segments: StoredSegment[] = [];
  /** Of the newest segment. */
  #growing: DiskFile | undefined;
  /** Of older ones; the one used last stands last. */
  readonly #open = new Map<StoredSegment, Promise<DiskFile>>();
  #isStopping = false;

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
  }

  /** What a recovery has found, with the file of the last one. */
  take(headers: readonly SegmentHeader[], growing: DiskFile): void {
    this.#segments = headers.map((header) => new StoredSegment(this, header));
    this.#growing = growing;
  }

  get oldest(): StoredSegment | undefined {
    return this.#segments[0];
  }

  get newest(): StoredSegment | undefined {
    return this.#segments.at(-1);
  }

  /** The file of the newest segment. */
  get growing(): DiskFile {
    if (!this.#growing) throw new Error("There is no segment yet.");
    return this.#growing;
  }

  /** The segment with this position. */
  at(position: Position): StoredSegment | undefined {
    return this.#segments.findLast(({ header }) => header.base <= position);
  }

  numbered(number: number): StoredSegment | undefined {
    return this.#segments[number - (this.#segments[0]?.header.number ?? 0)];
  }

  /** Where it ends, if the newest one ends at `written`. */
  endOf(segment: StoredSegment, written: Position): Position {
    return this.numbered(segment.header.number + 1)?.header.base ?? written;
  }

  spans(written: Position): SegmentSpan[] {
    return this.#segments.map((segment) => ({
      number: segment.header.number,
      from: segment.header.base,
      to: this.endOf(segment, written),
    }));
  }

  /** Makes the file of a new segment with its header, not synced; removes what came of it where that fails. */
  async create(header: SegmentHeader): Promise<DiskFile> {
    const file = await this.#disk.open(this.#pathOf(header), "create");
    try {
      await file.append(encodeSegmentHeader(header));
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Goes on with a segment that was created and synced. */
  add(header: SegmentHeader, file: DiskFile): void {
    const last = this.newest;
    if (last && this.#growing) this.#open.set(last, Promise.resolve(this.#growing));
    this.#segments.push(new StoredSegment(this, header));
    this.#growing = file;
  }

  /** For a segment that is pinned. */
  async open(segment: StoredSegment): Promise<DiskFile> {
    if (segment === this.newest) return this.growing;
    const file = this.#open.get(segment) ?? this.#disk.open(this.#pathOf(segment.header), "read");
    this.#open.delete(segment);
    this.#open.set(segment, file);
    await this.#closeSome();
    return await file;
  }

  /** Deletes one for good, once nobody holds it; false where that was stopped. Nobody finds it any more. */
  async remove(segment: StoredSegment): Promise<boolean> {
    while (segment.isPinned && !this.#isStopping) await segment.idle;
    if (this.#isStopping) return false;
    this.#segments = this.#segments.filter((other) => other !== segment);
    const file = this.#open.get(segment);
    this.#open.delete(segment);
    await (await file)?.close();
    await this.#disk.remove(this.#pathOf(segment.header));
    // Before the next one goes: never is there a gap.
    await this.#disk.syncDirectory(this.#directory);
    return true;
  }

  /** Who waits to remove one waits no longer. */
  stopRemoving(): void {
    this.#isStopping = true;
    for (const segment of this.#segments) segment.stopWaiting();
  }

  async close(): Promise<void> {
    const files = [...this.#open.values(), ...(this.#growing ? [this.#growing] : [])];
    await Promise.allSettled(files.map(async (file) => (await file).close()));
  }

  async #closeSome(): Promise<void> {
    for (const [segment, file] of this.#open) {
      if (this.#open.size <= MAX_OPEN) return;
      if (segment.isPinned) continue;
      this.#open.delete(segment);
      await (await file).close();
    }
  }

  #pathOf({ number }: SegmentHeader): string {
    return `${this.#directory}/${segmentName(number)}`;
  }
}
