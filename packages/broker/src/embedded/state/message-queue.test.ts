import { describe, expect, it } from "vitest";
import { MessageQueue, NO_TAG } from "./message-queue.ts";

describe("MessageQueue", () => {
  it("keeps place, size and tag of each message, over many slices", () => {
    const queue = new MessageQueue();
    const count = 10_000;
    const tagOf = (offset: number) => ({ high: (offset * 2_654_435_761) >>> 0, low: (offset | 1) >>> 0 });
    for (let offset = 0; offset < count; offset++) {
      expect(queue.end).toBe(offset);
      queue.append(2 ** 45 + offset, offset, tagOf(offset));
    }
    for (let offset = 0; offset < count; offset += 101) {
      expect(queue.positionOf(offset)).toBe(2 ** 45 + offset);
      expect(queue.bodyBytesOf(offset)).toBe(offset);
      expect(queue.tagOf(offset)).toEqual(tagOf(offset));
      expect(queue.hasTag(offset, tagOf(offset))).toBe(true);
      expect(queue.hasTag(offset, tagOf(offset + 1))).toBe(false);
      expect(queue.hasTag(offset, { ...tagOf(offset), low: tagOf(offset).low ^ 0x8000_0000 })).toBe(false);
    }
  });

  it("has no tag beyond its end, not even none", () => {
    const queue = new MessageQueue();
    queue.append(1, 1, NO_TAG);
    expect(queue.hasTag(0, NO_TAG)).toBe(true);
    expect(queue.hasTag(1, { high: 1, low: 1 })).toBe(false);
  });
});
