import { describe, expect, it } from "vitest";
import { parseTagFilter } from "../domain/tag-filter.ts";
import { NO_TAG } from "./state/tag-set.ts";
import { TagHasher } from "./tag-hasher.ts";

const ONE = Buffer.alloc(32, 1);
const OTHER = Buffer.alloc(32, 2);

describe("TagHasher", () => {
  it("hashes one tag alike for ever, and otherwise under another secret", () => {
    const hasher = new TagHasher(ONE);
    expect(hasher.hash("paid")).toEqual(new TagHasher(ONE).hash("paid"));
    expect(hasher.hash("paid")).not.toEqual(new TagHasher(OTHER).hash("paid"));
  });

  it("tells 100,000 tags apart, and keeps only the tags of late", () => {
    const hasher = new TagHasher(ONE);
    const seen = new Set<string>();
    for (let order = 0; order < 100_000; order++) {
      const { high, low } = hasher.hash(`order-${order}`);
      seen.add(`${high}/${low}`);
      expect(low === 0 && high === 0).toBe(false);
    }
    expect(seen.size).toBe(100_000);
    expect(hasher.rememberedCount).toBeLessThanOrEqual(4_096);
    expect(hasher.hash("order-0")).toEqual(new TagHasher(ONE).hash("order-0"));
  });

  it("makes two whole numbers of 32 bits, as a message queue keeps them", () => {
    for (const tag of ["a", "é", "🚀", "x".repeat(64)]) {
      const { high, low } = new TagHasher(ONE).hash(tag);
      expect([high >>> 0, low >>> 0]).toEqual([high, low]);
    }
  });

  it("has no hash for no tag, and none for a filter of everything", () => {
    const hasher = new TagHasher(ONE);
    expect(hasher.hash("")).toEqual(NO_TAG);
    expect(hasher.tagSetOf(parseTagFilter("*"))).toBeUndefined();
    expect(hasher.tagSetOf(parseTagFilter("a"), parseTagFilter("*"))).toBeUndefined();
    const set = hasher.tagSetOf(parseTagFilter("a||b"), parseTagFilter("c"));
    const has = (tag: string) => set?.has(hasher.hash(tag).high, hasher.hash(tag).low);
    expect(["a", "b", "c", "d", ""].map(has)).toEqual([true, true, true, false, false]);
  });
});
