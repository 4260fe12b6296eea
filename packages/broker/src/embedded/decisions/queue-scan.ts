import type { TagFilter } from "../../domain/tag-filter.ts";
import type { Offset } from "../journal/fact.ts";
import { joinRanges, type OffsetRange, type PollMemory, type Scan } from "../poll-memory.ts";
import type { MessageQueue } from "../state/message-queue.ts";
import type { OffsetRanges } from "../state/offset-ranges.ts";
import type { TagSet } from "../state/tag-set.ts";

/** A poll's filter, and which messages nobody else may still want. */
export interface ScanFilter {
  readonly filter: TagFilter;
  /** Undefined for everything. */
  readonly wanted: TagSet | undefined;
  /** Of the group's other filters of late (TAG-2); undefined when one of them wants everything. */
  readonly wantedByOthers: TagSet | undefined;
}

/** Looks at the new messages of one message queue, oldest first, on behalf of one poll (TAG-2, ORD-7). */
export class QueueScan {
  readonly queue: number;
  readonly #messages: MessageQueue;
  readonly #filter: ScanFilter;
  readonly #pending: readonly OffsetRange[];
  #pendingIndex = 0;
  readonly #offsets: Iterator<Offset>;
  readonly #passedOver: [Offset, Offset][] = [];
  #next: Offset | undefined;
  #isAtEnd = false;
  #scannedTo: Offset;
  /** Behind the last message that was taken. */
  #takenTo: Offset;

  constructor(queue: number, messages: MessageQueue, ready: OffsetRanges, filter: ScanFilter, memory: PollMemory) {
    this.queue = queue;
    this.#messages = messages;
    this.#filter = filter;
    this.#pending = memory.pendingOf(queue);
    this.#scannedTo = memory.scannedTo(queue, filter.filter);
    this.#takenTo = this.#scannedTo;
    this.#offsets = ready.between(this.#scannedTo, messages.end)[Symbol.iterator]();
  }

  /** The next new message that matches. Looks no further than that, and only when asked: what nobody reached is not passed over. */
  get next(): Offset | undefined {
    if (this.#next === undefined && !this.#isAtEnd) this.#advance();
    return this.#next;
  }

  /** Takes `next`. */
  take(): void {
    this.#takenTo = (this.#next ?? this.#takenTo) + 1;
    this.#next = undefined;
  }

  /**
   * What the polls after this one should know, and the ranges to write down, if it is time to. A poll that was given all it asked for
   * has reached nothing behind its last message, however far was looked: that is passed over by nobody (TAG-2).
   */
  finish(delivers: boolean, wantedMore: boolean, memory: PollMemory): { scan: Scan; ranges: readonly OffsetRange[] } {
    const scannedTo = wantedMore ? (this.#next ?? this.#scannedTo) : this.#takenTo;
    const passedOver = this.#passedOver.filter(([from]) => from < scannedTo);
    const count = passedOver.reduce((sum, [from, to]) => sum + to - from, 0);
    const ranges = joinRanges(this.#pending, passedOver);
    const wrote = ranges.length > 0 && (delivers || memory.mustWrite(this.queue, count));
    return { scan: { queue: this.queue, scannedTo, passedOver, wrote }, ranges: wrote ? ranges : [] };
  }

  #advance(): void {
    for (;;) {
      const { done, value: offset } = this.#offsets.next();
      if (done) {
        this.#isAtEnd = true;
        this.#scannedTo = Math.max(this.#scannedTo, this.#messages.end);
        return;
      }
      this.#scannedTo = offset + 1;
      if (this.#isPending(offset)) continue;
      if (this.#matches(offset, this.#filter.wanted)) {
        this.#next = offset;
        return;
      }
      if (!this.#matches(offset, this.#filter.wantedByOthers)) this.#passOver(offset);
    }
  }

  #matches(offset: Offset, tags: TagSet | undefined): boolean {
    return tags === undefined || this.#messages.hasOneOf(tags, offset);
  }

  /** Asked with ascending offsets, as the ranges are. */
  #isPending(offset: Offset): boolean {
    while ((this.#pending[this.#pendingIndex]?.[1] ?? Number.POSITIVE_INFINITY) <= offset) this.#pendingIndex++;
    return (this.#pending[this.#pendingIndex]?.[0] ?? Number.POSITIVE_INFINITY) <= offset;
  }

  #passOver(offset: Offset): void {
    const last = this.#passedOver.at(-1);
    if (last !== undefined && last[1] === offset) last[1] = offset + 1;
    else this.#passedOver.push([offset, offset + 1]);
  }
}
