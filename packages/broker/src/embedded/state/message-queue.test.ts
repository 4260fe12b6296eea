import { describe, expect, it } from "vitest";
import { DAY } from "../../domain/time.ts";
import { MessageQueue } from "./message-queue.ts";
import type { QueueSlice } from "./queue-chunk.ts";
import { NO_TAG, type TagHash, TagSet } from "./tag-set.ts";

const CHUNK = 4_096;

function tagSet(...tags: readonly TagHash[]): TagSet {
  const set = new TagSet();
  for (const tag of tags) set.add(tag);
  return set;
}

function tagOf(offset: number): TagHash {
  return { high: (offset * 2_654_435_761) >>> 0, low: (offset | 1) >>> 0 };
}

function add(
  queue: MessageQueue,
  position: number,
  bodyBytes: number,
  tag: TagHash,
  visibleAt: number,
  storedAt?: number,
) {
  queue.append({ position, bodyBytes, tag, visibleAt, storedAt });
}

/** One message a second, at ascending positions. */
function aQueue(count: number): MessageQueue {
  const queue = new MessageQueue();
  for (let offset = 0; offset < count; offset++) add(queue, 1_000 + offset, offset, tagOf(offset), offset * 1_000);
  return queue;
}

describe("MessageQueue", () => {
  it("dates anew what comes after it was emptied and the wall clock set back", () => {
    const queue = new MessageQueue();
    add(queue, 1_000, 0, NO_TAG, 9_000);
    queue.dropUpTo(1);
    queue.redate(2_000);
    add(queue, 2_000, 0, NO_TAG, 3_000);
    add(queue, 2_001, 0, NO_TAG, 2_500);
    expect([1, 2].map((offset) => queue.visibleAt(offset))).toEqual([3_000, 3_000]);
    const capture = queue.capture();
    expect(MessageQueue.restore(capture, capture.slices()).visibleAt(2)).toBe(3_000);
  });

  it("keeps place, size, tag and instant of each message, over many chunks", () => {
    const queue = new MessageQueue();
    const count = 10_000;
    for (let offset = 0; offset < count; offset++) {
      expect(queue.end).toBe(offset);
      add(queue, 2 ** 45 + offset, offset, tagOf(offset), 2 ** 41 + 7 * offset);
    }
    for (let offset = 0; offset < count; offset += 101) {
      expect(queue.positionOf(offset)).toBe(2 ** 45 + offset);
      expect(queue.bodyBytesOf(offset)).toBe(offset);
      expect(queue.tagOf(offset)).toEqual(tagOf(offset));
      expect(queue.visibleAt(offset)).toBe(2 ** 41 + 7 * offset);
      expect(queue.hasOneOf(tagSet(tagOf(offset + 2), tagOf(offset)), offset)).toBe(true);
      expect(queue.hasOneOf(tagSet(tagOf(offset + 2)), offset)).toBe(false);
      expect(queue.hasOneOf(tagSet({ ...tagOf(offset), high: tagOf(offset).high ^ 1 }), offset)).toBe(false);
    }
  });

  it("tells of no place beyond its end", () => {
    const queue = new MessageQueue();
    add(queue, 7, 1, NO_TAG, 0);
    expect(queue.positionOf(0)).toBe(7);
    expect(() => queue.positionOf(1)).toThrow(RangeError);
  });

  it("keeps instants that lie further apart than 49 days in one chunk", () => {
    const queue = new MessageQueue();
    const instants = [5, 6, 49 * DAY, 50 * DAY, 1_000 * DAY];
    for (const at of instants) add(queue, 0, 0, NO_TAG, at);
    expect(instants.map((_, offset) => queue.visibleAt(offset))).toEqual(instants);
  });

  it("never has a message visible before the one in front of it", () => {
    const queue = new MessageQueue();
    for (const at of [10, 30, 20, 40]) add(queue, 0, 0, NO_TAG, at);
    expect([0, 1, 2, 3].map((offset) => queue.visibleAt(offset))).toEqual([10, 30, 30, 40]);
    queue.dropUpTo(4);
    add(queue, 0, 0, NO_TAG, 15);
    expect(queue.visibleAt(4)).toBe(40);
  });

  it("finds the first message that became visible after an instant", () => {
    const queue = new MessageQueue();
    expect(queue.firstVisibleAfter(0)).toBe(0);
    for (const at of [10, 20, 20, 20, 30]) add(queue, 0, 0, NO_TAG, at);
    expect([9, 10, 19, 20, 29, 30].map((at) => queue.firstVisibleAfter(at))).toEqual([0, 1, 1, 4, 4, 5]);
    queue.dropUpTo(2);
    expect([9, 20].map((at) => queue.firstVisibleAfter(at))).toEqual([2, 4]);
    const long = aQueue(3 * CHUNK);
    for (const offset of [0, CHUNK - 1, CHUNK, 2 * CHUNK + 5]) {
      expect(long.firstVisibleAfter(offset * 1_000)).toBe(offset + 1);
      expect(long.firstVisibleAfter(offset * 1_000 - 1)).toBe(offset);
    }
  });

  it("finds the first message that joined it behind a position, to 1 KiB, wherever it was stored or moved", () => {
    const queue = new MessageQueue();
    for (const [position, joinedAt] of [
      [1_000, 1_000],
      [2_000, 2_000],
      [1_500, 90_000], // stored long before it joined
      [95_000, 95_000],
    ] as const) {
      queue.append({ position, joinedAt, bodyBytes: 0, tag: NO_TAG, visibleAt: 0 });
    }
    queue.moveTo(0, 99_000);
    const found = [1_000, 1_001, 3_100, 88_000, 90_000, 95_001].map((position) => queue.firstJoinedFrom(position));
    expect(found).toEqual([1, 1, 2, 2, 3, 4]);
    expect(aQueue(2 * CHUNK).firstJoinedFrom(5 * 1_024)).toBe(5 * 1_024 - 1_000);
    expect(aQueue(2 * CHUNK).firstJoinedFrom(6 * 1_024)).toBe(6 * 1_024 - 1_000);
  });

  for (const upTo of [1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 10_000]) {
    it(`forgets what stands before ${upTo}, and goes on behind its end`, () => {
      const queue = aQueue(10_000);
      queue.dropUpTo(upTo);
      expect(queue.head).toBe(upTo);
      expect(queue.count).toBe(10_000 - upTo);
      expect(() => queue.positionOf(upTo - 1)).toThrow(RangeError);
      if (upTo < 10_000) expect(queue.positionOf(upTo)).toBe(1_000 + upTo);
      add(queue, 7, 8, NO_TAG, 10_000_000);
      expect(queue.end).toBe(10_001);
      expect([queue.positionOf(10_000), queue.visibleAt(10_000)]).toEqual([7, 10_000_000]);
      queue.dropUpTo(1); // behind the head: nothing to do
      expect(queue.head).toBe(upTo);
    });
  }

  it("drops no further than its end", () => {
    const queue = aQueue(3);
    queue.dropUpTo(5);
    expect([queue.head, queue.end, queue.count]).toEqual([3, 3, 0]);
  });

  it("names what stands before a position, wherever it was moved", () => {
    const queue = aQueue(3 * CHUNK);
    const before = (position: number): number[] => [...queue.standingBefore(position)];
    expect(before(1_000)).toEqual([]);
    expect(before(1_002)).toEqual([0, 1]);
    queue.dropUpTo(1);
    expect(before(1_003)).toEqual([1, 2]);
    queue.moveTo(1, 50_000);
    add(queue, 1_001, 0, NO_TAG, 0);
    expect(before(1_003)).toEqual([2, 3 * CHUNK]);
    queue.moveTo(3 * CHUNK, 60_000);
    queue.moveTo(2, 70_000);
    expect(before(1_003)).toEqual([]);
    expect(before(80_000)).toHaveLength(3 * CHUNK);
    expect(queue.positionOf(2)).toBe(70_000);
  });

  it("names a dead letter whose message stands before a position, until it was moved", () => {
    const queue = aQueue(2);
    add(queue, 2_000, 0, NO_TAG, 9_000, 500);
    expect([...queue.standingBefore(600)]).toEqual([2]);
    expect(queue.positionOf(2)).toBe(2_000);
    const capture = queue.capture();
    queue.moveTo(2, 3_000);
    expect([...queue.standingBefore(600)]).toEqual([]);
    const restored = MessageQueue.restore(capture, capture.slices());
    expect([...restored.standingBefore(600)]).toEqual([2]);
    expect([...restored.standingBefore(1_001)]).toEqual([0, 2]);
  });

  it("goes on naming what stands before a position while it is moved and dropped", () => {
    const queue = aQueue(3 * CHUNK);
    const named: number[] = [];
    for (const offset of queue.standingBefore(Number.POSITIVE_INFINITY)) {
      named.push(offset);
      queue.moveTo(offset, 1_000_000);
      if (offset === 10) queue.dropUpTo(CHUNK - 2);
      if (offset === CHUNK - 1) queue.dropUpTo(3 * CHUNK - 2);
    }
    expect(named).toEqual([...Array(11).keys(), CHUNK - 2, CHUNK - 1, 3 * CHUNK - 2, 3 * CHUNK - 1]);
  });

  it("grows beside a capture without a change to it", () => {
    const queue = aQueue(10);
    const capture = queue.capture();
    for (let offset = 10; offset < 2_000; offset++) add(queue, 1_000 + offset, offset, tagOf(offset), offset * 1_000);
    queue.moveTo(3, 90_000);
    expect([...capture.slices()].flatMap(({ positions }) => [...positions])).toEqual(
      Array.from({ length: 10 }, (_, offset) => 1_000 + offset),
    );
    expect([queue.positionOf(3), queue.positionOf(4), queue.bodyBytesOf(1_999)]).toEqual([90_000, 1_004, 1_999]);
  });

  it("shows a capture as it was, whatever happens to the queue meanwhile", () => {
    const queue = aQueue(2 * CHUNK + 10);
    queue.dropUpTo(5);
    const capture = queue.capture();
    add(queue, 1, 1, NO_TAG, 1_000 * DAY);
    queue.moveTo(6, 99);
    queue.moveTo(7, 99);
    queue.dropUpTo(2 * CHUNK);
    expect([capture.head, capture.end]).toEqual([5, 2 * CHUNK + 10]);
    const slices = [...capture.slices()];
    expect(slices.map(({ from, to }) => [from, to])).toEqual([
      [5, CHUNK],
      [CHUNK, 2 * CHUNK],
      [2 * CHUNK, 2 * CHUNK + 10],
    ]);
    expect(at(slices, 5)).toEqual({ position: 1_005, bodyBytes: 5, ...tagOf(5), visibleAt: 5_000 });
    expect(at(slices, 6)).toMatchObject({ position: 1_006 });
    expect(at(slices, 2 * CHUNK + 9)).toMatchObject({ visibleAt: (2 * CHUNK + 9) * 1_000 });
    expect([...capture.slices()]).toEqual(slices);
  });

  for (const [head, count] of [
    [0, 0],
    [0, 10],
    [5, 10],
    [CHUNK, CHUNK],
    [CHUNK + 3, 2 * CHUNK + 9],
  ] as const) {
    it(`is restored from a capture of [${head}, ${count})`, () => {
      const queue = aQueue(count);
      queue.dropUpTo(head);
      const capture = queue.capture();
      const restored = MessageQueue.restore(capture, capture.slices());
      add(queue, 1, 2, NO_TAG, 3);
      add(restored, 1, 2, NO_TAG, 3);
      expect([restored.head, restored.end]).toEqual([queue.head, queue.end]);
      for (let offset = head; offset < count; offset++) {
        expect(restored.positionOf(offset)).toBe(queue.positionOf(offset));
        expect(restored.visibleAt(offset)).toBe(queue.visibleAt(offset));
      }
      expect([...restored.capture().slices()]).toEqual([...queue.capture().slices()]);
    });
  }
});

function at(slices: readonly QueueSlice[], offset: number) {
  const slice = slices.find(({ from, to }) => from <= offset && offset < to);
  if (slice === undefined) return undefined;
  const index = offset - slice.from;
  return {
    position: slice.positions[index],
    bodyBytes: slice.bodyBytes[index],
    high: slice.tags[2 * index],
    low: slice.tags[2 * index + 1],
    visibleAt: slice.visibleAt[index],
  };
}
