import { describe, expect, it } from "vitest";
import { MessageQueue } from "./message-queue.ts";
import { NO_TAG, type TagHash, TagSet } from "./tag-set.ts";

function tagSet(...tags: readonly TagHash[]): TagSet {
  const set = new TagSet();
  for (const tag of tags) set.add(tag);
  return set;
}

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
      expect(queue.hasOneOf(tagSet(tagOf(offset + 2), tagOf(offset)), offset)).toBe(true);
      expect(queue.hasOneOf(tagSet(tagOf(offset + 2)), offset)).toBe(false);
      expect(queue.hasOneOf(tagSet({ ...tagOf(offset), high: tagOf(offset).high ^ 1 }), offset)).toBe(false);
    }
  });

  it("tells of no place beyond its end", () => {
    const queue = new MessageQueue();
    queue.append(7, 1, NO_TAG);
    expect(queue.positionOf(0)).toBe(7);
    expect(() => queue.positionOf(1)).toThrow(RangeError);
  });
});
