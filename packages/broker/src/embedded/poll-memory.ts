import { EVERYTHING, type TagFilter } from "../domain/tag-filter.ts";
import type { DurationMs, EpochMs } from "../domain/time.ts";
import type { MessagesPassedOver, Offset, Position } from "./journal/fact.ts";
import type { Subscription } from "./state/subscription.ts";

/** `[from, to)`. */
export type OffsetRange = readonly [from: Offset, to: Offset];

/** What a poll saw of one message queue, for the polls after it. */
export interface Scan {
  readonly queue: number;
  /** Below it nothing that is ready matches the poll's filter. */
  readonly scannedTo: Offset;
  /** Found by this poll to match no filter, ascending. */
  readonly passedOver: readonly OffsetRange[];
  /** Whether this poll's facts hold all that was passed over and not yet written down. */
  readonly wrote: boolean;
}

interface QueueMemory {
  readonly scannedTo: Map<string, Offset>;
  /** Passed over, but not yet a fact (TAG-2). */
  pending: OffsetRange[];
  pendingCount: number;
  pendingSince: EpochMs;
}

/**
 * What the broker remembers of a subscription's polls and may forget: whose turn it is, which filters it saw, how far each
 * has looked. Not in the ledger, because no fact says it.
 */
export class PollMemory {
  /** Where the fact stands with which the subscription began; absent when that was before this start of the broker. */
  startedAt: Position | undefined;
  /** The message queue that the next batch begins with (ORD-4). */
  turn = 0;
  /** What new messages have coming to them, for the places that went to retries while they waited (DEL-12). */
  owedToNews = 0;
  readonly #subscription: Subscription;
  readonly #filters = new Map<string, { readonly filter: TagFilter; readonly usedAt: EpochMs }>();
  readonly #queues = new Map<number, QueueMemory>();
  readonly #nothingDueBy = new Map<string, number>();
  /** Filters of polls that wait, and how many of each. */
  readonly #held = new Map<string, number>();
  #someForgottenUntil: EpochMs = Number.NEGATIVE_INFINITY;
  #orderedAt: EpochMs = Number.NEGATIVE_INFINITY;
  #plainAt: EpochMs = Number.NEGATIVE_INFINITY;
  /** DEL-15 and ORD-8 are said once. */
  readonly said = new Set<string>();

  constructor(subscription: Subscription) {
    this.#subscription = subscription;
  }

  /** When what was passed over must be written down at the latest (TAG-2). */
  get nextAt(): EpochMs {
    let at = Number.POSITIVE_INFINITY;
    for (const { pending, pendingSince } of this.#queues.values()) {
      if (pending.length > 0) at = Math.min(at, pendingSince + MAX_PENDING_FOR);
    }
    return at;
  }

  /** Notes that a filter is in use, and forgets those that were not for `memory` (TAG-2). */
  useFilter(filter: TagFilter, now: EpochMs, memory: DurationMs): void {
    // The newest stand last. A client that invents filters must not fill the memory: the oldest go.
    this.#filters.delete(filter.text);
    this.#filters.set(filter.text, { filter, usedAt: now });
    for (const [text, { usedAt }] of this.#filters) {
      if (this.#held.has(text)) continue;
      const isRecent = now - usedAt <= memory;
      if (isRecent && this.#filters.size <= MAX_FILTERS) break;
      if (isRecent) this.#someForgottenUntil = usedAt + memory;
      this.#filters.delete(text);
      this.#nothingDueBy.delete(text);
      for (const queue of this.#queues.values()) queue.scannedTo.delete(text);
    }
  }

  /** A poll with this filter waits: until `release` it is in use, however long that takes. */
  hold({ text }: TagFilter): void {
    this.#held.set(text, (this.#held.get(text) ?? 0) + 1);
  }

  release(filter: TagFilter, now: EpochMs, memory: DurationMs): void {
    const others = (this.#held.get(filter.text) ?? 1) - 1;
    if (others > 0) this.#held.set(filter.text, others);
    else this.#held.delete(filter.text);
    this.useFilter(filter, now, memory);
  }

  /** The filters of late but this one. While one too many is forgotten, whatever it wanted is left alone: everything. */
  otherFilters(than: TagFilter, now: EpochMs): readonly TagFilter[] {
    if (now <= this.#someForgottenUntil) return [EVERYTHING];
    return [...this.#filters.values()].map(({ filter }) => filter).filter(({ text }) => text !== than.text);
  }

  /** Notes a poll's sort; true when the other sort was used within `memory` (ORD-8). */
  useSort(ordered: boolean, now: EpochMs, memory: DurationMs): boolean {
    if (ordered) this.#orderedAt = now;
    else this.#plainAt = now;
    return now - (ordered ? this.#plainAt : this.#orderedAt) <= memory;
  }

  scannedTo(queue: number, filter: TagFilter): Offset {
    return this.#queues.get(queue)?.scannedTo.get(filter.text) ?? 0;
  }

  /** Of how many arrivals among what is due this filter matched none. */
  nothingDueBy(filter: TagFilter): number | undefined {
    return this.#nothingDueBy.get(filter.text);
  }

  pendingOf(queue: number): readonly OffsetRange[] {
    return this.#queues.get(queue)?.pending ?? [];
  }

  /** TAG-2: what was passed over is written down with the next delivery, or when enough has gathered; else at `nextAt`. */
  mustWrite(queue: number, passedOver: number): boolean {
    return passedOver + (this.#queues.get(queue)?.pendingCount ?? 0) >= MAX_PENDING;
  }

  /** What was passed over and is not written down, as facts, once. */
  writeDown(): MessagesPassedOver[] {
    const { topic, group } = this.#subscription;
    const facts: MessagesPassedOver[] = [];
    for (const [queue, memory] of this.#queues) {
      if (memory.pending.length === 0) continue;
      facts.push({ kind: "messages-passed-over", topic, group, queue, ranges: memory.pending });
      memory.pending = [];
      memory.pendingCount = 0;
    }
    return facts;
  }

  /** These are ready again (DEL-8): polls must look at them, however far they have looked. */
  lookAgainAt(queue: number, offsets: readonly Offset[]): void {
    const scannedTo = this.#queues.get(queue)?.scannedTo ?? new Map<string, Offset>();
    const first = offsets.reduce((least, offset) => Math.min(least, offset), Number.POSITIVE_INFINITY);
    for (const [text, offset] of scannedTo) scannedTo.set(text, Math.min(offset, first));
  }

  /** Remembers what a poll's decision saw. After one that delivers, the next queue has its turn. */
  note(
    decision: {
      readonly scans: readonly Scan[];
      readonly picks: readonly unknown[];
      readonly owedToNews: number;
      readonly nothingDueBy?: number;
    },
    filter: TagFilter,
    now: EpochMs,
    queueCount: number,
  ): void {
    this.owedToNews = decision.owedToNews;
    if (decision.nothingDueBy !== undefined) this.#nothingDueBy.set(filter.text, decision.nothingDueBy);
    if (decision.picks.length > 0) this.turn = (this.turn + 1) % Math.max(1, queueCount);
    for (const scan of decision.scans) this.#noteScan(scan, filter, now);
  }

  #noteScan(scan: Scan, filter: TagFilter, now: EpochMs): void {
    let memory = this.#queues.get(scan.queue);
    if (memory === undefined) {
      memory = { scannedTo: new Map(), pending: [], pendingCount: 0, pendingSince: now };
      this.#queues.set(scan.queue, memory);
    }
    memory.scannedTo.set(filter.text, scan.scannedTo);
    if (scan.wrote) {
      memory.pending = [];
      memory.pendingCount = 0;
    } else if (scan.passedOver.length > 0) {
      if (memory.pendingCount === 0) memory.pendingSince = now;
      memory.pending = joinRanges(memory.pending, scan.passedOver);
      for (const [from, to] of scan.passedOver) memory.pendingCount += to - from;
    }
  }
}

const MAX_FILTERS = 64;
const MAX_PENDING = 1_000;
const MAX_PENDING_FOR: DurationMs = 1_000;

/** Both lists as one: ascending, neighbours joined. */
export function joinRanges(one: readonly OffsetRange[], other: readonly OffsetRange[]): OffsetRange[] {
  const joined: [Offset, Offset][] = [];
  for (const [from, to] of [...one, ...other].sort((a, b) => a[0] - b[0])) {
    const last = joined.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else joined.push([from, to]);
  }
  return joined;
}
